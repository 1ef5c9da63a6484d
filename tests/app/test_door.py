"""A full queue refuses at the connection, before the application; what comes after is not lost by it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from app.batcher import Batcher
from app.classifier import Classifier
from app.connection import BoundedConnection
from app.door import SPARED, Door
from app.engines.constant import ConstantEngine
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from tests.app.batching import running_batcher
from tests.app.test_connection import Hasty, Patient, speak

MAX_BYTES = 1_000_000
BODY = b"x" * 300_000  # more than one read of a socket gives


class Inside:
    """Stands for a classifier: its queue, and whether it drains."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher
        self.capacity = batcher.capacity
        self.draining = False

    def full(self, inside: int) -> str | None:
        return self._batcher.full(2, 2 * inside)


@contextmanager
def door_before(taken: int, metrics: Metrics | None = None) -> Iterator[tuple[Door, Inside]]:
    """The door of a queue of four places of which so many are taken."""
    with running_batcher(ConstantEngine()) as batcher, batcher.reserve(60 + taken):
        inside = Inside(batcher)
        yield Door(cast(Classifier, inside), metrics or Metrics(), MAX_BYTES), inside


def parts(answer: bytes | None) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The status line, the headers and the body of an answer."""
    assert answer is not None
    head, body = answer.decode().split("\r\n\r\n")
    status, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["content-length"]) == len(body)
    return status, headers, json.loads(body)


def test_only_a_full_queue_refuses() -> None:
    for taken, refused in ((0, False), (2, False), (3, True), (4, True)):
        with door_before(taken) as (door, _):
            assert (door.refuse("/predict", 9, "") is not None) == refused


def test_what_is_told_is_a_problem_with_an_id_of_its_own() -> None:
    with door_before(4) as (door, _):
        answers = [parts(door.refuse("/predict", 9, identity)) for identity in ("", "", "mine", "no sane\n")]
    for status, headers, body in answers:
        assert status == "HTTP/1.1 503 Service Unavailable"
        assert (headers["retry-after"], headers["content-type"]) == ("1", "application/problem+json")
        assert headers["x-content-type-options"] == "nosniff"
        assert (body["type"], body["status"]) == ("urn:signs:problem:overloaded", 503)
        assert body["detail"] == "the queue is full: too few of its 64 places are free"
        assert body["request_id"] == headers["x-request-id"]
    ids = [body["request_id"] for _, _, body in answers]
    assert ids[2] == "mine"
    assert len(set(ids)) == len(ids)


def test_each_dialect_is_told_in_its_own_shape() -> None:
    with door_before(4) as (door, _):
        for path, fields in (("/v1/models/signs:predict", {"error"}), ("/predict", {"type", "detail"})):
            for _ in range(2):
                assert fields <= parts(door.refuse(path, 9, ""))[2].keys()


def test_the_page_corrections_large_bodies_and_the_end_are_left_to_the_application() -> None:
    with door_before(4) as (door, inside):
        assert [door.refuse(path, 9, "") for path in SPARED] == [None] * len(SPARED)
        assert door.refuse("/predict", MAX_BYTES, "") is not None
        assert door.refuse("/predict", MAX_BYTES + 1, "") is None
        inside.draining = True
        assert door.refuse("/predict", 9, "") is None


def test_refusals_are_counted_each_and_logged_together(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    with caplog.at_level(logging.WARNING, "app.door"), door_before(4, metrics) as (door, _):
        for _ in range(500):
            door.refuse("/predict", 9, "")
    assert 'signs_refusals_total{reason="overloaded"} 500.0' in metrics.render().decode()
    assert 1 <= len(caplog.messages) < 100
    assert caplog.messages[0].startswith("refused at the door: 1, for the queue is full")


def test_where_other_pages_may_ask_the_application_refuses() -> None:
    """Its answers name the pages that may read them."""
    assert create_app(Settings(), ConstantEngine()).state.door is not None
    assert create_app(Settings(cors_origins="https://a.example"), ConstantEngine()).state.door is None


def request(path: str = "/predict", body: bytes = BODY, headers: str = "", method: str = "POST") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


async def status_and_body(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Reads one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)


def refused_by(
    door: Door,
    play: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    kind: type[BoundedConnection] = Patient,
) -> None:
    """Plays one side of a connection with that door."""

    class Guarded(kind):  # type: ignore[misc, valid-type]  # a class that is given
        def __init__(self, *arguments: Any, **others: Any) -> None:
            super().__init__(*arguments, door=door, **others)

    speak(Guarded, play)


@pytest.mark.parametrize("body", [b"", b"x", BODY])
def test_a_connection_goes_on_after_a_refusal(body: bytes) -> None:
    with door_before(4) as (door, inside):

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(3):
                writer.write(request(body=body))
                assert (await status_and_body(reader))[0] == 503
            inside.draining = True  # the door is open
            writer.write(request(body=body))
            assert await status_and_body(reader) == (200, str(len(body)).encode())

        refused_by(door, play)


def test_requests_sent_together_are_answered_in_their_order() -> None:
    with door_before(4) as (door, _):

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(request(body=b"x") + request("/", b"xy") + request(body=b"x"))
            answers = [await status_and_body(reader) for _ in range(3)]
            assert [status for status, _ in answers[:2]] == [503, 200]
            assert answers[1][1] == b"2"

        refused_by(door, play)


def test_what_the_door_is_not_asked_about_comes_in() -> None:
    with door_before(4) as (door, _):

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for each in (request(method="PUT", body=b"x"), request("/?explain=true", b"x")):
                writer.write(each)
                assert (await status_and_body(reader))[0] == 200
            writer.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            assert (await status_and_body(reader))[0] == 200

        refused_by(door, play)


def test_who_asks_for_a_close_gets_it() -> None:
    with door_before(4) as (door, _):

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(request(headers="Connection: close\r\n"))
            assert (await status_and_body(reader))[0] == 503
            assert await reader.read() == b""

        refused_by(door, play)


def test_the_rest_of_a_refused_body_is_not_waited_for() -> None:
    with door_before(4) as (door, _):

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(request()[:-1])
            assert (await status_and_body(reader))[0] == 503
            assert await reader.read() == b""

        refused_by(door, play, Hasty)
