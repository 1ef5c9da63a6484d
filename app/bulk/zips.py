"""Pictures in a zip archive."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from app.bulk.items import Item, check_size, is_picture, label
from app.bulk.unpacking import Allowance, UnpackingError

LONGEST_LIST: Final = 32 * 2**20
"""Bytes of a zip's list of its members, which is held in memory, at some 600 bytes a member."""


def zip_members(
    name: str, file: BinaryIO, allowance: Allowance, max_bytes: int, listing: bool
) -> Iterator[Item]:
    """See `archives.pictures_in`; raises whatever `zipfile` does for a broken archive."""
    with ZipFile(_Guarded(file)) as archive:
        for info in archive.infolist():
            if is_picture(info.filename) and not info.is_dir():
                path = f"{name}!/{label(info.filename)}"
                yield Item(path) if listing else _read(path, archive, info, allowance, max_bytes)


def _read(path: str, archive: ZipFile, info: ZipInfo, allowance: Allowance, max_bytes: int) -> Item:
    # Several members may share the same bytes, so that a small archive gives any number of large ones.
    try:
        check_size(max(info.file_size, info.compress_size), max_bytes)
        # The other methods unpack whatever one block holds, without a limit.
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise UnpackingError(
                f"expected a member stored or deflated, received zip's method {info.compress_type}"
            )
    except Exception as error:
        return Item.failed(path, error)
    allowance.take(info.file_size)
    try:
        with archive.open(info) as member:
            return Item(path, data=member.read(max_bytes + 1))
    except Exception as error:
        return Item.failed(path, error)


class _Guarded(io.BufferedReader):
    """A file of which no more is read at once than the longest list of members that is taken."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(io.FileIO(file.fileno(), closefd=False))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LONGEST_LIST:
            raise UnpackingError(
                f"expected a list of members of at most {LONGEST_LIST} bytes, received {size}; "
                "several zips or a tar have no such limit"
            )
        return super().read(size)
