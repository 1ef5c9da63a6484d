"""A client that knows of lost answers, on the lean connections of the benchmarks."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.client import Connection

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
        self._connection: Connection | None = None

    async def ask(self, request: bytes) -> Answer:
        """Sends the bytes of a request; raises `OSError` where nobody listens, `Lost` without an answer."""
        begun = time.monotonic()
        if self._connection is None or not self._connection.usable:
            self.close()
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._connection.ask(request)
        except (TimeoutError, OSError) as error:
            self.close()
            raise Lost(repr(error)) from None
        if not self._connection.usable:
            self.close()
        return Answer(answer.status, answer.headers, answer.body, time.monotonic() - begun)

    def close(self) -> None:
        """Hangs up, if it is connected."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


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
