"""uvicorn's HTTP connection, with the bounds that it lacks: on a request's head, and on slow readers."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http_errors import error_response, status_problem

MAX_OVERHEAD: Final = 64 * 2**10
"""Bytes of a request that are no body: its head, the framing of its chunks, its trailers."""
FRAMING: Final = 8
"""Bytes of framing that each byte of a body may have: `1CRLF.CRLF` are 5."""


class BoundedConnection(HttpToolsProtocol):
    """Closes a connection whose request head takes too long or too many bytes, or whose client does not
    read its answer. Without this such connections, and what they have sent, would be kept for ever.
    """

    head_seconds: ClassVar[float] = 10.0
    """From a request's first byte, or the connection's start, to the end of its head."""
    stall_seconds: ClassVar[float] = 30.0
    """How long an answer may wait for its client to read on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._overhead = 0
        self._between = False  # two requests
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for name in list(self._timers):
            self._stop(name)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._between:
            self._begin_head()
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > MAX_OVERHEAD and not self.transport.is_closing():
            self._refuse(431, f"expected a head of at most {MAX_OVERHEAD} bytes, received more")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._stop("head")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body) * (1 + FRAMING)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._between = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start("stall", self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop("stall")
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed is answered in the one shape that errors have."""
        self._refuse(400, msg)

    def _begin_head(self) -> None:
        if "head" not in self._timers:
            self._between, self._overhead = False, 0
            self._start("head", self.head_seconds, self._refuse, 408, "the request did not come in time")

    def _start(self, name: str, seconds: float, act: Any, *arguments: Any) -> None:
        self._timers[name] = self.loop.call_later(seconds, act, *arguments)

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def _refuse(self, status: int, detail: str) -> None:
        """Closes; before it answers, unless nothing was asked or another answer is on its way."""
        if self._overhead and (self.cycle is None or self.cycle.response_complete):
            problem = status_problem(status, detail)
            body = bytes(error_response({"type": "http", "path": ""}, problem).body)
            head = (
                f"HTTP/1.1 {status} {problem.title}\r\ncontent-type: application/problem+json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode("ascii") + body)
        self.transport.close()
