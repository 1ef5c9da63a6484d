"""The body of one request on its way in: counted, timed, and drained where nobody wants the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from app.errors import DeadlineExceeded, Overloaded
from app.http_errors import BodyTooLarge

LINGER_SECONDS: Final = 2.0  # as nginx's lingering_timeout is for: time for the client to read its answer


class BodyBudget:
    """How many bytes of bodies may be in memory at once, over all requests."""

    def __init__(self, limit: int) -> None:
        self.held = 0
        self._limit = limit

    def take(self, count: int) -> None:
        """Makes room for `count` bytes; raises `Overloaded` where there is none."""
        if self.held + count > self._limit:
            raise Overloaded(f"expected at most {self._limit} bytes of bodies at once; try again soon")
        self.held += count

    @contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Takes `count` bytes for as long as its body lasts."""
        self.take(count)
        try:
            yield
        finally:
            self.held -= count


class IncomingBody:
    """Wraps an ASGI `receive`; `complete` tells whether all of the body has come (or there is none)."""

    def __init__(
        self, scope: Scope, receive: Receive, max_bytes: int, budget: BodyBudget, deadline: float
    ) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        self.announced = int(length) if length.isdecimal() else 0
        self.complete = not self.announced and "transfer-encoding" not in headers
        self._receive = receive
        self._max_bytes = max_bytes
        self._budget = budget
        self._held = 0
        self._deadline = deadline
        self._received = 0
        # A client that waits for "100 Continue" sends nothing before anybody asks for the body.
        self._held_back = headers.get("expect", "").lower() == "100-continue"

    async def receive(self) -> Message:
        """The next message; raises `BodyTooLarge`, `Overloaded` or, where none comes, `DeadlineExceeded`."""
        if self.complete:
            return await self._receive()
        if self.announced > self._max_bytes:
            raise BodyTooLarge(self._max_bytes)
        message = await self._receive_in_time()
        self._count(message)
        if self._received > self._max_bytes:
            raise BodyTooLarge(self._max_bytes)
        self.hold(len(message.get("body", b"")))
        return message

    def hold(self, count: int) -> None:
        """Takes `count` bytes of the budget until `release`; raises `Overloaded` where it has fewer."""
        self._budget.take(count)
        self._held += count

    def release(self) -> None:
        """Gives back what it held of the budget."""
        self._budget.held -= self._held
        self._held = 0

    async def drain(self) -> None:
        """Reads and drops what still comes, for a while."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not (self.complete or self._held_back):
                    self._count(await self._receive())
        except TimeoutError:
            pass

    async def _receive_in_time(self) -> Message:
        self._held_back = False
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                return await self._receive()
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed before the body was there") from None

    def _count(self, message: Message) -> None:
        self._received += len(message.get("body", b""))
        self.complete = message["type"] == "http.disconnect" or not message.get("more_body", False)
