"""Refuses pictures while the queue is full: at the connection, for a twelfth of what the way in costs."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl

from app import logs
from app.classifier import Classifier
from app.errors import Overloaded
from app.http_errors import DIALECTS, as_bytes, error_response, problem_of, retry_headers
from app.metrics import Metrics
from app.middleware import SECURITY_HEADERS

logger = logging.getLogger(__name__)

SPARED: Final = frozenset({"/", "/feedback"})
"""The form, whose refusal is a page; and what takes no place in the queue."""
TELLS_EVERY: Final = 1.0
"""Seconds between two lines in the log: a line for each refusal would be a load of its own."""
DEAF_SECONDS: Final = 0.1
"""How long who was refused is not listened to at most: a tenth of the `Retry-After` that was told."""
LONGEST_BREATH: Final = 0.01
"""Seconds: a fifth of what a probe may wait at most."""
BREATH_A_PLACE: Final = 5e-5
"""Seconds for each place of the queue: the fastest network takes over twenty times as long for a picture,
and so never runs out of work."""
TURNS: Final = 10
"""Of the event loop between two breaths: what came in the meantime is answered in a few of them."""
NOBODY: Final = b"-" * 32
"""Stands for the id of a request, which is as long."""


class Door:
    """What a connection asks before it gives a request to the application.

    `max_bytes`: larger bodies are let in, to be refused for their size.
    """

    def __init__(self, classifier: Classifier, metrics: Metrics, max_bytes: int) -> None:
        self._classifier = classifier
        self._metrics = metrics
        self._max_bytes = max_bytes
        self.inside = 0
        """Requests that came in whole and are not answered: many may come before the first takes a place."""
        self._kept: dict[tuple[bool, str], bytes] = {}
        self._untold = 0
        self._told = 0.0
        self._put_off: list[tuple[asyncio.Transport, FlowControl]] = []
        self._breath = min(LONGEST_BREATH, BREATH_A_PLACE * classifier.capacity)
        self._breathing = False

    def refuse(self, path: str, length: int, identity: str) -> bytes | None:
        """The whole answer to a POST that finds the queue full, else None: it may come in.

        `length`: bytes of the body that was announced; `identity`: the request's id, if the sender gave one.
        """
        if path in SPARED or length > self._max_bytes or self._classifier.draining:
            return None
        if (reason := self._classifier.full(self.inside)) is None:
            return None
        self._metrics.refused_request("overloaded")
        self._note(reason)
        if identity:
            return _answer(path, reason, logs.identity_of(identity))
        return self._answer_to_nobody(path, reason).replace(NOBODY, logs.identity_of("").encode())

    def put_off(
        self, transport: asyncio.Transport, flow: FlowControl, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Makes who was refused, and has sent all of its body, cost less when it asks again at once.

        It is listened to again with all others like it: without that 240 clients that ask ever again leave
        28 % of the peak to the answered, with it 90 %. Until then the event loop works in bouts, with breaths
        in between, as network cards moderate their interrupts: what comes meanwhile is dealt with together,
        not each after a wake-up of its own, when its code has left the CPU's caches.
        """
        if not self._put_off:
            loop.call_later(DEAF_SECONDS, self._listen)
        flow.pause_reading()
        self._put_off.append((transport, flow))
        if not self._breathing:
            self._breathing = True
            loop.call_soon(self._breathe, loop, 1)

    def _listen(self) -> None:
        for transport, flow in self._put_off:
            if not transport.is_closing():
                flow.resume_reading()
        self._put_off.clear()

    def _breathe(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        """Holds the event loop up after so many turns, and again as long as somebody is not listened to."""
        if turns > 1:
            loop.call_soon(self._breathe, loop, turns - 1)
            return
        time.sleep(self._breath)
        self._breathing = bool(self._put_off)
        if self._breathing:
            loop.call_soon(self._breathe, loop, TURNS)

    def _answer_to_nobody(self, path: str, reason: str) -> bytes:
        """What all are told, but for the id: building it anew would be most of the work."""
        key = (bool(DIALECTS.match(path)), reason)
        if key not in self._kept:
            self._kept[key] = _answer(path, reason, NOBODY.decode())
        return self._kept[key]

    def _note(self, reason: str) -> None:
        self._untold += 1
        if (now := time.monotonic()) - self._told >= TELLS_EVERY:
            logger.warning("refused at the door: %d, for %s", self._untold, reason)
            self._untold, self._told = 0, now


def _answer(path: str, reason: str, identity: str) -> bytes:
    error = Overloaded(reason)
    problem = problem_of(error).model_copy(update={"request_id": identity})
    headers = {**SECURITY_HEADERS, **retry_headers(error), "X-Request-ID": identity}
    return as_bytes(error_response({"type": "http", "path": path}, problem, headers))
