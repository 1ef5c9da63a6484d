"""What a run finds: a picture in a file, one from an archive, or the reason why there is none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Final

from app.errors import ImageTooLarge, UnsupportedImage

# What folders and archives are searched for; a file that is named itself is tried whatever its name.
SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".apng", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp", ".tif", ".tiff"}
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing found: of `file` to be read, `data` already read, and `error` at most one is there.

    `path` is its name for people: never opened, and always fit to be written as UTF-8.
    """

    path: str
    file: str | None = None
    data: bytes | None = None
    error: str | None = None

    @classmethod
    def of_file(cls, path: str) -> Item:
        """A file that is still to be read."""
        return cls(label(path), file=path)

    @classmethod
    def failed(cls, path: str, error: Exception) -> Item:
        """A place where pictures may be that cannot be looked at."""
        return cls(label(path), error=in_words(error))

    def read(self, max_bytes: int) -> bytes:
        """Its bytes; raises `OSError`, `ValueError`, `ImageTooLarge`, `UnsupportedImage` for no file."""
        return read_file(self.file, max_bytes) if self.file is not None else self.data or b""


def is_picture(name: str) -> bool:
    """Whether a file of that name is looked for."""
    return PurePath(name).suffix.lower() in SUFFIXES


def nothing_found() -> str:
    """What to say where there is nothing to do."""
    return f"no picture found; expected files named {', '.join(sorted(SUFFIXES))}"


def label(path: str) -> str:
    """A path as text that any format can hold: bytes that are no UTF-8 are shown as escapes."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def in_words(error: Exception) -> str:
    """What happened, without the path, which stands beside it."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def read_file(path: str, max_bytes: int) -> bytes:
    """The bytes of a file, at most `max_bytes`; raises what `Item.read` does."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        check_size(size, max_bytes)
        return file.read(size)


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """Opens a file to be read; raises `OSError`, `ValueError`, or `UnsupportedImage` for what is no file."""
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnsupportedImage("expected a file, received a pipe, socket or device")
        yield file


def check_size(size: int, max_bytes: int) -> None:
    """Raises `ImageTooLarge` where a picture of `size` bytes is not to be read."""
    if size > max_bytes:
        raise ImageTooLarge(f"expected at most {max_bytes} bytes, received {size}")


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to would hold up everything."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
