"""The comparison of one process with several: what it measures, and the table that it writes."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import pictures, workers
from benchmarks.workers import Figures, Load, markdown, measure_all, medians
from tests.app.serving import CONSTANT_SERVER

ONE = Figures(
    workers=1,
    threads=2,
    peak=100,
    p99_at_peak=80,
    p50=5,
    p99=20,
    megabytes_at_rest=200,
    megabytes_at_peak=250,
    seconds_to_ready=2,
    failed=0,
)
MACHINE = {"measured": "2000-01-01", "processor": "some", "cpus": 2, "python": "3.11"}


def test_each_layout_is_asked_at_the_rate_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SIGNS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(workers, "CLIENTS", 4)
    script = shlex.quote(CONSTANT_SERVER.format(delay=0.005))
    command = ("sh", "-c", f"SIGNS_PORT=$PORT exec {sys.executable} -c {script}")
    load = Load(0.5, [pictures.multipart("/predict", "file", pictures.thumbnails()[0])])
    ((one, two),) = asyncio.run(measure_all([1, 2], load, 1, command))
    assert (one.workers, two.workers) == (1, 2)
    assert one.threads >= two.threads >= 1
    for each in (one, two):
        assert each.failed == 0
        assert each.peak > 0
        assert each.p99 >= each.p50 > 0
        assert each.seconds_to_ready > 0
    assert two.megabytes_at_rest > one.megabytes_at_rest > 20


def test_the_median_of_the_rounds_is_told() -> None:
    found = medians([replace(ONE, peak=peak, failed=1) for peak in (90, 1, 95)])
    assert (found.peak, found.p99, found.failed) == (90, 20, 3)


def test_the_table_has_a_row_for_each_layout() -> None:
    two = replace(ONE, workers=2, threads=1, peak=150)
    text = markdown([ONE, two], {"machine": MACHINE, "seconds": 8.0, "rounds": [[], []]})
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.count("|") for row in rows] == [len(workers.COLUMNS) + 1] * 3
    assert rows[2].startswith("| 2 | 1 | 150.0 | 80.0 |")
    assert "workers = 2, 1.50 times that of workers = 1" in text
    assert "medians of 2 rounds" in text


def test_results_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def measured(counts: list[int], _load: Load, rounds: int) -> list[list[Figures]]:
        return [[replace(ONE, workers=count) for count in counts] for _ in range(rounds)]

    monkeypatch.setattr(workers, "measure_all", measured)
    monkeypatch.setattr(
        sys, "argv", ["workers", "--workers", "1", "4", "--rounds", "2", "--to", str(tmp_path)]
    )
    workers.main()
    assert "| 4 | 2 | 100.0 |" in (tmp_path / "workers.md").read_text(encoding="utf-8")
    assert '"workers": 4' in (tmp_path / "workers.json").read_text(encoding="utf-8")
