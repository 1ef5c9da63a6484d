"""Many waiters, few inference threads: whenever one is free it takes its share of all that waits."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil

from app.batch_sizes import batch_sizes, filled
from app.engines.base import Engine, Float32Array
from app.errors import InferenceError, NotReady, Overloaded
from app.memory import give_back_freed
from app.observer import Observer
from app.probabilities import are_probabilities
from app.tensors import joined
from app.threads import step_back
from app.waiting import Change, Line, Request

logger = logging.getLogger(__name__)

CLOSING = "the service is closing"
FULL = "the queue is full: too few of its {} places are free"


class Batcher:
    """Runs an engine on batches of at most `max_batch` pictures; `capacity` pictures may be inside.

    As many batches run side by side as the engine has streams, each in a thread of its own. The batcher
    owns its engine and closes it when it is replaced or the batcher is closed.
    """

    def __init__(
        self, engine: Engine, max_batch: int, capacity: int, observer: Observer | None = None
    ) -> None:
        self.capacity = capacity
        self._engine: Engine | None = engine
        self._streams = engine.streams
        """Of the engine that answers whoever asks now."""
        self._max_batch, self._sizes = max_batch, batch_sizes(max_batch)
        self._observer = observer or Observer()
        self._occupied = 0
        self._line = Line()
        self._running: dict[int, list[Request]] = {}
        """What each thread runs, by the thread's identity."""
        self._stopped: str | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._start_threads(engine.streams)

    @property
    def occupied(self) -> int:
        """Pictures inside: waiting, running, or announced by `reserve`."""
        return self._occupied

    @property
    def stopped(self) -> str | None:
        """Why nobody is let in any more; None while the threads live and are to live on."""
        return self._stopped or (CLOSING if self._closing else None)

    def full(self, count: int, taken: int = 0) -> str | None:
        """Why `count` pictures cannot be let in, be at least `taken` places taken; None while they can."""
        if max(self._occupied, taken) + count <= self.capacity:
            return None
        return FULL.format(self.capacity)

    @contextmanager
    def reserve(self, count: int) -> Iterator[None]:
        """Keeps places for `count` pictures; raises `NotReady`, or `Overloaded` where too few are free."""
        with self._changed:
            if self.stopped is not None:
                raise NotReady(self.stopped)
            if (full := self.full(count)) is not None:
                raise Overloaded(full)
            self._occupied += count
        try:
            yield
        finally:
            with self._changed:
                self._occupied -= count
                if self._closing:  # nobody else waits for places
                    self._changed.notify_all()

    async def run(self, images: Float32Array, deadline: float | None = None) -> Float32Array:
        """Probabilities float32 [n, classes] for float32 [n, height, width, 3], inside a `reserve`.

        The engine is the one that serves at the call. Raises `DeadlineExceeded` when a thread finds
        the request after `deadline` (`time.monotonic()`), `InferenceError` when the engine fails on
        it, `NotReady` when a thread died.
        """
        # Parts of one request, too, run side by side.
        size = min(self._max_batch, ceil(len(images) / self._streams))
        parts = [Request(images[start : start + size], deadline) for start in range(0, len(images), size)]
        self._enqueue(*parts)
        try:
            return joined(await asyncio.gather(*(asyncio.wrap_future(part.answer) for part in parts)))
        finally:
            with self._changed:
                self._line.withdraw(parts)

    def swap(self, engine: Engine) -> None:
        """What was asked before is answered by the old engine, all later requests by this one."""
        with self._changed:
            self._enqueue(Change(engine))
            self._streams = engine.streams
            self._start_threads(engine.streams)

    def close(self, timeout: float | None = None) -> None:
        """Answers all for whom places are kept, then ends the threads and closes the engine.

        Waits for either `timeout` s.
        """
        with self._changed:
            self._closing = True
            # What is being decoded has still to come in.
            self._changed.wait_for(lambda: not self._occupied or self._stopped is not None, timeout)
        with suppress(NotReady):
            self._enqueue(Change(None), stopped=CLOSING)
        end = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def _start_threads(self, most: int) -> None:
        """Sees to so many threads at least; those for whom an engine has no stream wait for one that has."""
        for number in range(len(self._threads), most):
            # A daemon, so that an engine that hangs cannot keep the process from ending.
            thread = threading.Thread(target=self._serve, name=f"inference-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _enqueue(self, *items: Request | Change, stopped: str | None = None) -> None:
        with self._changed:
            if self._stopped is not None:
                raise NotReady(self._stopped)
            self._stopped = stopped
            self._line.append(*items)
            self._changed.notify_all()

    def _serve(self) -> None:
        try:
            step_back()
            while self._engine is not None:
                self._answer(self._take())
        # Whatever ends the thread, the waiters must hear of it: nobody else would tell them.
        except BaseException as error:
            logger.critical("an inference thread died", exc_info=error)
            self._abandon(f"an inference thread died: {error!r}")

    def _take(self) -> list[Request]:
        """What this thread is to run next; nothing after a change, or where nobody waits any more."""
        own = threading.get_ident()
        with self._changed:
            # The others need not be told: what became possible by this, this thread does itself.
            self._running.pop(own, None)
            self._changed.wait_for(self._may_go_on)
            if self._engine is None:
                return []
            if (change := self._line.take_change()) is not None:
                self._change_engine(self._engine, change)
                return []
            self._running[own] = self._line.take(self._engine.streams, self._max_batch)
            return self._running[own]

    def _may_go_on(self) -> bool:
        """Whether there is a batch and a stream for it, a change and nobody in the old engine, or the end."""
        if self._engine is None:
            return True
        most = 1 if self._line.change is not None else self._engine.streams
        return len(self._line) > 0 and len(self._running) < most

    def _change_engine(self, old: Engine, change: Change) -> None:
        self._engine = change.engine
        self._changed.notify_all()
        old.close()
        give_back_freed()

    def _answer(self, batch: list[Request]) -> None:
        if not batch:
            return
        begun = time.monotonic()
        try:
            rows = self._run([request.images for request in batch])
        except Exception as error:
            self._answer_failed(batch, error)
        else:
            ran = time.monotonic() - begun
            for request in batch:
                self._observer.computed(begun - request.asked, ran)
                self._settle(request, rows[: len(request.images)])
                rows = rows[len(request.images) :]

    def _answer_failed(self, batch: list[Request], error: Exception) -> None:
        """Runs the requests of a failed batch alone, so that a poisoned one harms no other."""
        if len(batch) > 1:
            for request in batch:
                self._answer([request])
        else:
            logger.error("the engine failed", exc_info=error)
            batch[0].fail(InferenceError("the network failed on this input"))

    def _run(self, parts: list[Float32Array]) -> Float32Array:
        assert self._engine is not None
        begun, count = time.monotonic(), sum(map(len, parts))
        images = filled(parts, self._sizes)
        rows = self._engine.run(images)
        self._observer.ran(count, time.monotonic() - begun)
        if rows.ndim != 2 or len(rows) != len(images):
            raise InferenceError(f"expected {len(images)} rows of probabilities, received shape {rows.shape}")
        return rows[:count]

    def _settle(self, request: Request, rows: Float32Array) -> None:
        assert self._engine is not None
        if are_probabilities(rows, self._engine.precision):
            request.answer.set_result(rows / rows.sum(axis=1, keepdims=True))
        else:
            request.fail(InferenceError("the network's answer to this input is no probabilities"))

    def _abandon(self, reason: str) -> None:
        """Fails what this thread runs and all that waits; the other threads finish what they run, and end."""
        with self._changed:
            self._stopped = reason
            left = [*self._running.pop(threading.get_ident(), []), *self._line.clear()]
            self._line.append(Change(None))
            self._changed.notify_all()
        for request in left:
            request.fail(NotReady(reason))
