"""Request bodies that came compressed, inflated under the same limits as those that did not."""

from __future__ import annotations

import zlib
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import MalformedRequest
from app.http_errors import BodyTooLarge, error_response, status_problem
from app.incoming_body import IncomingBody

CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
GZIP_OR_ZLIB: Final = zlib.MAX_WBITS + 32  # zlib tells the two apart by their first bytes


class Inflate:
    """Inflates a body with `Content-Encoding: gzip` or `deflate` as it is read; 415 for other codings.

    Belongs inside `LimitBody`. The inflated body may have `max_bytes` bytes like any other, and counts
    towards what all bodies together may have.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        coding = _coding(scope) if scope["type"] == "http" else ""
        if not coding:
            return await self.app(scope, receive, send)
        if coding not in CODINGS:
            problem = status_problem(415, f"expected the content encoding gzip or deflate, received {coding}")
            refusal = error_response(scope, problem, {"Accept-Encoding": "gzip, deflate"})
            return await refusal(scope, receive, send)
        body: IncomingBody = scope["state"]["body"]
        inflater = Inflater(self.max_bytes)

        async def receive_inflated() -> Message:
            message = await receive()
            if message["type"] != "http.request":
                return message
            inflated = inflater.feed(message.get("body", b""), last=not message.get("more_body", False))
            body.hold(len(inflated))
            return {**message, "body": inflated}

        await self.app(scope, receive_inflated, send)


class Inflater:
    """Inflates one gzip or zlib stream, given in pieces, to at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._fed = False
        self._stream = zlib.decompressobj(GZIP_OR_ZLIB)

    def feed(self, data: bytes, last: bool) -> bytes:
        """What the next piece inflates to; a body without any bytes stays empty.

        Raises `BodyTooLarge` above the limit, `MalformedRequest` where the stream is broken, cut off, or
        followed by anything.
        """
        self._fed = self._fed or bool(data)
        try:
            inflated = self._stream.decompress(data, self._left + 1)
        except zlib.error as error:
            raise MalformedRequest(
                f"expected a gzip or deflate body, received a broken one: {error}"
            ) from None
        self._left -= len(inflated)
        if self._left < 0:
            raise BodyTooLarge(self._limit)
        if self._stream.unused_data:
            raise MalformedRequest("expected one gzip or deflate stream, received bytes after its end")
        if last and self._fed and not self._stream.eof:
            raise MalformedRequest("expected a whole gzip or deflate body, received one that is cut off")
        return inflated


def _coding(scope: Scope) -> str:
    """The coding of the body in lower case; empty where there is none."""
    coding = Headers(scope=scope).get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding
