"""What every request passes on its way in and out. Pure ASGI, so that a disconnect stays visible."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.admission import FREE
from app.classifier import Classifier
from app.http_errors import INTERNAL_ERROR, error_response, status_problem
from app.incoming_body import BodyBudget, IncomingBody
from app.metrics import Metrics

log = logging.getLogger(__name__)

FULL_BODIES = 4  # of the largest size in memory at once, or dozens of photos as phones take them

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), display-capture=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ONE_YEAR = b"max-age=31536000"
_PROTECTING = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
"""As ASGI passes them on."""


def with_own_headers(
    headers: Iterable[tuple[bytes, bytes]], identity: str, scheme: str
) -> list[tuple[bytes, bytes]]:
    """An answer's headers with those that all answers have; what they say themselves stands."""
    all_headers = [*headers, (b"x-request-id", identity.encode())]
    given = {name for name, _ in all_headers}
    all_headers += (header for header in _PROTECTING if header[0] not in given)
    if scheme == "https":
        all_headers.append((b"strict-transport-security", ONE_YEAR))
    return all_headers


class Identify:
    """Gives each request an id: the sender's `X-Request-ID` if it is a sane one, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        identity = logs.identify(headers.get("x-request-id", ""), headers.get("traceparent", ""))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_own_headers(message["headers"], identity, scope["scheme"])
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Observe:
    """Counts and logs each answer; an error that nobody foresaw becomes a 500 that tells only its id."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = time.monotonic()
        status = 0  # until an answer starts; stays so where the client left before

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception:
            log.exception("unexpected error")
            if status:
                raise  # too late for another answer: the server must cut the connection
            await error_response(scope, status_problem(500, INTERNAL_ERROR))(scope, receive, send_and_note)
        finally:
            self._note(scope, status, time.monotonic() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """The path itself is not told: a sender may have put anything there, a key or a file's name too."""
        route = route_of(scope)
        self.metrics.answered_request(route, status, seconds)
        client = (scope.get("client") or ("-",))[0]
        logs.note_answer(scope["method"], route, status, seconds, client)


def route_of(scope: Scope) -> str:
    """The template of the route that answered, or where the application that did is mounted."""
    mounted = scope.get("root_path", "").removeprefix(scope.get("app_root_path", ""))
    return getattr(scope.get("route"), "path", "") or mounted or "unmatched"


class LimitBody:
    """Stops a body over `max_bytes` while it streams in, too many at once, and one that misses the deadline.

    The deadline, a `time.monotonic()` instant counted from the request's arrival, is left in
    `request.state.deadline`, the body in `request.state.body`.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, deadline_ms: int, budget: BodyBudget) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.budget = budget
        self.seconds = deadline_ms / 1000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        deadline = time.monotonic() + self.seconds
        scope.setdefault("state", {})["deadline"] = deadline
        body = IncomingBody(scope, receive, self.max_bytes, self.budget, deadline)
        scope["state"]["body"] = body

        async def send_then_linger(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.complete:
                MutableHeaders(scope=message)["Connection"] = "close"
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if body.complete or not last:
                return await send(message)
            # Closing on a client that still sends would reset the connection and lose the answer.
            await send({**message, "more_body": True})
            await body.drain()
            await send({"type": "http.response.body"})

        try:
            await self.app(scope, body.receive, send_then_linger)
        finally:
            body.release()


class PartWhileDraining:
    """Lets no connection outlive the drain: a request that comes as the connection closes would be lost."""

    def __init__(self, app: ASGIApp, classifier: Classifier) -> None:
        self.app = app
        self.classifier = classifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_part(message: Message) -> None:
            if message["type"] == "http.response.start" and self.classifier.draining:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self.app(scope, receive, send_and_part)


class DropAbandoned:
    """Cancels the work for a client that hung up; what has no body to work on is not worth watching for.

    Only what takes longer than `watch_after` seconds is watched: a watch takes a twentieth of a millisecond.
    """

    watch_after = 0.02

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in FREE:
            return await self.app(scope, receive, send)
        watch = _Watch(receive)
        timer = asyncio.get_running_loop().call_later(self.watch_after, watch.begin)
        try:
            await self.app(scope, watch.receive, send)
        except asyncio.CancelledError:
            if not watch.cancelled_it:
                raise
        finally:
            timer.cancel()
            watch.end()


class _Watch:
    """Over the client of the running task, which is cancelled when the client hangs up."""

    def __init__(self, receive: Receive) -> None:
        self.left = False
        self._receive = receive
        self._body_read = asyncio.Event()
        work = asyncio.current_task()
        assert work is not None
        self._work, self._cancelling = work, work.cancelling()
        self._watching: asyncio.Task[None] | None = None

    @property
    def cancelled_it(self) -> bool:
        """Whether the work was cancelled from here, and by nobody else meanwhile."""
        return self.left and self._work.cancelling() == self._cancelling + 1

    async def receive(self) -> Message:
        """The work's own `receive`: until the body has come whole nobody else may ask."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_read.set()
        return message

    def begin(self) -> None:
        """Watches in a task of its own."""
        self._watching = asyncio.create_task(self._watch())

    def end(self) -> None:
        """The work is over; that it was cancelled from here concerns nobody outside."""
        if self._watching is not None:
            self._watching.cancel()
        if self.left:
            self._work.uncancel()

    async def _watch(self) -> None:
        await self._body_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        self._work.cancel()
