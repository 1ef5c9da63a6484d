"""How much memory is left: the host's, or what the tightest control group leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.memory import available_bytes, give_back_freed, resident_bytes


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
