"""Ids, security headers, limits while streaming, and work dropped when the client leaves."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.middleware import FULL_BODIES, DropAbandoned, _Watch
from app.settings import Settings
from tests.app.serving import Exchange, ask_while_held, body, service, speak, until

GreyPng = Callable[[int], bytes]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


@pytest.mark.parametrize("sane", ["abc-123", "A.b_c", "x" * 64])
def test_a_sane_request_id_is_kept(client: TestClient, sane: str) -> None:
    response = client.get("/nothing", headers={"X-Request-ID": sane})
    assert response.headers["x-request-id"] == response.json()["request_id"] == sane


@pytest.mark.parametrize("odd", ["", "x" * 65, "a b", "<script>", "a,b", "é"])
def test_another_request_id_is_replaced(client: TestClient, odd: str) -> None:
    given = client.get("/nothing", headers=[(b"X-Request-ID", odd.encode())]).headers["x-request-id"]
    assert given != odd
    assert len(given) == 32


def test_each_request_gets_its_own_id(client: TestClient) -> None:
    ids = {client.get("/health/live").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize("path", ["/", "/docs", "/model", "/nothing", "/static/page.css", "/predict"])
def test_every_answer_has_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert "strict-transport-security" not in headers


def test_over_https_browsers_are_told_to_stay_there(client: TestClient) -> None:
    secure = client.get("https://testserver/")
    assert secure.headers["strict-transport-security"] == "max-age=31536000"


def test_each_request_is_logged_with_its_id(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "app.access"):
        client.get("/health/live")
    (record,) = [record for record in caplog.records if record.name == "app.access"]
    assert vars(record)["route"] == "/health/live"
    assert vars(record)["status"] == 200


def test_an_announced_length_over_the_limit_is_refused_unread() -> None:
    app = create_app(Settings(max_bytes=100), ConstantEngine())
    exchange = Exchange(app, [], {"content-length": "101", "expect": "100-continue"})
    speak(app, exchange.run)
    assert exchange.status == 413
    assert exchange.answer_headers["connection"] == "close"
    assert exchange.read == 0


def test_a_chunked_body_is_stopped_at_the_limit() -> None:
    app = create_app(Settings(max_bytes=100), ConstantEngine())
    chunks = body(*[bytes(60)] * 100)
    exchange = Exchange(app, chunks, {"transfer-encoding": "chunked", "content-type": "image/png"})
    speak(app, exchange.run)
    assert exchange.status == 413
    assert exchange.read_before_answer == 2  # the second chunk crossed the limit


@pytest.mark.parametrize("size", [100, 101])
def test_the_limit_itself_is_allowed(client: TestClient, size: int) -> None:
    with service(max_bytes=100) as small:
        status = small.post("/predict", content=bytes(size)).status_code
    assert status == {100: 415, 101: 413}[size]


def test_bodies_share_a_budget_and_give_it_back() -> None:
    app = create_app(Settings(max_bytes=1000), ConstantEngine())

    def exchange(more: bool) -> Exchange:
        return Exchange(app, body(bytes(900), more=more), {"content-type": "image/png"})

    held = [exchange(more=True) for _ in range(FULL_BODIES)]
    refused, admitted = exchange(more=False), exchange(more=False)

    ask_while_held(app, held, refused, admitted)
    assert refused.status == 503
    assert int(refused.answer_headers["retry-after"]) > 0
    assert admitted.status == 415  # it got as far as being looked at


def test_a_body_that_stops_coming_is_504() -> None:
    app = create_app(Settings(deadline_ms=100), ConstantEngine())
    headers = {"content-length": "1000", "content-type": "image/png"}
    exchange = Exchange(app, body(b"x", more=True), headers)
    begun = time.monotonic()
    speak(app, exchange.run)
    assert exchange.status == 504
    assert time.monotonic() - begun < 8


def test_a_client_that_leaves_while_sending_gets_no_500(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Settings(), ConstantEngine())
    exchange = Exchange(app, body(b"x", more=True), {"content-length": "1000", "content-type": "image/png"})
    exchange.hang_up.set()
    speak(app, exchange.run)
    assert exchange.status in (None, 499)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_work_for_a_client_that_left_is_dropped(grey_png: GreyPng) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(_images: Any) -> None:
        running.set()
        assert release.wait(20)

    engine = ConstantEngine(before_run=hold)
    app = create_app(Settings(), engine)
    headers = {"content-type": "image/png"}
    first, abandoned = (Exchange(app, body(grey_png(grey)), headers) for grey in (0, 255))

    async def play() -> None:
        waiting = asyncio.create_task(first.run())
        await asyncio.to_thread(running.wait, 20)
        leaving = asyncio.create_task(abandoned.run())
        await until(lambda: app.state.classifier.occupied == 2)
        abandoned.hang_up.set()
        await leaving
        release.set()
        await waiting

    speak(app, play)
    assert first.status == 200
    assert abandoned.status is None
    assert engine.batch_sizes == [1]
    counted = app.state.metrics.render().decode()
    assert 'signs_requests_total{route="/predict",status="0"} 1.0' in counted


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_a_client_that_stays_is_answered_whether_watched_or_not(
    grey_png: GreyPng, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[object] = []
    begin = _Watch.begin

    def note(watch: _Watch) -> None:
        watched.append(watch)
        begin(watch)

    monkeypatch.setattr(_Watch, "begin", note)
    monkeypatch.setattr(DropAbandoned, "watch_after", 0.01 if seconds else 60.0)
    app = create_app(Settings(), ConstantEngine(delay=seconds))
    exchange = Exchange(app, body(grey_png(0)), {"content-type": "image/png"})

    async def play() -> None:
        before = asyncio.all_tasks()
        await exchange.run()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    speak(app, play)
    assert exchange.status == 200
    assert len(watched) == (1 if seconds else 0)


def _held_app() -> tuple[FastAPI, threading.Event]:
    """The application with an engine that runs only when the event is set."""
    release = threading.Event()

    def hold(_images: Any) -> None:
        assert release.wait(20)

    return create_app(Settings(), ConstantEngine(before_run=hold)), release


def test_the_task_of_a_client_that_left_can_go_on(grey_png: GreyPng) -> None:
    app, release = _held_app()
    abandoned = Exchange(app, body(grey_png(0)), {"content-type": "image/png"})

    async def play() -> None:
        asyncio.get_running_loop().call_later(0.05, abandoned.hang_up.set)
        await abandoned.run()  # in this task, as a server that keeps the connection would
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)
        release.set()

    speak(app, play)
    assert abandoned.status is None


def test_a_cancellation_from_outside_passes(grey_png: GreyPng) -> None:
    app, release = _held_app()
    exchange = Exchange(app, body(grey_png(0)), {"content-type": "image/png"})

    async def play() -> None:
        task = asyncio.create_task(exchange.run())
        await until(lambda: app.state.classifier.occupied == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()

    speak(app, play)
    assert exchange.status is None
