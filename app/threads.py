"""How many CPU threads the process may really use: not the host's cores, but its share of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def granted_threads(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """The CPUs of the affinity mask, cut down to whole CPUs of the cgroup's quota; at least 1."""
    granted = float(_affinity())
    for folder in _folders(cgroups, membership):
        granted = min(granted, _quota_v2(folder), _quota_v1(folder))
    return max(1, int(granted))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _folders(cgroups: Path, membership: Path) -> Iterator[Path]:
    """Every folder that may hold a limit: each cgroup that the process is in, and its parents."""
    # Inside a container the path of the host is not mounted; its limit then stands at the root.
    for root in (cgroups, cgroups / "cpu", cgroups / "cpu,cpuacct"):
        yield root
        for line in _read(membership).splitlines():
            group = Path(line.split(":", 2)[-1].lstrip("/"))
            yield from (root / part for part in (group, *group.parents))


def _quota_v2(folder: Path) -> float:
    """CPUs by `cpu.max`, e.g. `150000 100000` or `max 100000` (kernel: admin-guide/cgroup-v2)."""
    quota, _, period = _read(folder / "cpu.max").strip().partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else float("inf")


def _quota_v1(folder: Path) -> float:
    """CPUs by `cpu.cfs_quota_us`, where -1 means no limit (kernel: scheduler/sched-bwc)."""
    quota = _read(folder / "cpu.cfs_quota_us").strip()
    period = _read(folder / "cpu.cfs_period_us").strip()
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else float("inf")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
