"""Folders searched to the bottom, and patterns such as `photos/*/*.jpg`, without ever holding all names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice, takewhile
from pathlib import Path, PurePath
from typing import Final

from app.bulk.items import Item, is_picture

SORTED_AT_ONCE: Final = 10_000
"""So many names of one folder are held: it is sorted in runs of as many."""

ANY_DEPTH: Final = "**"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, or something else in one."""

    path: str
    name: str
    is_folder: bool


def pictures_below(folder: str) -> Iterator[Item]:
    """The pictures below a folder by name, links followed; what cannot be looked at is among them."""
    for found in descend(folder):
        if isinstance(found, Item):
            yield found
        elif not found.is_folder and is_picture(found.name):
            yield Item.of_file(found.path)


def descend(root: str, hidden: bool = True) -> Iterator[Place | Item]:
    """All that lies below a folder, depth first; `Item`s are errors. No folder is entered twice.

    Without `hidden` folders whose names begin with a dot are left out.
    """
    try:
        entered = {_identity(root)}
    except OSError as error:
        yield Item.failed(root, error)
        return
    stack = [(root, _entries(root))]
    while stack:
        folder, entries = stack[-1]
        entry = None
        try:
            entry = next(entries, None)
            is_folder = entry is not None and entry.is_dir()
            identity = _identity(entry.path) if entry is not None and is_folder else None
        except OSError as error:  # of a folder that cannot be read, or of a link that cannot be followed
            yield Item.failed(entry.path if entry is not None else folder, error)
            continue
        if entry is None:
            stack.pop()
        elif identity is None:
            yield Place(entry.path, entry.name, is_folder=False)
        elif identity not in entered and (hidden or not entry.name.startswith(".")):
            # A link may lead back up, or to where another one has led already.
            entered.add(identity)
            yield Place(entry.path, entry.name, is_folder=True)
            stack.append((entry.path, _entries(entry.path)))


def is_pattern(text: str) -> bool:
    """Whether it is to be matched with names."""
    return any(sign in text for sign in "*?[")


def matches(pattern: str) -> Iterator[str | Item]:
    """The paths that a pattern matches, by name, and as `Item`s the folders that cannot be read.

    As in a shell `*`, `?` and `[...]` match within one name, and none that begins with a dot. `**` stands
    for folders of any depth; with it only what is no folder is matched.
    """
    parts = PurePath(pattern).parts
    plain = tuple(takewhile(lambda part: not is_pattern(part), parts))
    rest = parts[len(plain) :]
    if rest[-1:] == (ANY_DEPTH,):
        rest += ("*",)
    for found in _matches(str(PurePath(*plain)) if plain else "", rest):
        if isinstance(found, Item) or ANY_DEPTH not in rest or not Path(found).is_dir():
            yield found


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder or ".") as found:
        while run := list(islice(found, SORTED_AT_ONCE)):
            yield from sorted(run, key=lambda entry: entry.name)


def _join(*parts: str) -> str:
    return str(PurePath(*parts))


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino


def _matches(folder: str, parts: Sequence[str]) -> Iterator[str | Item]:
    if not parts:
        yield folder
        return
    for found in _step(folder, parts[0], last=len(parts) == 1):
        if isinstance(found, Item):
            yield found
        else:
            yield from _matches(found, parts[1:])


def _step(folder: str, part: str, last: bool) -> Iterator[str | Item]:
    """What one part of a pattern leads to from a folder; only folders, unless it is the last one."""
    if part == ANY_DEPTH:
        yield folder
        for found in descend(folder or ".", hidden=False):
            if isinstance(found, Item):
                yield found
            elif found.is_folder:
                yield _join(found.path)
    elif is_pattern(part):
        yield from _named(folder, part, last)
    elif os.path.lexists(path := _join(folder, part)):
        yield path


def _named(folder: str, part: str, last: bool) -> Iterator[str | Item]:
    try:
        for entry in _entries(folder):
            hidden = entry.name.startswith(".") and not part.startswith(".")
            if not hidden and fnmatchcase(entry.name, part) and (last or entry.is_dir()):
                yield _join(folder, entry.name)
    except OSError as error:
        yield Item.failed(folder, error)
