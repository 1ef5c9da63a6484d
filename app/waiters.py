"""Who waits for the network: each with its pictures and one fate, told on the event loop that asked."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from app.engines.base import Float32Array
from app.errors import SignsError

Fate = Float32Array | SignsError


@dataclass(eq=False, slots=True)
class Waiter:
    """At most one batch of pictures, float32 [n, height, width, 3], and the rows that will be told."""

    images: Float32Array
    deadline: float | None
    """A `time.monotonic()` instant."""
    answer: asyncio.Future[Float32Array]
    """Belongs to its event loop: other threads may only ask whose it is and whether it is done."""
    leads: bool = True
    """False for all parts of a request but the first, so that times are counted once for each request."""
    asked: float = field(default_factory=time.monotonic)

    @property
    def gone(self) -> bool:
        """Whether nobody waits any longer."""
        return self.answer.done()

    @property
    def expired(self) -> bool:
        """Whether its deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline


def tell(fates: Iterable[tuple[Waiter, Fate]]) -> None:
    """Tells each waiter its fate, from any thread; who has one already, or left, keeps it.

    Each event loop is woken up once for all of its waiters, since waking it costs more than telling.
    """
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[Waiter, Fate]]] = defaultdict(list)
    for waiter, fate in fates:
        by_loop[waiter.answer.get_loop()].append((waiter, fate))
    for loop, own in by_loop.items():
        with suppress(RuntimeError):  # a closed loop: nobody waits there
            loop.call_soon_threadsafe(_settle, own)


def _settle(fates: list[tuple[Waiter, Fate]]) -> None:
    for waiter, fate in fates:
        if waiter.answer.done():
            continue
        if isinstance(fate, SignsError):
            waiter.answer.set_exception(fate)
        else:
            waiter.answer.set_result(fate)
