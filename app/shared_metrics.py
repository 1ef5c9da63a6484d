"""The metrics of several processes as if they were one, by prometheus_client's multiprocess mode."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Metric,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.classifier import Classifier
from app.metrics import Metrics
from app.model_state import ModelState

MODES: Final[Mapping[str, str]] = {
    "signs_queue_images": "livesum",
    "signs_ready": "livemin",
    "signs_model_version": "livemin",
}
"""How the gauges of the living become one; of all others the largest is shown."""
WORKER_STARTS: Final = "signs_worker_starts"
Key = tuple[str, tuple[tuple[str, str], ...]]


class SharedMetrics(Metrics):
    """The metrics of the process `number` of several; each renders those of all.

    They lie in files below `folder`, which outlive their process: whoever takes over its number counts on
    from there. Counters and histograms are summed. Gauges are those that were published last; those that
    describe a process have its number as the label `worker`. One object for each process.
    """

    def __init__(self, folder: Path, number: int) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # the one way to tell the library
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
        super().__init__()
        self._folder = folder
        self._number = str(number)
        self._gauges: dict[str, Gauge] = {}
        self._published: dict[Key, float] = {}
        self._state: Collector | None = None
        self._process = ProcessCollector(registry=None)
        Counter(WORKER_STARTS, "Workers started, new ones for old ones too.", registry=None).inc()

    def watch(self, classifier: Classifier) -> None:
        self._state = ModelState(classifier)

    def publish(self) -> None:
        """Lets all see this process's gauges as they are now."""
        gone = dict.fromkeys(self._published, 0.0)  # a file forgets no label
        self._published = gone | dict(self._samples())
        for (name, labels), value in self._published.items():
            gauge = self._gauges[name]
            (gauge.labels(**dict(labels)) if labels else gauge).set(value)

    def render(self) -> bytes:
        """The metrics of all, in the Prometheus text format, version 0.0.4."""
        self.publish()
        registry = CollectorRegistry()
        _OfAll(registry, str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _samples(self) -> Iterator[tuple[Key, float]]:
        for collector, more in ((self._state, {}), (self._process, {"worker": self._number})):
            for family in collector.collect() if collector else ():
                for sample in family.samples:
                    labels = sample.labels | more
                    if sample.name not in self._gauges:
                        self._gauges[sample.name] = _gauge(sample.name, family.documentation, labels)
                    yield (sample.name, tuple(labels.items())), sample.value


class _OfAll(MultiProcessCollector):
    """Registers itself."""

    def collect(self) -> Iterator[Metric]:
        """The families of all processes."""
        for family in super().collect():  # type: ignore[no-untyped-call]
            # The system's counters, such as that of CPU seconds, can only be published as gauges are.
            if family.type == "gauge" and family.name.endswith("_total"):
                family.name, family.type = family.name.removesuffix("_total"), "counter"
            yield family


def _gauge(name: str, text: str, labels: Mapping[str, str]) -> Gauge:
    mode = MODES.get(name, "livemax")
    return Gauge(name, text, tuple(labels), registry=None, multiprocess_mode=mode)  # type: ignore[arg-type]
