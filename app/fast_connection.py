"""A connection that has small pictures answered on the fast path, and hands all else to the application."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar, Final

from fastapi import Response

from app.connection import BoundedConnection
from app.fast_path import Asked, FastPath
from app.http_errors import as_bytes

CLOSE: Final = (b"connection", b"close")


class _Turn:
    """A request on the fast path, as uvicorn's connection knows those that are with the application.

    As long as it is the connection's `cycle` and not complete, what comes behind it waits in the pipeline.
    """

    def __init__(self) -> None:
        self.response_complete = False
        self.keep_alive = True
        self.disconnected = False
        self.message_event = asyncio.Event()


class FastConnection(BoundedConnection):
    """Holds a request that the `fast_path` wants until its body is there, but no longer than `hold_seconds`.

    Whatever is let go of goes the usual way, as if it had never been held.
    """

    hold_seconds: ClassVar[float] = 0.1
    """The usual way has limits of its own for bodies that come slowly."""

    def __init__(self, *arguments: Any, fast_path: FastPath | None = None, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self._fast_path = fast_path
        self._held: list[bytes] | None = None
        self._arrived = 0.0
        self._answers: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        if self._answers is not None:
            self._answers.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._let_go()
        super().shutdown()

    def on_message_complete(self) -> None:
        if (held := self._held) is None:
            return super().on_message_complete()
        assert self._fast_path is not None
        head, body = dict(self.headers), b"".join(held)
        if (upload := self._fast_path.upload(head, body)) is None:
            self._let_go()
            return super().on_message_complete()
        self._held = None
        self._stop("hold")
        self._between = True
        self.cycle = turn = _Turn()  # type: ignore[assignment]
        self._enter()
        client = self.client[0] if self.client else "-"
        asked = Asked(head, upload, self._arrived, client, self.scheme or "http")
        self._answers = self.loop.create_task(self._answer(turn, asked))
        self.tasks.add(self._answers)
        self._answers.add_done_callback(self.tasks.discard)

    def _begin_request(self) -> None:
        if self._is_wanted():
            self._arrived, self._held = time.monotonic(), []
        else:
            super()._begin_request()

    def _take_body(self, body: bytes) -> None:
        if self._held is None:
            super()._take_body(body)
        else:
            self._held.append(body)

    def _wait_for_the_rest(self) -> None:
        super()._wait_for_the_rest()
        if self._held is not None and "hold" not in self._timers:
            self._start("hold", self.hold_seconds, self._let_go)

    def _is_wanted(self) -> bool:
        if self._fast_path is None or self._answering or self.flow.write_paused:
            return False
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return False
        return self._fast_path.wants(self.parser.get_method(), self.url, self.headers)

    def _let_go(self) -> None:
        """What was held goes on to the application, as far as it has come."""
        held, self._held = self._held, None
        self._stop("hold")
        if held is None:
            return
        super()._begin_request()
        for body in held:
            super()._take_body(body)

    async def _answer(self, turn: _Turn, asked: Asked) -> None:
        assert self._fast_path is not None
        try:
            self._write(turn, await self._fast_path.answer(asked))
        # Cancelled, or by an error that nobody foresaw: whoever still waits must not wait for ever.
        except BaseException:
            self.transport.close()
            raise

    def _write(self, turn: _Turn, response: Response) -> None:
        assert self._fast_path is not None
        self._answers = None
        turn.response_complete = True
        stays = turn.keep_alive and not self._fast_path.closes
        headers = [*self.server_state.default_headers, *response.raw_headers]
        response.raw_headers = headers if stays else [*headers, CLOSE]
        self.transport.write(as_bytes(response))
        if not stays:
            self.transport.close()
        self.on_response_complete()
