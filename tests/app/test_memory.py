"""How much memory is left: the host's, or what the tightest control group leaves."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from app.memory import available_bytes, give_back_freed, resident_bytes, settle


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    write(tmp_path / "meminfo", "MemTotal: 9000 kB\nMemAvailable:    1000 kB")
    write(tmp_path / "cgroup", "0::/a/b")
    return tmp_path


def left(host: Path) -> int | None:
    return available_bytes(host / "cgroups", host / "cgroup", host / "meminfo")


def test_without_groups_it_is_what_the_host_has(host: Path) -> None:
    assert left(host) == 1000 * 1024


def test_version_2_counts_pages_of_files_as_free(host: Path) -> None:
    write(host / "cgroups" / "a" / "memory.max", 900_000)
    write(host / "cgroups" / "a" / "memory.current", 500_000)
    write(host / "cgroups" / "a" / "memory.stat", "anon 1\ninactive_file 100000\nactive_file 7")
    assert left(host) == 500_000


def test_what_lies_in_memory_is_told_where_the_system_does(tmp_path: Path) -> None:
    assert 2**20 < (resident_bytes() or 0) < 2**40
    assert resident_bytes(tmp_path / "none") is None


def test_version_1(host: Path) -> None:
    write(host / "cgroup", "4:memory:/c\n2:cpu:/d")
    write(host / "cgroups" / "memory" / "c" / "memory.limit_in_bytes", 300_000)
    write(host / "cgroups" / "memory" / "c" / "memory.usage_in_bytes", 200_000)
    assert left(host) == 100_000


def test_no_limit_is_no_limit(host: Path) -> None:
    write(host / "cgroups" / "memory.max", "max")
    write(host / "cgroups" / "memory.current", 200_000)
    assert left(host) == 1000 * 1024


def test_more_used_than_allowed_is_nothing_left(host: Path) -> None:
    write(host / "cgroups" / "memory.max", 1)
    write(host / "cgroups" / "memory.current", 200_000)
    assert left(host) == 0


def test_where_nobody_tells(tmp_path: Path) -> None:
    assert left(tmp_path) is None


def test_this_machine_has_memory_and_takes_it_back() -> None:
    assert (available_bytes() or 1) > 0
    give_back_freed()


def test_what_is_there_is_spared_from_collections() -> None:
    try:
        settle()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


HOLES = """
import ctypes
from app.memory import keep_heap_whole, resident_bytes
if {settled}:
    keep_heap_whole()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
SIZE, PIN = 8 * 2**20, 2**16
libc.free(libc.malloc(SIZE))  # from now on glibc would take blocks of this size from its heap
before = resident_bytes()
blocks = []
for _ in range(10):
    blocks.append(libc.malloc(SIZE))
    ctypes.memset(blocks[-1], 1, SIZE)
    ctypes.memset(libc.malloc(PIN), 1, PIN)  # stays, so that what lies before it becomes a hole
for block in blocks:
    libc.free(block)
print(resident_bytes() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has glibc's allocator")
def test_large_blocks_leave_no_holes() -> None:
    grown = [
        int(subprocess.check_output([sys.executable, "-c", HOLES.format(settled=settled)], text=True))
        for settled in (False, True)
    ]
    assert grown[1] < 8 * 2**20
    assert grown[0] > 5 * grown[1]  # so there is something to be seen
