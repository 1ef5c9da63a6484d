"""The share of the CPUs: affinity, and the quota of cgroup v2 and v1 wherever it stands."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.threads import ThreadPlan, granted_threads, plan_threads
from tests.app.serving import server_process

MakeVersion = Callable[..., Path]


@pytest.fixture(autouse=True)
def _eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def _granted(tmp_path: Path, files: dict[str, str], membership: str = "0::/\n") -> int:
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "self").write_text(membership)
    return granted_threads(tmp_path / "cgroup", tmp_path / "self")


@pytest.mark.parametrize(
    ("quota", "granted"),
    [
        ("100000 100000\n", 1),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("max 100000\n", 8),
        ("1600000 100000\n", 8),
        ("noise", 8),
    ],
)
def test_quota_of_version_2(tmp_path: Path, quota: str, granted: int) -> None:
    assert _granted(tmp_path, {"cpu.max": quota}) == granted


def test_the_tightest_of_a_group_and_its_parents_counts(tmp_path: Path) -> None:
    quotas = {"a/cpu.max": "200000 100000", "a/b/cpu.max": "400000 100000", "c/cpu.max": "100000 100000"}
    assert _granted(tmp_path, quotas, "0::/a/b\n") == 2


@pytest.mark.parametrize("controller", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("quota", "granted"), [("300000", 3), ("-1", 8)])
def test_quota_of_version_1(tmp_path: Path, controller: str, quota: str, granted: int) -> None:
    folder = f"{controller}/docker/abc"
    files = {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000"}
    assert _granted(tmp_path, files, "4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n") == granted


def test_without_cgroups_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert granted_threads(tmp_path / "absent", tmp_path / "absent") == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert granted_threads(tmp_path / "absent", tmp_path / "absent") == 1


@pytest.mark.parametrize(
    ("asked", "granted", "plan"),
    [
        (0, 1, ThreadPlan(granted=1, inference=1, decode=2)),
        (0, 4, ThreadPlan(granted=4, inference=4, decode=4)),
        (3, 1, ThreadPlan(granted=1, inference=3, decode=2)),
        (3, 64, ThreadPlan(granted=64, inference=3, decode=3)),
    ],
)
def test_as_many_threads_as_granted_or_asked_for(asked: int, granted: int, plan: ThreadPlan) -> None:
    assert plan_threads(asked, granted) == plan


@pytest.mark.parametrize(
    ("asked", "granted", "workers", "inference", "decode"),
    [(0, 8, 2, 4, 4), (0, 8, 3, 2, 2), (0, 2, 4, 1, 2), (3, 8, 2, 3, 3)],
)
def test_workers_share_what_is_granted(
    asked: int, granted: int, workers: int, inference: int, decode: int
) -> None:
    plan = plan_threads(asked, granted, workers)
    assert (plan.inference, plan.decode) == (inference, decode)
    assert f"CPUs granted: {granted} to {workers} workers together" in str(plan)


PINNED = """
import os, runpy, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.argv = ["app"]
runpy.run_module("app", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose its CPUs")
def test_a_process_pinned_to_one_cpu_says_so_and_serves(make_version: MakeVersion, tmp_path: Path) -> None:
    make_version(tmp_path, 1)
    with server_process("-c", PINNED, model_dir=tmp_path, cache_dir="") as server:
        assert "threads: 1 for inference, 2 to decode; CPUs granted: 1" in "".join(server.lines)
        server.wait_for(re.compile("ready after"))
