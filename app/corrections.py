"""Pictures that users correct, stored as class folders that training can read. Off unless a folder is set."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app import imaging
from app.errors import ImageTooLarge, StoreFull

SIDE: Final = 640  # pixels: ten times what the network sees, so that training may crop and turn
NONE: Final = "none"  # the label of a picture that shows none of the signs


class Corrections:
    """The folder `root` with `<label>/<name>.jpg`; at most `quota` bytes in all. Safe between threads."""

    def __init__(self, root: Path, max_bytes: int, quota: int, max_pixels: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._quota = quota
        self._max_pixels = max_pixels
        self._one_at_a_time = threading.Lock()

    def store(self, data: bytes, label: str) -> Path:
        """Keeps the picture in `data` under `label`, and returns its path below the root.

        Blocking. It is decoded and encoded anew, so that only pixels are kept, and takes its name from
        those, so that the same picture is kept once. `label` must be one of a closed set: it names the
        folder. Raises the `ImageError`s of `imaging`, `ImageTooLarge` above `max_bytes`, `StoreFull`,
        and `OSError` where the folder cannot be written.
        """
        if len(data) > self._max_bytes:
            raise ImageTooLarge(
                f"expected a picture of at most {self._max_bytes} bytes, received {len(data)}"
            )
        jpeg = imaging.small_jpeg(data, self._max_pixels, SIDE, quality=92)
        path = Path(label) / f"{hashlib.sha256(jpeg).hexdigest()[:24]}.jpg"
        with self._one_at_a_time:
            if not (self._root / path).exists():
                self._require_room(len(jpeg))
                _write_whole(self._root / path, jpeg)
        return path

    def _require_room(self, count: int) -> None:
        held = sum(self._sizes())
        if held + count > self._quota:
            raise StoreFull(f"expected at most {self._quota} bytes of corrections, {held} are stored already")

    def _sizes(self) -> Iterator[int]:
        return (path.stat().st_size for path in self._root.glob("*/*") if path.is_file())


def _write_whole(path: Path, data: bytes) -> None:
    """Writes beside, then renames, so that a reader never sees half a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
