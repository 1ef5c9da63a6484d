"""A connection holds what the fast path wants, keeps the order, and ends as others do."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from app.engines.constant import ConstantEngine
from app.fast_connection import FastConnection
from tests.app.fast_lines import JPEG, Line, form, post, speak
from tests.app.serving import until


def test_a_body_that_comes_in_pieces_is_waited_for() -> None:
    async def play(line: Line) -> None:
        request = form(JPEG)
        for cut in (20, 100, len(request) - 1):
            assert (await line.ask(request[:cut], request[cut:]))[2]["label"] == "1"
        assert line.taken == [JPEG] * 3

    speak(play)


def test_a_body_that_comes_slowly_goes_to_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(line: Line) -> None:
        request = form(JPEG)
        for cut in (300, 500):  # behind its head
            assert (await line.ask(request[:cut], request[cut:]))[2]["label"] == "1"
        assert (await line.ask(request))[2]["label"] == "1"
        assert line.taken == [JPEG]

    monkeypatch.setattr(FastConnection, "hold_seconds", 0.001)
    speak(play)


def test_a_body_that_does_not_come_misses_the_deadline() -> None:
    async def play(line: Line) -> None:
        status, headers, _ = await line.ask(post(JPEG)[:-1])
        assert (status, headers["connection"], line.taken) == (504, "close", [])

    speak(play, deadline_ms=50)


def test_requests_sent_together_are_answered_in_their_order() -> None:
    async def play(line: Line) -> None:
        live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
        broken = post(JPEG[:300])
        line.writer.write(form(JPEG) + live + form(JPEG) + broken + form(JPEG))
        answers = [await line.answer() for _ in range(5)]
        assert [status for status, _, _ in answers] == [200, 200, 200, 422, 200]
        assert ["label" in answer for _, _, answer in answers] == [True, False, True, False, True]
        assert (await line.ask(form(JPEG)))[0] == 200

    speak(play)


@pytest.mark.parametrize("how", ["an error", "a cancellation"])
def test_nobody_waits_for_what_will_not_come(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    async def play(line: Line) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
        if how == "an error":
            monkeypatch.setattr(line.app.state.metrics, "answered_request", fail)
        line.writer.write(form(JPEG))
        await until(lambda: line.app.state.classifier.occupied)
        if how == "a cancellation":
            for task in line.connections[0].tasks:
                task.cancel()
        assert await line.reader.read() == b""
        await until(lambda: not line.app.state.door.inside)

    told: list[Any] = []
    speak(play, ConstantEngine(delay=0.1))


def test_a_body_takes_of_the_time_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def play(line: Line) -> None:
        await line.ask(form(JPEG)[:-1], form(JPEG)[-1:])

    caplog.set_level(logging.INFO)
    speak(play)
    (seconds,) = (record.__dict__["seconds"] for record in caplog.records if record.name == "app.access")
    assert seconds >= 0.02


def _gone(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if " 499 " in record.getMessage() or "client gone" in record.getMessage()
    ]


@pytest.mark.parametrize("cut", [-1, None])
def test_who_leaves_is_noticed_and_makes_room(cut: int | None, caplog: pytest.LogCaptureFixture) -> None:
    async def play(line: Line) -> None:
        line.writer.write(form(JPEG)[:cut])
        if cut is None:
            await until(lambda: line.app.state.classifier.occupied)
        else:
            await until(lambda: line.connections and line.connections[0]._held is not None)
        line.writer.transport.abort()
        await until(lambda: _gone(caplog))
        assert line.app.state.classifier.occupied == 0
        assert line.app.state.budget.held == 0
        assert line.app.state.door.inside == 0

    caplog.set_level(logging.INFO)
    speak(play, ConstantEngine(delay=0.1))


@pytest.mark.parametrize("end", ["drain", "shutdown"])
def test_a_connection_ends_with_its_answer_at_the_end(end: str) -> None:
    async def play(line: Line) -> None:
        line.writer.write(form(JPEG))
        await until(lambda: line.app.state.classifier.occupied)
        if end == "drain":
            line.app.state.classifier.begin_drain()
        else:
            line.connections[0].shutdown()
        status, headers, _ = await line.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await line.reader.read() == b""
        assert line.taken == [JPEG]

    speak(play, ConstantEngine(delay=0.1))


def test_what_is_held_at_the_end_is_answered() -> None:
    async def play(line: Line) -> None:
        line.writer.write(form(JPEG)[:-1])
        await until(lambda: line.connections and line.connections[0]._held is not None)
        line.connections[0].shutdown()
        status, headers, _ = await line.ask(form(JPEG)[-1:])
        assert (status, headers["connection"], line.taken) == (200, "close", [])

    speak(play)


def test_none_is_wanted_while_the_service_drains() -> None:
    async def play(line: Line) -> None:
        line.app.state.classifier.begin_drain()
        assert (await line.ask(form(JPEG)))[1]["connection"] == "close"
        assert line.taken == []

    speak(play)
