"""Where the limits stand that the process lives under: the folders of its control groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cgroup_folders(cgroups: Path, membership: Path, *controllers: str) -> Iterator[Path]:
    """Every folder that may hold a limit: each cgroup that the process is in, and its parents.

    Version 2 has one tree, version 1 one for each of the `controllers`.
    """
    # Inside a container the path of the host is not mounted; its limit then stands at the root.
    for root in (cgroups, *(cgroups / controller for controller in controllers)):
        yield root
        for line in read_text(membership).splitlines():
            group = Path(line.split(":", 2)[-1].lstrip("/"))
            yield from (root / part for part in (group, *group.parents))


def read_text(path: Path) -> str:
    """The file's text; empty where there is none to read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
