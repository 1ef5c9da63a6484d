"""How many decoded pixels may be in memory at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """A number of pixels that the decoding threads share; a larger picture is let in alone."""

    def __init__(self, pixels: int) -> None:
        self._limit = pixels
        self._held = 0
        self._freed = threading.Condition()
        self._turn = threading.Lock()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Waits, blocking the thread, until there is room for `pixels`, and keeps it."""
        # Only one waits at the condition, so that small pictures cannot keep a large one out for ever.
        with self._turn, self._freed:
            self._freed.wait_for(lambda: self._held == 0 or self._held + pixels <= self._limit)
            self._held += pixels
        try:
            yield
        finally:
            with self._freed:
                self._held -= pixels
                self._freed.notify_all()
