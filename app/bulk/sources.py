"""Where pictures come from: folders, files, archives, patterns, and lists of all of these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from app.bulk.archives import is_archive, pictures_in
from app.bulk.folders import is_pattern, matches, pictures_below
from app.bulk.items import Item

LONGEST_LINE: Final = 2**16
"""Bytes; sixteen times the longest path that Linux takes."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a run is asked for: paths and patterns, and files that hold one of these a line."""

    paths: tuple[str, ...]
    lists: tuple[str, ...] = ()

    @property
    def can_be_read_twice(self) -> bool:
        """Whether they may be counted first; what comes through a pipe is gone once it was read."""
        return all(Path(name).is_file() for name in self.lists)

    def items(self, max_bytes: int, listing: bool = False) -> Iterator[Item]:
        """All that is found, found as it is asked for; with `listing` to be counted, not read.

        Never raises for what it finds: that becomes an `Item` with an error.
        """
        for path in chain(self.paths, chain.from_iterable(map(_lines, self.lists))):
            if isinstance(path, Item):
                yield path
                continue
            try:
                yield from _items(path, max_bytes, listing)
            except (OSError, ValueError) as error:  # no path at all, or one that may not be looked at
                yield Item.failed(path, error)


def _items(path: str, max_bytes: int, listing: bool) -> Iterator[Item]:
    if Path(path).is_dir():
        yield from pictures_below(path)
    elif is_pattern(path) and not os.path.lexists(path):
        yield from _matched(path, max_bytes, listing)
    elif is_archive(path):
        yield from pictures_in(path, max_bytes, listing)
    else:
        yield Item.of_file(path)


def _matched(pattern: str, max_bytes: int, listing: bool) -> Iterator[Item]:
    found: str | Item | None = None
    for found in matches(pattern):
        yield from [found] if isinstance(found, Item) else _items(found, max_bytes, listing)
    if found is None:
        yield Item.failed(pattern, FileNotFoundError("nothing matches this pattern"))


def _lines(name: str) -> Iterator[str | Item]:
    """The lines of a list that are not empty; a list that cannot be read, or not any further, is an error."""
    try:
        with Path(name).open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise ValueError(f"expected a path a line, received {LONGEST_LINE} bytes without an end")
                if path := os.fsdecode(line.rstrip(b"\r\n")):
                    yield os.fspath(Path(path))
    except (OSError, ValueError) as error:
        yield Item.failed(name, error)
