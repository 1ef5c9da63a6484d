"""Bytes out of a compressed stream, no more than are allowed: what holds against archives made to do harm."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import BinaryIO, Final, Protocol

RATIO: Final = 100
"""An archive may unpack to so many times its own size, and `SLACK` times the largest picture."""

SLACK: Final = 4
BLOCK: Final = 64 * 2**10
XZ_MEMORY: Final = 128 * 2**20
"""Bytes; `xz -9` needs half of it, and a file may ask for 4 GiB."""


class UnpackingError(Exception):
    """An archive is broken, or holds more than is allowed; its text is fit for a user."""


class Readable(Protocol):
    """What an archive is read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""


class Allowance:
    """How many bytes an archive of `size` bytes may still give, where a picture has at most `max_bytes`."""

    def __init__(self, size: int, max_bytes: int) -> None:
        self._most = self._left = RATIO * size + SLACK * max_bytes

    def take(self, size: int) -> None:
        """Uses up `size` bytes; raises `UnpackingError` where so many are not left."""
        self._left -= size
        if self._left < 0:
            raise UnpackingError(f"expected to unpack at most {self._most} bytes, {RATIO} times its size")


class Metered:
    """A stream that gives `allow`ed bytes only: so many until it is told anew, and an allowance for all."""

    def __init__(self, stream: Readable, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance
        self._left = 0

    def allow(self, size: int) -> None:
        """From now on `size` bytes may be read."""
        self._left = size

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; raises `UnpackingError` above what is allowed."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UnpackingError("a header is longer than any honest one")
        self._allowance.take(len(data))
        return data


def decompressed(file: BinaryIO) -> Readable:
    """The bytes of a file that is compressed with gzip, bzip2 or xz, told by its beginning, or not at all."""
    beginning = file.read(6)
    file.seek(0)
    if beginning.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if beginning.startswith(b"BZh"):
        return bz2.BZ2File(file)
    return Unxz(file) if beginning == b"\xfd7zXZ\0" else file


class Unxz:
    """An xz file, decompressed in at most `XZ_MEMORY` bytes; the standard library's own knows no limit."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = self._begin()

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; raises `EOFError` where it is cut off, `LZMAError` where broken."""
        while True:
            if self._stream.eof:
                fed = self._stream.unused_data or self._file.read(BLOCK)
                if not fed:
                    return b""
                self._stream = self._begin()
            else:
                fed = self._file.read(BLOCK) if self._stream.needs_input else b""
                if self._stream.needs_input and not fed:
                    raise EOFError("the xz file is cut off")
            if data := self._stream.decompress(fed, size):
                return data

    @staticmethod
    def _begin() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
