"""Counts and times as the extension "statistics" has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.open_inference.statistics import Statistics


def test_nothing_happened_yet() -> None:
    told = Statistics().describe("signs", "3")
    assert (told.name, told.version) == ("signs", "3")
    assert (told.last_inference, told.inference_count, told.execution_count) == (0, 0, 0)
    assert {taken.count for _, taken in told.inference_stats} == {0}
    assert told.batch_stats == []


def test_what_happens_is_counted_and_timed() -> None:
    statistics = Statistics()
    statistics.decoded(0.001)
    statistics.computed(0.002, 0.003)
    statistics.computed(0.004, 0.003)
    statistics.ran(5, 0.003)
    statistics.ran(2, 0.001)
    statistics.ran(5, 0.004)
    statistics.answered(0.01)
    statistics.failed(0.02)
    told = statistics.describe("signs", "3")
    taken = {kind: (each.count, round(each.ns / 1e6)) for kind, each in told.inference_stats}
    assert taken == {
        "success": (1, 10),
        "fail": (1, 20),
        "queue": (2, 6),
        "compute_input": (2, 1),
        "compute_infer": (2, 6),
        "compute_output": (2, 0),
        "cache_hit": (0, 0),
        "cache_miss": (0, 0),
    }
    assert (told.inference_count, told.execution_count) == (12, 3)
    assert told.last_inference > 1_600_000_000_000
    batches = [(each.batch_size, each.compute_infer.count) for each in told.batch_stats]
    assert batches == [(2, 1), (5, 2)]


def test_what_was_told_does_not_change_afterwards() -> None:
    statistics = Statistics()
    statistics.ran(1, 0.001)
    told = statistics.describe("signs", "3")
    statistics.ran(1, 0.001)
    assert told.batch_stats[0].compute_infer.count == 1


def test_threads_lose_no_count() -> None:
    statistics = Statistics()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2000):
            pool.submit(statistics.computed, 0.001, 0.001)
    assert statistics.describe("signs", "1").inference_stats.queue.count == 2000
