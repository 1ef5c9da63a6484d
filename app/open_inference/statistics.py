"""How often and how long, as the protocol's extension "statistics" tells it and `perf_analyzer` reads it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

from app.observer import Observer
from app.open_inference.answers import BatchStatistics, Duration, InferStatistics, ModelStatistics

NANOSECONDS = 1_000_000_000


class Statistics(Observer):
    """Counts requests since the service started, over all of its dialects and model versions.

    `compute_input` is the time it took to decode pictures; the next to nothing that `compute_output` takes
    is part of `compute_infer`. The three have one count, as `perf_analyzer` expects. There is no cache.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: defaultdict[str, Duration] = defaultdict(Duration)
        self._batches: defaultdict[int, Duration] = defaultdict(Duration)
        self._last = 0

    def answered(self, seconds: float) -> None:
        self._add("success", seconds)

    def failed(self, seconds: float) -> None:
        self._add("fail", seconds)

    def decoded(self, seconds: float) -> None:
        self._add("compute_input", seconds)

    def computed(self, waited: float, ran: float) -> None:
        self._add("queue", waited)
        self._add("compute_infer", ran)

    def ran(self, images: int, seconds: float) -> None:
        with self._lock:
            _count(self._batches[images], seconds)
            self._last = time.time_ns() // 1_000_000

    def describe(self, name: str, version: str) -> ModelStatistics:
        """What was counted so far, under the name of a model version."""
        with self._lock:
            totals = {kind: self._totals[kind].model_copy() for kind in InferStatistics.model_fields}
            batches = {size: runs.model_copy() for size, runs in sorted(self._batches.items())}
            last = self._last
        for kind in ("compute_input", "compute_output"):
            totals[kind].count = totals["compute_infer"].count
        return ModelStatistics(
            name=name,
            version=version,
            last_inference=last,
            inference_count=sum(size * runs.count for size, runs in batches.items()),
            execution_count=sum(runs.count for runs in batches.values()),
            inference_stats=InferStatistics.model_validate(totals),
            batch_stats=[_of_batches(size, runs) for size, runs in batches.items()],
        )

    def _add(self, kind: str, seconds: float) -> None:
        with self._lock:
            _count(self._totals[kind], seconds)


def _count(duration: Duration, seconds: float) -> None:
    duration.count += 1
    duration.ns += int(seconds * NANOSECONDS)


def _of_batches(size: int, runs: Duration) -> BatchStatistics:
    nothing = Duration(count=runs.count)
    return BatchStatistics(batch_size=size, compute_input=nothing, compute_infer=runs, compute_output=nothing)
