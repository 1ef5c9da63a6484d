"""uvicorn's HTTP connection, with the bounds that it lacks: on a request's head, and on slow readers."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.door import Door
from app.http_errors import as_bytes, error_response, status_problem

MAX_OVERHEAD: Final = 64 * 2**10
"""Bytes of a request that are no body: its head, the framing of its chunks, its trailers."""
FRAMING: Final = 8
"""Bytes of framing that each byte of a body may have: `1CRLF.CRLF` are 5."""


class BoundedConnection(HttpToolsProtocol):
    """Closes a connection whose request head takes too long or too many bytes, or whose client does not
    read its answer. Without this such connections, and what they have sent, would be kept for ever.

    What the `door` refuses never reaches the application.
    """

    head_seconds: ClassVar[float] = 10.0
    """From a request's first byte, or the connection's start, to the end of its head."""
    stall_seconds: ClassVar[float] = 30.0
    """How long an answer may wait for its client to read on."""

    def __init__(self, *arguments: Any, door: Door | None = None, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self._door = door
        self._counted = False  # the request that is being answered, by the door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._overhead = 0
        self._in_head = False
        self._between = False  # two requests
        self._refused = False  # the request whose body still comes
        self._begin_head()
        self._wait_for_the_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        for name in list(self._timers):
            self._stop(name)
        self._leave()
        self._unset_keepalive_if_required()  # uvicorn leaves it where the connection broke
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._between:
            self._begin_head()
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > MAX_OVERHEAD and not self.transport.is_closing():
            self._refuse(431, f"expected a head of at most {MAX_OVERHEAD} bytes, received more")
        self._wait_for_the_rest()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop("head")
        if answer := self._refusal():
            self._refused = True
            self.transport.write(answer)
        else:
            self._begin_request()

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body) * (1 + FRAMING)
        if not self._refused:
            self._take_body(body)

    def on_message_complete(self) -> None:
        self._between = True
        if self._door is None or not self._refused:
            self._enter()
            return super().on_message_complete()
        self._refused = False
        self._stop("rest")
        if self.parser.should_keep_alive():
            self._door.put_off(self.transport, self.flow, self.loop)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        self._leave()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start("stall", self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop("stall")
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed is answered in the one shape that errors have."""
        self._refuse(400, msg)

    @property
    def _answering(self) -> bool:
        """Whether a request is with the application."""
        return self.cycle is not None and not self.cycle.response_complete

    def _begin_request(self) -> None:
        """Gives a request whose head has come to the application."""
        super().on_headers_complete()

    def _take_body(self, body: bytes) -> None:
        """The same with a piece of its body."""
        super().on_body(body)

    def _begin_head(self) -> None:
        if not self._in_head:
            self._in_head, self._between, self._overhead = True, False, 0

    def _wait_for_the_rest(self) -> None:
        """Only for what did not come at once, as nearly all heads do: a timer costs as much as a head."""
        if self._in_head and "head" not in self._timers:
            self._start("head", self.head_seconds, self._refuse, 408, "the request did not come in time")
        if self._refused and "rest" not in self._timers:
            self._start("rest", self.head_seconds, self.transport.close)

    def _refusal(self) -> bytes | None:
        """What the door says to this request; None where it has to come in, if only to be refused there."""
        if self._door is None or self.parser.get_method() != b"POST":
            return None
        if self._answering or self.flow.write_paused:
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or b"expect" in headers or b"upgrade" in headers:
            return None
        path = self.url.partition(b"?")[0].decode("latin-1").removeprefix(self.root_path)
        return self._door.refuse(path, int(length), headers.get(b"x-request-id", b"").decode("latin-1"))

    def _enter(self) -> None:
        # Who sends many requests ahead of the answers is counted once, which the queue itself puts right.
        if self._door and self.parser.get_method() == b"POST" and self._answering:
            self._door.inside += not self._counted
            self._counted = True

    def _leave(self) -> None:
        if self._door and self._counted:
            self._door.inside -= 1
            self._counted = False

    def _start(self, name: str, seconds: float, act: Any, *arguments: Any) -> None:
        self._timers[name] = self.loop.call_later(seconds, act, *arguments)

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def _refuse(self, status: int, detail: str) -> None:
        """Closes; before it answers, unless nothing was asked or another answer is on its way."""
        if self._overhead and not self._answering:
            problem = status_problem(status, detail)
            told = error_response({"type": "http", "path": ""}, problem, {"Connection": "close"})
            self.transport.write(as_bytes(told))
        self.transport.close()
