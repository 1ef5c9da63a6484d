"""Pictures in zip and tar archives, one after the other: nothing is unpacked to disk, or all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final

from app.bulk.items import Item, in_words, label, open_file
from app.bulk.tars import tar_members
from app.bulk.unpacking import Allowance
from app.bulk.zips import zip_members

Members = Callable[[str, BinaryIO, Allowance, int, bool], Iterator[Item]]

TARS: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
KINDS: Final[Mapping[str, Members]] = {".zip": zip_members, **dict.fromkeys(TARS, tar_members)}


def is_archive(path: str) -> bool:
    """Whether a file of that name is opened for the pictures in it."""
    return path.lower().endswith(tuple(KINDS))


def pictures_in(path: str, max_bytes: int, listing: bool) -> Iterator[Item]:
    """The pictures in an archive in its own order; with `listing` without their bytes, to be counted.

    A member is named `archive.zip!/member`. One that cannot be read, is larger than `max_bytes`, or is a
    link, is an `Item` with an error. Where the archive itself cannot be read, or not any further, a last
    `Item` says so.
    """
    members = next(read for ending, read in KINDS.items() if path.lower().endswith(ending))
    name = label(path)
    try:
        with open_file(path) as file:
            allowance = Allowance(os.fstat(file.fileno()).st_size, max_bytes)
            yield from members(name, file, allowance, max_bytes, listing)
    # Given broken bytes the readers raise almost anything: BadZipFile, EOFError, ValueError, ...
    except Exception as error:
        yield Item(name, error=f"the archive cannot be read, or not any further: {in_words(error)}")
