"""Heads without end, slow senders and slow readers are cut off; all others are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.connection import MAX_OVERHEAD, BoundedConnection
from tests.app.batching import run_in_time

LARGE = 20_000_000


class Hasty(BoundedConnection):
    """Waits for nobody for long."""

    head_seconds: ClassVar[float] = 0.3
    stall_seconds: ClassVar[float] = 0.3


class Patient(BoundedConnection):
    """Waits longer than any test."""

    head_seconds: ClassVar[float] = 600
    stall_seconds: ClassVar[float] = 600


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and tells its size; at /large it answers with more than any buffer holds."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    told = bytes(LARGE) if scope["path"] == "/large" else str(size).encode()
    length = str(len(told)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": told})


@asynccontextmanager
async def connected(
    kind: type[BoundedConnection],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """The streams of one connection to a server of that kind."""
    config = uvicorn.Config(answer, lifespan="off", log_config=None, timeout_keep_alive=600)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: kind(config, ServerState(), {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        yield reader, writer
        writer.close()


def speak(
    kind: type[BoundedConnection],
    play: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    """Plays one side of a connection."""

    async def live() -> None:
        async with connected(kind) as (reader, writer):
            await play(reader, writer)

    run_in_time(live())


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nX: ", b"GET /"])
@pytest.mark.parametrize("piece", [b"X: y", b"y"])
def test_a_head_without_end_is_refused(start: bytes, piece: bytes) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # No byte more than is read, or the close would reset the connection before the answer is there.
        writer.write((start + piece * MAX_OVERHEAD)[: MAX_OVERHEAD + 1])
        assert (await reader.read()).startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))

    speak(Patient, play)


def test_a_head_that_would_be_a_good_one_is_refused_for_its_size() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * MAX_OVERHEAD)[: MAX_OVERHEAD + 1])
        told = await reader.read()
        assert told.startswith(b"HTTP/1.1 431 ")
        assert b"application/problem+json" in told

    speak(Patient, play)


def test_trailers_without_end_are_cut_off() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        writer.write(b"X: " + b"y" * MAX_OVERHEAD)
        told = await reader.read()  # the body's end is not there, so that nothing was answered yet
        assert told.startswith(b"HTTP/1.1 431 ") or told == b""

    speak(Patient, play)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX: "])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 " if sent else b"")

    speak(Hasty, play)


def test_the_second_request_of_a_connection_is_bounded_too() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.6)  # idle between two requests, which keep-alive bounds
        writer.write(b"GET / HTTP/1.1\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")

    speak(Hasty, play)


def test_bodies_in_small_chunks_and_many_requests_are_fine() -> None:
    body = b"1\r\nx\r\n" * MAX_OVERHEAD

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(5) == str(MAX_OVERHEAD).encode()
        for _ in range(40):  # together more bytes than one head may have
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 5000 + b"\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 ")

    speak(Patient, play)


def test_who_does_not_read_is_cut_off() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads, too
        await asyncio.sleep(1)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        with pytest.raises((ConnectionError, EOFError)):
            await reader.readexactly(LARGE)

    speak(Hasty, play)


def test_what_is_no_http_gets_a_problem() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        told = await reader.read()
        assert told.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in told

    speak(Patient, play)
