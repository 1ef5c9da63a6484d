"""Many waiters, one inference thread: whenever the engine is free it takes all that waits."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from app.batch_sizes import batch_sizes, filled
from app.engines.base import Engine, Float32Array
from app.errors import DeadlineExceeded, InferenceError, NotReady, Overloaded
from app.memory import give_back_freed
from app.observer import Observer
from app.probabilities import are_probabilities
from app.tensors import joined
from app.threads import step_back
from app.waiters import Fate, Waiter, tell

logger = logging.getLogger(__name__)

CLOSING = "the service is closing"
FULL = "the queue is full: too few of its {} places are free"


@dataclass(frozen=True, slots=True)
class _Change:
    """Stands in the queue where the engine changes; without an engine the thread ends there."""

    engine: Engine | None


class Batcher:
    """Runs an engine on batches of at most `max_batch` pictures; `capacity` pictures may be inside.

    The batcher owns its engine and closes it when it is replaced or the batcher is closed.
    """

    def __init__(
        self, engine: Engine, max_batch: int, capacity: int, observer: Observer | None = None
    ) -> None:
        self.capacity = capacity
        self._engine: Engine | None = engine
        self._max_batch, self._sizes = max_batch, batch_sizes(max_batch)
        self._observer = observer or Observer()
        self._occupied = 0
        self._queue: deque[Waiter | _Change] = deque()
        self._running: list[Waiter] = []
        self._stopped: str | None = None
        self._closing = False
        self._changed = threading.Condition()
        # A daemon, so that an engine that hangs cannot keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    @property
    def occupied(self) -> int:
        """Pictures inside: waiting, running, or announced by `reserve`."""
        return self._occupied

    @property
    def stopped(self) -> str | None:
        """Why nobody is let in any more; None while the thread lives and is to live on."""
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
                self._changed.notify_all()

    async def run(self, images: Float32Array, deadline: float | None = None) -> Float32Array:
        """Probabilities float32 [n, classes] for float32 [n, height, width, 3], inside a `reserve`.

        The engine is the one that serves at the call. Raises `DeadlineExceeded` when the thread finds
        the request after `deadline` (`time.monotonic()`), `InferenceError` when the engine fails on
        it, `NotReady` when the thread is gone.
        """
        size, new_answer = self._max_batch, asyncio.get_running_loop().create_future
        parts = [
            Waiter(images[start : start + size], deadline, new_answer())
            for start in range(0, len(images), size)
        ]
        self._enqueue(*parts)
        try:
            if len(parts) == 1:  # as nearly all have: gathering costs as much as queueing
                return await parts[0].answer
            return joined(await asyncio.gather(*(part.answer for part in parts)))
        finally:
            self._withdraw(parts)

    def swap(self, engine: Engine) -> None:
        """What was asked before is answered by the old engine, all later requests by this one."""
        self._enqueue(_Change(engine))

    def close(self, timeout: float | None = None) -> None:
        """Answers all for whom places are kept, then ends the thread and closes the engine.

        Waits for either `timeout` s.
        """
        with self._changed:
            self._closing = True
            # What is being decoded has still to come in.
            self._changed.wait_for(lambda: not self._occupied or self._stopped is not None, timeout)
        with suppress(NotReady):
            self._enqueue(_Change(None), stopped=CLOSING)
        self._thread.join(timeout)

    def _enqueue(self, *items: Waiter | _Change, stopped: str | None = None) -> None:
        with self._changed:
            if self._stopped is not None:
                raise NotReady(self._stopped)
            self._stopped = stopped
            self._queue.extend(items)
            self._changed.notify_all()

    def _withdraw(self, parts: list[Waiter]) -> None:
        """Nobody waits for these any longer: what is not running yet will not be run."""
        left = [part for part in parts if part.answer.cancel() or part.answer.cancelled()]
        if left:
            with self._changed:
                for part in left:
                    # Not removed in vain: its pictures would be printed, to say that it is not there.
                    if part in self._queue:
                        self._queue.remove(part)

    def _serve(self) -> None:
        step_back()
        try:
            while self._engine is not None:
                self._running = self._take()
                self._answer(self._running)
        # Whatever ends the thread, the waiters must hear of it: nobody else would tell them.
        except BaseException as error:
            logger.critical("the inference thread died", exc_info=error)
            self._abandon(f"the inference thread died: {error!r}")

    def _take(self) -> list[Waiter]:
        """All that waits, in its order and up to the limit; engines change between two batches."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue)
            if isinstance(self._queue[0], _Change):
                self._change_engine()
                return []
            batch: list[Waiter] = []
            room = self._max_batch
            while self._queue and isinstance(head := self._queue[0], Waiter) and len(head.images) <= room:
                self._queue.popleft()
                if head.expired:
                    tell([(head, DeadlineExceeded("not answered in time: the queue was too long"))])
                elif not head.gone:
                    batch.append(head)
                    room -= len(head.images)
            return batch

    def _change_engine(self) -> None:
        change = self._queue.popleft()
        assert isinstance(change, _Change)
        assert self._engine is not None
        self._engine.close()
        self._engine = change.engine
        give_back_freed()

    def _answer(self, batch: list[Waiter]) -> None:
        if not batch:
            return
        begun = time.monotonic()
        try:
            rows = self._run([waiter.images for waiter in batch])
        except Exception as error:
            self._answer_failed(batch, error)
        else:
            ran = time.monotonic() - begun
            for waiter in batch:
                self._observer.computed(begun - waiter.asked, ran)
            tell(self._fates(batch, rows))

    def _answer_failed(self, batch: list[Waiter], error: Exception) -> None:
        """Runs the requests of a failed batch alone, so that a poisoned one harms no other."""
        if len(batch) > 1:
            for waiter in batch:
                self._answer([waiter])
        else:
            logger.error("the engine failed", exc_info=error)
            tell([(batch[0], InferenceError("the network failed on this input"))])

    def _run(self, parts: list[Float32Array]) -> Float32Array:
        assert self._engine is not None
        begun, count = time.monotonic(), sum(map(len, parts))
        images = filled(parts, self._sizes)
        rows = self._engine.run(images)
        self._observer.ran(count, time.monotonic() - begun)
        if rows.ndim != 2 or len(rows) != len(images):
            raise InferenceError(f"expected {len(images)} rows of probabilities, received shape {rows.shape}")
        return rows[:count]

    def _fates(self, batch: list[Waiter], rows: Float32Array) -> Iterator[tuple[Waiter, Fate]]:
        """Each waiter's share of the rows, scaled to sums of 1; an error for whom it is no probabilities."""
        assert self._engine is not None
        precision = self._engine.precision
        sound = are_probabilities(rows, precision)
        with np.errstate(all="ignore"):  # what cannot be scaled is told as an error
            scaled = rows / rows.sum(axis=1, keepdims=True)
        begin = 0
        for waiter in batch:
            own = slice(begin, begin := begin + len(waiter.images))
            if sound or are_probabilities(rows[own], precision):
                yield waiter, scaled[own]
            else:
                yield waiter, InferenceError("the network's answer to this input is no probabilities")

    def _abandon(self, reason: str) -> None:
        with self._changed:
            self._stopped = reason
            self._changed.notify_all()
            left = [*self._running, *(item for item in self._queue if isinstance(item, Waiter))]
            self._queue.clear()
        tell((waiter, NotReady(reason)) for waiter in left)
