"""Pictures in a tar archive, compressed or not, read once from its beginning to its end."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final, Self

from app.bulk.items import Item, check_size, is_picture, label
from app.bulk.unpacking import Allowance, Metered, UnpackingError, decompressed
from app.errors import ImageTooLarge

LONGEST_HEADER: Final = 2**20
"""Bytes; a header holds a name and a few attributes. What is read ahead lies within it too."""


def tar_members(
    name: str, file: BinaryIO, allowance: Allowance, max_bytes: int, listing: bool
) -> Iterator[Item]:
    """See `archives.pictures_in`; raises whatever `tarfile` does for a broken archive."""
    stream = Metered(decompressed(file), allowance)
    stream.allow(LONGEST_HEADER)
    # Read forward only, it is asked for nothing but `read`, whatever its type says.
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Strict) as archive:  # type: ignore[call-overload]
        while (member := archive.next()) is not None:
            stream.allow(member.size + LONGEST_HEADER)
            if is_picture(member.name) and not member.isdir():
                path = f"{name}!/{label(member.name)}"
                yield from [Item(path)] if listing else _read(path, archive, member, max_bytes)
            stream.allow(member.size + LONGEST_HEADER)  # what was not read is skipped by reading it
            archive.members.clear()  # it would remember them all


def _read(path: str, archive: tarfile.TarFile, member: tarfile.TarInfo, max_bytes: int) -> Iterator[Item]:
    """The member; what breaks while it is read breaks the archive too."""
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        yield Item(path, error="expected a file, received a link or device, which is not followed")
        return
    try:
        check_size(member.size, max_bytes)
        yield Item(path, data=content.read())
    except ImageTooLarge as error:
        yield Item.failed(path, error)
    except Exception as error:
        yield Item.failed(path, error)
        raise


class _Strict(tarfile.TarInfo):
    """A member's header; a broken one is an error, where `tarfile` takes it for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Raises `UnpackingError` where the header is broken, cut off or impossible."""
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not buf.strip(b"\0"):  # the true end, marked or not
                raise
            raise UnpackingError(str(error)) from None
        if header.size < 0:
            raise UnpackingError(f"expected a size, received {header.size}")
        return header
