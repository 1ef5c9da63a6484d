"""What waits for the engine, in its order: requests, and between them the changes of the engine."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil

from app.engines.base import Engine, Float32Array
from app.errors import DeadlineExceeded, SignsError


@dataclass(eq=False, slots=True)
class Request:
    """Pictures of one waiter that are run together; `answer` is its one fate."""

    images: Float32Array
    deadline: float | None
    answer: Future[Float32Array] = field(default_factory=Future)
    asked: float = field(default_factory=time.monotonic)

    def claim(self) -> bool:
        """Whether it is to be run: from now on it cannot be cancelled. An expired one is failed."""
        if not self.answer.set_running_or_notify_cancel():
            return False
        if self.deadline is None or time.monotonic() < self.deadline:
            return True
        self.answer.set_exception(DeadlineExceeded("not answered in time: the queue was too long"))
        return False

    def fail(self, error: SignsError) -> None:
        """Fails it, unless it has its fate already."""
        if self.answer.done():
            return
        if self.answer.running() or self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class Change:
    """Stands in the line where the engine changes; without an engine the threads end there."""

    engine: Engine | None


class Line:
    """First come, first served. Its owner sees to it that one thread at a time uses it."""

    def __init__(self) -> None:
        self._items: deque[Request | Change] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def change(self) -> Change | None:
        """The change that comes next, where all that was asked before it has been taken."""
        head = self._items[0] if self._items else None
        return head if isinstance(head, Change) else None

    def append(self, *items: Request | Change) -> None:
        """Lets these wait, behind all others."""
        self._items.extend(items)

    def withdraw(self, requests: Iterable[Request]) -> None:
        """Nobody waits for these any longer: what is not running yet will not be run."""
        for request in requests:
            # An answered one is not sought: its pictures would be printed, to say that it is not there.
            if request.answer.cancel():
                with suppress(ValueError):
                    self._items.remove(request)

    def take(self, takers: int, most: int) -> list[Request]:
        """The share of one of so many `takers`, `most` pictures at most; all of it is claimed.

        Whole requests, so that it may be a little more than the share; nothing where none is to be run.
        """
        waiting = list(self._waiting())
        share = ceil(sum(len(request.images) for request in waiting) / takers)
        taken: list[Request] = []
        count = 0
        for request in waiting:
            if count >= share or count + len(request.images) > most:
                break
            self._items.popleft()
            if request.claim():
                taken.append(request)
                count += len(request.images)
        return taken

    def take_change(self) -> Change | None:
        """`change`, which is over then."""
        if (change := self.change) is not None:
            self._items.popleft()
        return change

    def clear(self) -> list[Request]:
        """All requests, none of which waits any longer; changes are forgotten."""
        requests = [item for item in self._items if isinstance(item, Request)]
        self._items.clear()
        return requests

    def _waiting(self) -> Iterator[Request]:
        """What waits for the engine that serves now."""
        for item in self._items:
            if isinstance(item, Change):
                return
            yield item
