"""Many waiters, a thread for each lane of the engine: whenever one is free it takes its share of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain

from app.batch_run import BatchRun
from app.batch_sizes import batch_sizes
from app.engines.base import MOST_LANES, Engine, Float32Array
from app.errors import DeadlineExceeded, NotReady, Overloaded
from app.memory import give_back_freed
from app.observer import Observer
from app.tensors import joined
from app.threads import step_back
from app.waiters import Waiter, tell

logger = logging.getLogger(__name__)

CLOSING = "the service is closing"
FULL = "the queue is full: too few of its {} places are free"


@dataclass(frozen=True, slots=True)
class _Change:
    """Stands in the queue where the engine changes; without an engine the threads end there."""

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
        self._running: dict[int, list[Waiter]] = {}
        """By thread."""
        self._stopped: str | None = None
        self._closing = False
        lock = threading.RLock()
        # Apart, so that whoever leaves wakes only who waits to close, and no thread in vain.
        self._changed, self._work = threading.Condition(lock), threading.Condition(lock)
        # Daemons, so that an engine that hangs cannot keep the process from ending.
        self._threads = [
            threading.Thread(target=self._serve, name="inference", daemon=True) for _ in range(MOST_LANES)
        ]
        for thread in self._threads:
            thread.start()

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
                self._changed.notify_all()

    async def run(self, images: Float32Array, deadline: float | None = None) -> Float32Array:
        """Probabilities float32 [n, classes] for float32 [n, height, width, 3], inside a `reserve`.

        The engine is the one that serves at the call. Raises `DeadlineExceeded` when a thread finds
        the request after `deadline` (`time.monotonic()`), `InferenceError` when the engine fails on
        it, `NotReady` when the threads are gone.
        """
        size, new_answer = self._share(len(images)), asyncio.get_running_loop().create_future
        parts = [
            Waiter(images[start : start + size], deadline, new_answer(), leads=start == 0)
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
        """Answers all for whom places are kept, then ends the threads and closes the engine.

        Waits `timeout` s for the answers and for each thread.
        """
        with self._changed:
            self._closing = True
            # What is being decoded has still to come in.
            self._changed.wait_for(lambda: not self._occupied or self._stopped is not None, timeout)
        with suppress(NotReady):
            self._enqueue(_Change(None), stopped=CLOSING)
        for thread in self._threads:
            thread.join(timeout)

    def _enqueue(self, *items: Waiter | _Change, stopped: str | None = None) -> None:
        with self._changed:
            if self._stopped is not None:
                raise NotReady(self._stopped)
            self._stopped = stopped
            self._queue.extend(items)
            # Who is at work looks at the queue afterwards anyway.
            self._work.notify(min(len(items), self._lanes - len(self._running)))

    def _withdraw(self, parts: list[Waiter]) -> None:
        """Nobody waits for these any longer: what is not running yet will not be run."""
        left = [part for part in parts if part.answer.cancel() or part.answer.cancelled()]
        if left:
            with self._changed:
                for part in left:
                    # Not removed in vain: its pictures would be printed, to say that it is not there.
                    if part in self._queue:
                        self._queue.remove(part)

    @property
    def _lanes(self) -> int:
        engine = self._engine  # which another thread may take away meanwhile
        return engine.lanes if engine else 0

    def _share(self, count: int) -> int:
        """How many of so many pictures one lane takes."""
        return min(self._max_batch, max(1, -(-count // max(1, self._lanes))))

    def _serve(self) -> None:
        step_back()
        try:
            while taken := self._take():
                run, batch = taken
                run.answer(batch)
        # Whatever ends a thread, the waiters must hear of it: nobody else would tell them.
        except BaseException as error:
            logger.critical("the inference thread died", exc_info=error)
            self._abandon(f"the inference thread died: {error!r}")

    def _take(self) -> tuple[BatchRun, list[Waiter]] | None:
        """A lane's share of what waits, in its order; None when there is no engine any more.

        Engines change when nothing runs.
        """
        with self._work:
            self._running.pop(threading.get_ident(), None)
            self._work.wait_for(self._has_turn)
            if self._queue and isinstance(self._queue[0], _Change):
                self._change_engine()
            if self._engine is None:
                return None
            if batch := self._next_batch():
                self._running[threading.get_ident()] = batch
            return BatchRun(self._engine, self._sizes, self._observer), batch

    def _has_turn(self) -> bool:
        """Whether there is something to do for a thread that runs nothing."""
        if self._engine is None:
            return True
        if self._queue and isinstance(self._queue[0], _Change):
            return not self._running
        return bool(self._queue) and len(self._running) < self._lanes

    def _next_batch(self) -> list[Waiter]:
        waiting = sum(len(item.images) for item in self._queue if isinstance(item, Waiter))
        room = self._share(waiting)
        batch: list[Waiter] = []
        while self._queue and isinstance(head := self._queue[0], Waiter):
            if batch and len(head.images) > room:
                break
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
        self._work.notify_all()  # what waits behind, or that it is over

    def _abandon(self, reason: str) -> None:
        with self._changed:
            self._stopped, self._engine = reason, None
            self._changed.notify_all()
            self._work.notify_all()
            left = list(chain(*self._running.values()))
            left += (item for item in self._queue if isinstance(item, Waiter))
            self._queue.clear()
        tell((waiter, NotReady(reason)) for waiter in left)
