"""A client that costs little beside the service it asks: HTTP/1.1 over bare asyncio streams."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

PATIENCE = 120.0
"""Seconds after which an answer counts as lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Lost(Exception):
    """The connection ended before its answer was whole."""


class Client:
    """One connection, opened anew whenever the service has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Sends the bytes of a request; raises `OSError` where nobody listens, `Lost` without an answer."""
        begun = time.monotonic()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(request)
                answer = await _read(reader, begun)
        except (TimeoutError, OSError, EOFError) as error:
            self.close()
            raise Lost(repr(error)) from None
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Hangs up, if it is connected."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[Client]:
    """A client that hangs up in the end."""
    client = Client(port)
    try:
        yield client
    finally:
        client.close()


def get(path: str) -> bytes:
    """The bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: soak\r\n\r\n".encode()


def post(path: str, body: bytes, content_type: str = "application/octet-stream") -> bytes:
    """The bytes of a POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: soak\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


def photo(seed: int, side: int = 96) -> bytes:
    """A small made-up JPEG."""
    noise = np.random.RandomState(seed).randint(0, 256, (6, 6, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


async def _read(reader: asyncio.StreamReader, begun: float) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(first.split()[1]), headers, body, time.monotonic() - begun)
