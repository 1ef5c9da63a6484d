"""How much memory the process takes, and may still take: not the host's, but its share of it."""

from __future__ import annotations

import ctypes
import gc
import os
import re
from contextlib import suppress
from pathlib import Path

from app.cgroups import CGROUPS, MEMBERSHIP, cgroup_folders, read_text

MEMINFO = Path("/proc/meminfo")
FILES = {2: ("memory.max", "memory.current"), 1: ("memory.limit_in_bytes", "memory.usage_in_bytes")}
"""A cgroup's limit and use in bytes, by the version of cgroups."""
STATM = Path("/proc/self/statm")

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Parameters of mallopt, from glibc's malloc.h."""

LOADING_FACTOR = 6
"""Bytes of memory that loading takes at most for each byte of a model version on disk, an estimate: float16
weights are read, widened to float32, and laid out anew by the engine."""


def available_bytes(
    cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP, meminfo: Path = MEMINFO
) -> int | None:
    """What the host has available, cut down to what each cgroup's limit leaves; None where nobody tells.

    File pages that the kernel would drop first do not count as used.
    """
    found = re.search(r"^MemAvailable: *(\d+) kB", read_text(meminfo), re.MULTILINE)
    known = [int(found[1]) * 1024] if found else []
    for folder in cgroup_folders(cgroups, membership, "memory"):
        known += [left for names in FILES.values() if (left := _left(folder, *names)) is not None]
    return min(known) if known else None


def available_share(sharers: int) -> int | None:
    """What each of so many processes that take memory at the same time may take; None where nobody tells."""
    available = available_bytes()
    return None if available is None else available // sharers


def resident_bytes(statm: Path = STATM) -> int | None:
    """What of the process lies in memory now; None where nobody tells."""
    pages = read_text(statm).split()[1:2]
    return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else None


def keep_heap_whole() -> None:
    """Lets glibc return large blocks whenever they are freed, and keep only two heaps for all threads.

    By itself it raises the size from which it returns blocks to that of the largest weights (mallopt(3),
    M_MMAP_THRESHOLD), so that new model versions leave holes: a sixth more memory is taken after ten of them.
    """
    with suppress(OSError, AttributeError):  # another C library
        for parameter, value in ((M_MMAP_THRESHOLD, 2**20), (M_ARENA_MAX, 2)):
            ctypes.CDLL(None).mallopt(parameter, value)


def settle() -> None:
    """Spares what is there now, modules most of all, from the collections of garbage to come.

    Each of them would go through it all, some 50 ms in the middle of answers.
    """
    gc.freeze()


def give_back_freed() -> None:
    """Asks the allocator to return what was freed to the system; glibc would keep some of it."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _left(folder: Path, limit: str, use: str) -> int | None:
    limited, used = read_text(folder / limit).strip(), read_text(folder / use).strip()
    if not (limited.isdecimal() and used.isdecimal()):  # `max` stands for no limit
        return None
    dropped = re.search(r"^(?:total_)?inactive_file (\d+)", read_text(folder / "memory.stat"), re.MULTILINE)
    return max(0, int(limited) - int(used) + (int(dropped[1]) if dropped else 0))
