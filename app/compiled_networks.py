"""Where compiled networks are kept, so that the next start need not compile them again."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.manifest import MANIFEST_PATH

logger = logging.getLogger(__name__)

KEPT = 3
"""So many versions' networks are kept, those used last; one in float32 has 94 MB."""


def kept_networks(root: Path | None, version: Path) -> Path | None:
    """The folder below `root` for the networks of the version folder `version`; None: keep nothing.

    It is named by the manifest, which holds the hash of every file, so that an altered version never
    meets a network that was compiled of other files. Where nothing can be written nothing is kept.
    """
    if root is None:
        return None
    try:
        folder = root / hashlib.sha256((version / MANIFEST_PATH).read_bytes()).hexdigest()[:16]
        # Not with its parents: a service that is started anywhere must not strew folders about.
        for each in (root, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        os.utime(folder)
        _forget_all_but_the_last(root)
    except OSError as error:
        logger.info("compiled networks are not kept, so each start takes longer: %s", error)
        return None
    return folder


@contextmanager
def one_process_at_a_time(folder: Path | None) -> Iterator[None]:
    """While its body lasts, other processes that ask for the same `folder` wait.

    OpenVINO writes a network in place, so another one that starts at the same time might read half of it.
    Without a folder, and where files cannot be locked, nobody waits.
    """
    with ExitStack() as held:
        if folder is not None:
            with suppress(ImportError, OSError):  # another system, or a file system without locks
                held.enter_context(_locked(folder))
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    import fcntl  # late, since only Unix has it

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # gone with the process, however it ends
        yield
    finally:
        os.close(descriptor)


def _forget_all_but_the_last(root: Path) -> None:
    folders = sorted(
        (path for path in root.iterdir() if path.is_dir()), key=lambda path: -path.stat().st_mtime
    )
    for folder in folders[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
