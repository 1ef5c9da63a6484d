"""What is answered at the connection is answered as the application does; the unusual goes there."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from PIL import Image

from app.engines.constant import ConstantEngine
from app.fast_path import FastPath
from app.settings import Settings
from tests.app.conftest import Encode
from tests.app.fast_lines import JPEG, Line, form, post, speak


def told(request: bytes, fast: bool, **settings: Any) -> tuple[Any, list[bytes]]:
    """The answer to a request but for what differs each time, and what the fast path took."""
    found: list[Any] = []

    async def play(line: Line) -> None:
        status, headers, answer = await line.ask(request)
        answer.pop("request_id", None)
        known = {name: text for name, text in headers.items() if name not in {"x-request-id", "date"}}
        found.extend([(status, known, sorted(headers), answer), line.taken])

    speak(play, fast=fast, **settings)
    return found[0], found[1]


def requests_of(encode: Encode) -> dict[str, bytes]:
    """Requests that the fast path answers."""
    return {
        "a body": post(JPEG),
        "a form": form(JPEG),
        "a PNG": post(encode(Image.new("RGB", (90, 70), (51, 51, 51)), "PNG"), "Content-Type: image/png\r\n"),
        "a broken picture": post(JPEG[:300]),
        "no picture": form(b"hello"),
        "nothing": form(b""),
        "ids": post(
            JPEG,
            "Content-Type: image/jpeg\r\nX-Request-ID: mine\r\nAccept: */*\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        ),
    }


@pytest.mark.parametrize(
    "name", ["a body", "a form", "a PNG", "a broken picture", "no picture", "nothing", "ids"]
)
def test_it_answers_as_the_application_does(name: str, encode: Encode) -> None:
    request = requests_of(encode)[name]
    fast, taken = told(request, fast=True)
    assert len(taken) == 1
    assert (fast, []) == told(request, fast=False)
    assert (fast[0] == 200) is (name in {"a body", "a form", "a PNG", "ids"})


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("POST /predict?explain=true HTTP/1.1", "Content-Type: image/jpeg\r\n"),
        ("POST /predict HTTP/1.0", "Content-Type: image/jpeg\r\n"),
        ("POST /predict HTTP/1.0", "Content-Type: image/jpeg\r\nConnection: keep-alive\r\n"),
        ("POST /predict HTTP/1.1", "Content-Type: image/jpeg\r\nConnection: close\r\n"),
        ("POST /predict HTTP/1.1", "Content-Type: image/jpeg\r\nContent-Type: image/png\r\n"),
        ("POST /predict HTTP/1.1", "Content-Type: image/jpeg\r\nContent-Encoding: identity\r\n"),
        ("POST /predict HTTP/1.1", "Content-Type: image/jpeg\r\nOrigin: http://x\r\n"),
        ("POST /predict HTTP/1.1", "Content-Type: image/jpeg\r\nX-API-Key: a\r\n"),
        ("POST /predict HTTP/1.1", "Content-Type: application/octet-stream\r\n"),
        ("POST /predict HTTP/1.1", ""),
        ("PUT /predict HTTP/1.1", "Content-Type: image/jpeg\r\n"),
        ("POST /predict/ HTTP/1.1", "Content-Type: image/jpeg\r\n"),
        ("POST /page HTTP/1.1", "Content-Type: image/jpeg\r\n"),
    ],
)
def test_what_asks_for_more_goes_to_the_application(line: str, headers: str) -> None:
    request = post(JPEG, headers, line)
    assert told(request, fast=True) == told(request, fast=False)
    assert told(request, fast=True)[1] == []


def test_other_forms_and_large_bodies_go_to_the_application() -> None:
    for request in (form(JPEG, "picture"), post(JPEG + bytes(2**16)), post(b"")):
        assert told(request, fast=True) == (told(request, fast=False)[0], [])


def test_what_is_answered_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def play(line: Line) -> None:
        _, headers, _ = await line.ask(form(JPEG))
        await line.ask(post(JPEG[:300]))
        sample = line.app.state.metrics.registry.get_sample_value
        for status in ("200", "422"):
            assert sample("signs_requests_total", {"route": "/predict", "status": status}) == 1
        assert sample("signs_predictions_total", {"label": "1", "accepted": "true"}) == 1
        assert sample("signs_rejections_total", {"reason": "corrupt-image"}) == 1
        assert len(headers["x-request-id"]) == 32

    caplog.set_level(logging.INFO)
    speak(play)
    lines = [record.getMessage() for record in caplog.records if record.name == "app.access"]
    assert [line.split(" in ")[0] for line in lines] == ["POST /predict 200", "POST /predict 422"]


def test_what_nobody_foresaw_tells_no_more_than_its_id(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    async def play(line: Line) -> None:
        status, _, answer = await line.ask(form(JPEG))
        assert (status, answer["type"]) == (500, "about:blank")
        assert "a bug" not in str(answer)
        assert "a bug" in caplog.text

    monkeypatch.setattr("app.fast_path.picture_response", fail)
    speak(play)


def test_a_full_queue_and_a_missed_deadline_are_told() -> None:
    async def play(line: Line) -> None:
        status, headers, answer = await line.ask(form(JPEG))
        assert (status, answer["type"]) == (504, "urn:signs:problem:deadline-exceeded")
        assert headers.get("connection") is None
        line.app.state.budget.take(line.app.state.budget._limit)
        status, headers, _ = await line.ask(form(JPEG))
        assert (status, headers["retry-after"]) == (503, "1")

    speak(play, ConstantEngine(delay=0.3), deadline_ms=100)


@pytest.mark.parametrize(
    "settings",
    [
        {"api_keys": {"ann": "0" * 64}},
        {"key_rate": 1},
        {"address_rate": 1},
        {"trusted_proxies": ["10.0.0.1"]},
        {"aip_predict_route": "/predict"},
        {"otlp_endpoint": "http://localhost:4318/v1/traces"},
    ],
)
def test_where_middleware_has_more_to_do_there_is_none(settings: dict[str, Any]) -> None:
    assert FastPath.fits(Settings())
    assert not FastPath.fits(Settings(**settings))
