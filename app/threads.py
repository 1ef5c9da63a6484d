"""How many CPU threads the process may really use: not the host's cores, but its share of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from app.cgroups import CGROUPS, MEMBERSHIP, cgroup_folders, read_text

STEP_BACK = 10
"""How much nicer than the event loop the threads are that do the heavy work: a ninth of its weight."""


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """How many threads do the heavy work in one process."""

    granted: int
    """CPUs that all workers together may use."""
    inference: int
    decode: int
    workers: int = 1
    """Processes that share what is granted."""

    def __str__(self) -> str:
        shared = f" to {self.workers} workers together" if self.workers > 1 else ""
        return (
            f"{self.inference} for inference, {self.decode} to decode; CPUs granted: {self.granted}{shared}"
        )


def plan_threads(inference: int = 0, granted: int | None = None, workers: int = 1) -> ThreadPlan:
    """The threads of one of `workers` processes that share the granted CPUs, each as many as the others.

    As many for inference as asked for (0: one a CPU of its share), and a small pool to decode.
    """
    cpus = granted_threads() if granted is None else granted
    # Who is told how many is told its share of a machine, and decodes within it as well.
    share = max(1, min(cpus // workers, inference or cpus))
    # Two decode at least, so that one slow picture does not hold up all others.
    return ThreadPlan(
        granted=cpus,
        inference=inference or max(1, cpus // workers),
        decode=max(2, share),
        workers=workers,
    )


def granted_threads(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """The CPUs of the affinity mask, cut down to whole CPUs of the cgroup's quota; at least 1."""
    granted = float(_affinity())
    for folder in cgroup_folders(cgroups, membership, "cpu", "cpu,cpuacct"):
        granted = min(granted, _quota_v2(folder), _quota_v1(folder))
    return max(1, int(granted))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota_v2(folder: Path) -> float:
    """CPUs by `cpu.max`, e.g. `150000 100000` or `max 100000` (kernel: admin-guide/cgroup-v2)."""
    quota, _, period = read_text(folder / "cpu.max").strip().partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else float("inf")


def _quota_v1(folder: Path) -> float:
    """CPUs by `cpu.cfs_quota_us`, where -1 means no limit (kernel: scheduler/sched-bwc)."""
    quota = read_text(folder / "cpu.cfs_quota_us").strip()
    period = read_text(folder / "cpu.cfs_period_us").strip()
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else float("inf")


def step_back() -> None:
    """Lets the event loop's thread go before the one that calls this, and before those that it starts.

    On Linux each thread has a nice value of its own, which new threads inherit (sched(7)).
    """
    if sys.platform == "linux":
        os.nice(STEP_BACK)
