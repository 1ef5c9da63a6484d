"""A bar with rate and time left, while what there is to do is still being counted."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Final, Self

from tqdm import tqdm

from app.bulk.sources import Sources

SECONDS_TO_END: Final = 1.0
"""For the thread that counts; it may be in the middle of an archive."""


class Progress:
    """A bar on standard error, where that is a terminal; its total grows as a thread of its own counts."""

    def __init__(self, sources: Sources, max_bytes: int) -> None:
        self._sources = sources
        self._max_bytes = max_bytes
        self._ended = threading.Event()
        self._bar = tqdm(file=sys.stderr, unit="picture", disable=None)
        self._counter = threading.Thread(target=self._count, name="count", daemon=True)

    def __enter__(self) -> Self:
        if not self._bar.disable and self._sources.can_be_read_twice:
            self._counter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._counter.is_alive():
            self._counter.join(SECONDS_TO_END)
        self._bar.close()

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self._bar.update(count)

    def _count(self) -> None:
        for number, _ in enumerate(self._sources.items(self._max_bytes, listing=True), 1):
            if self._ended.is_set():
                return
            self._bar.total = number
        self._bar.refresh()
