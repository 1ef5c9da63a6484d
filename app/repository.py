"""The model versions on disk: the highest that proves itself serves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.engines.base import Engine
from app.errors import SignsError
from app.manifest import MANIFEST_PATH
from app.proof import LoadedVersion, load_proven

logger = logging.getLogger(__name__)

VersionState = Literal["loading", "serving", "standby", "incomplete", "refused"]

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version folder. `reason` says why it is `refused` or `incomplete`, or why it is not reloaded.

    `standby` is a version below the serving one, `incomplete` one that has no manifest yet.
    """

    number: int
    state: VersionState
    reason: str = ""


class Repository:
    """Looks after `folder`, which holds one folder per version, named by its number.

    `load` makes an engine of a version folder; batches up to `max_batch` are run before it serves.
    """

    def __init__(self, folder: Path, load: Callable[[Path], Engine], max_batch: int) -> None:
        self._folder = folder
        self._load = load
        self._max_batch = max_batch
        self._serving: LoadedVersion | None = None
        self._served_files: Fingerprint = ()
        self._refused: dict[int, tuple[Fingerprint, str]] = {}
        self._statuses: tuple[VersionStatus, ...] = ()
        self._unreadable = ""

    @property
    def statuses(self) -> tuple[VersionStatus, ...]:
        """Every version folder as last seen, the highest first."""
        return self._statuses

    @property
    def problem(self) -> str:
        """Why no version serves, in words."""
        refusals = "; ".join(f"version {status.number}: {status.reason}" for status in self._statuses)
        problem = self._unreadable or refusals or "expected folders named 1, 2, ..., found none"
        return f"model folder {self._folder}: {problem}"

    def refresh(self) -> LoadedVersion | None:
        """Looks at the folder and gives the version that serves from now on; blocks while it loads.

        A refused version is tried again only when its files change; until a better one is proven the
        serving one goes on, except when its folder is gone.
        """
        try:
            self._look()
        # A disk that cannot be read for a moment is no reason to stop serving what is in memory.
        except OSError as error:
            self._unreadable = str(error)
            logger.warning("%s", self.problem)
        return self._serving

    def _look(self) -> None:
        numbers = self._numbers()
        self._unreadable = ""
        self._refused = {number: seen for number, seen in self._refused.items() if number in numbers}
        if not any(self._offer(number) for number in numbers):
            self._serving = None
        self._statuses = tuple(self._status(number) for number in numbers)

    def _numbers(self) -> list[int]:
        try:
            names = [path.name for path in self._folder.iterdir() if path.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted((int(name) for name in names if _is_version(name)), reverse=True)

    def _offer(self, number: int) -> bool:
        """Whether this version serves; one whose files have changed is loaded first."""
        files = _fingerprint(self._folder / str(number))
        known = self._served_files if self._serves(number) else None
        refused, _ = self._refused.get(number, (None, ""))
        if files not in (known, refused):
            self._try(number, files)
        return self._serves(number)

    def _serves(self, number: int) -> bool:
        return self._serving is not None and self._serving.manifest.version == number

    def _try(self, number: int, files: Fingerprint) -> None:
        if not self._serves(number):
            self._show_loading(number)
        try:
            self._serving = load_proven(self._folder / str(number), self._load, self._max_batch)
        # An engine may fail in its own ways; a version that does not load must not stop the others.
        except Exception as error:
            reason = str(error) if isinstance(error, SignsError) else f"{type(error).__name__}: {error}"
            self._refused[number] = (files, reason)
            logger.warning("model version %d does not serve: %s", number, reason)
        else:
            self._served_files = files
            self._refused.pop(number, None)
            logger.info("model version %d is loaded", number)

    def _show_loading(self, number: int) -> None:
        others = (status for status in self._statuses if status.number != number)
        statuses = (VersionStatus(number, "loading", "is being loaded"), *others)
        self._statuses = tuple(sorted(statuses, key=lambda status: -status.number))

    def _status(self, number: int) -> VersionStatus:
        _, reason = self._refused.get(number, (None, ""))
        if self._serves(number):
            return VersionStatus(number, "serving", reason)
        if not reason:
            return VersionStatus(number, "standby")
        complete = (self._folder / str(number) / MANIFEST_PATH).is_file()
        return VersionStatus(number, "refused" if complete else "incomplete", reason)


def _is_version(name: str) -> bool:
    """1, 2, ... as TensorFlow Serving takes them, each number in one spelling only."""
    return name.isascii() and name.isdecimal() and not name.startswith("0")


def _fingerprint(folder: Path) -> Fingerprint:
    """Changes whenever a file below `folder` is added, removed, written or made readable."""
    stats = [(path.as_posix(), path.stat()) for path in sorted(folder.rglob("*"))]
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for name, stat in stats)
