"""How many workers make sense where the service runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.memory import LOADING_FACTOR
from app.settings import Settings

WORKER_BYTES: Final = 150 * 2**20
"""What a worker takes without a model: the interpreter, the libraries, room for requests; an estimate."""


def doubts(settings: Settings, granted: int, available: int | None) -> Iterator[str]:
    """What speaks against so many workers with `granted` CPUs and `available` bytes of memory, in words."""
    count = settings.workers
    if count > granted:
        yield (
            f"SIGNS_WORKERS: expected at most as many as CPUs are granted, {granted}, received {count}: "
            "they will wait for each other"
        )
    each = WORKER_BYTES + LOADING_FACTOR * _model_bytes(settings)
    if available is not None and count * each > available:
        yield (
            f"SIGNS_WORKERS: expected at most {max(1, available // each)} for {available >> 20} MB of free "
            f"memory, received {count}: each may take up to {each >> 20} MB while it loads, "
            "so some may be killed"
        )


def _model_bytes(settings: Settings) -> int:
    """The size on disk of the largest version; 0 where there is none to read."""
    try:
        folders = [path for path in settings.model_dir.iterdir() if path.name.isdecimal()]
        return max(map(_size, folders), default=0)
    except OSError:  # each worker will say why
        return 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
