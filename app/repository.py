"""The model versions on disk: the highest that proves itself serves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.engines.base import Engine, Locator
from app.errors import ModelError, SignsError
from app.manifest import MANIFEST_PATH
from app.memory import LOADING_FACTOR, available_bytes, give_back_freed
from app.proof import LoadedVersion, load_proven

logger = logging.getLogger(__name__)

VersionState = Literal["loading", "serving", "standby", "incomplete", "refused"]

Fingerprint = tuple[tuple[str, int, int, int], ...]


class NoRoom(ModelError):
    """There is no memory for one more version; it is tried again at every look."""


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version folder. `reason` says why it is `refused` or `incomplete`, or why it is not reloaded.

    `standby` is a version below the serving one or not the one that is asked for, `incomplete` one that
    has no manifest yet.
    """

    number: int
    state: VersionState
    reason: str = ""


class Repository:
    """Looks after `folder`, which holds one folder per version, named by its number.

    `load` makes an engine of a version folder, `load_locator` a locator of its folder and side; batches
    up to `max_batch` are run before a version serves. Only the version `pinned` is served where one is
    given. `available` tells how many bytes of memory are left, None where that is not known.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[Path], Engine],
        max_batch: int,
        load_locator: Callable[[Path, int], Locator] | None = None,
        pinned: int | None = None,
        available: Callable[[], int | None] = available_bytes,
    ) -> None:
        self._folder = folder
        self._load = load
        self._max_batch = max_batch
        self._load_locator = load_locator
        self._pinned = pinned
        self._available = available
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
        refusals = [f"version {status.number}: {status.reason}" for status in self._statuses if status.reason]
        expected = f"a folder named {self._pinned}" if self._pinned else "folders named 1, 2, ..."
        found = ", ".join(str(status.number) for status in self._statuses) or "none"
        problem = self._unreadable or "; ".join(refusals) or f"expected {expected}, found {found}"
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
        if not any(self._offer(number) for number in numbers if self._pinned in (None, number)):
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
            self._require_room(number, files)
            self._serving = load_proven(
                self._folder / str(number), self._load, self._max_batch, self._load_locator
            )
        # An engine may fail in its own ways; a version that does not load must not stop the others.
        except Exception as error:
            reason = str(error) if isinstance(error, SignsError) else f"{type(error).__name__}: {error}"
            if self._refused.get(number) != (_remembered(error, files), reason):
                logger.warning("model version %d does not serve: %s", number, reason)
            self._refused[number] = (_remembered(error, files), reason)
        else:
            self._served_files = files
            self._refused.pop(number, None)
            logger.info("model version %d is loaded", number)
        give_back_freed()

    def _require_room(self, number: int, files: Fingerprint) -> None:
        """Raises `NoRoom` where the version does not fit into memory beside the serving one."""
        left = self._available()
        needed = LOADING_FACTOR * sum(size for _, size, _, _ in files)
        if self._serving is not None and left is not None and left < needed:
            raise NoRoom(
                f"memory: expected {needed >> 20} MB free to load it beside version "
                f"{self._serving.manifest.version}; found less"
            )

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


def _remembered(error: Exception, files: Fingerprint) -> Fingerprint:
    """The files for which not to try again; none where it is not they that were wrong."""
    return () if isinstance(error, NoRoom) else files


def _is_version(name: str) -> bool:
    """1, 2, ... as TensorFlow Serving takes them, each number in one spelling only."""
    return name.isascii() and name.isdecimal() and not name.startswith("0")


def _fingerprint(folder: Path) -> Fingerprint:
    """Changes whenever a file below `folder` is added, removed, written or made readable."""
    stats = [(path.as_posix(), path.stat()) for path in sorted(folder.rglob("*"))]
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for name, stat in stats)
