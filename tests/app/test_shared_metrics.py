"""The metrics of several processes are one: counters added up, gauges joined as each of them means."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client import Metric, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import mark_process_dead
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from app.engines.constant import ConstantEngine
from app.errors import CorruptImage
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from app.shared_metrics import SharedMetrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
Share = Callable[..., SharedMetrics]
ANSWERED = (("route", "/predict"), ("status", "200"))


@pytest.fixture
def share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Share:
    """Makes the metrics of process 1, 2, ...

    In one process only those made last may see labels, or gauges, for the first time.
    """
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # put back afterwards, as is the next
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)

    def _share(number: int, state: Collector | None = None) -> SharedMetrics:
        metrics = SharedMetrics(tmp_path, number)
        metrics._state = state
        metrics.answered_request("/predict", 200, 0.02)
        metrics.publish()
        return metrics

    return _share


class State(Collector):
    """Gauges in place of a classifier's."""

    def __init__(self, **gauges: float) -> None:
        self.gauges = gauges

    def collect(self) -> Iterator[Metric]:
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(name, "a gauge", value)


def read(metrics: Metrics) -> Samples:
    """Every sample by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_counters_and_histograms_are_added_up(share: Share) -> None:
    one, two = share(1), share(2)
    for metrics, times in ((one, 3), (two, 4)):
        for _ in range(times):
            metrics.answered_request("/predict", 200, 0.02)
            metrics.rejected_image(CorruptImage("no picture"))
    for metrics in (one, two):
        told = read(metrics)
        assert told["signs_requests_total", ANSWERED] == 1 + 3 + 1 + 4
        assert told["signs_rejections_total", (("reason", "corrupt-image"),)] == 7
        assert told["signs_rejections_total", (("reason", "overloaded"),)] == 0
        assert told["signs_request_seconds_count", (("route", "/predict"),)] == 9
        assert told["signs_request_seconds_bucket", (("le", "0.01"), ("route", "/predict"))] == 0
        assert told["signs_request_seconds_bucket", (("le", "0.025"), ("route", "/predict"))] == 9


def test_who_takes_a_number_over_counts_on(share: Share, tmp_path: Path) -> None:
    one, two = share(1), share(2)
    del one  # dies, and tells nobody
    files = sorted(tmp_path.iterdir())
    mark_process_dead(1, str(tmp_path))  # type: ignore[no-untyped-call]
    assert len(list(tmp_path.iterdir())) < len(files)
    assert read(two)["signs_requests_total", ANSWERED] == 2
    share(1)
    told = read(two)
    assert told["signs_requests_total", ANSWERED] == 3
    assert told["signs_worker_starts_total", ()] == 3
    assert sorted(tmp_path.iterdir()) == files


def test_gauges_are_joined_as_each_means(share: Share, tmp_path: Path) -> None:
    one = share(1, State(signs_queue_images=3, signs_ready=1, signs_model_version=2, signs_other=1))
    share(2, State(signs_queue_images=4, signs_ready=0, signs_model_version=1, signs_other=5))
    told = read(one)
    assert told["signs_queue_images", ()] == 7
    assert told["signs_ready", ()] == 0
    assert told["signs_model_version", ()] == 1
    assert told["signs_other", ()] == 5
    mark_process_dead(2, str(tmp_path))  # type: ignore[no-untyped-call]
    told = read(one)
    assert (told["signs_queue_images", ()], told["signs_ready", ()], told["signs_other", ()]) == (3, 1, 1)


def test_a_gauge_that_is_told_no_more_is_0(share: Share) -> None:
    one = share(1, State(signs_model_version=2, signs_share=0.5))
    assert read(one)["signs_share", ()] == 0.5
    one._state = State(signs_model_version=3)
    told = read(one)
    assert (told["signs_share", ()], told["signs_model_version", ()]) == (0, 3)


def test_each_process_is_told_by_its_number(share: Share) -> None:
    one, _ = share(1), share(2)
    told = read(one)
    for number in ("1", "2"):
        assert 2**20 < told["process_resident_memory_bytes", (("worker", number),)] < 2**40
        assert told["process_cpu_seconds_total", (("worker", number),)] > 0
    assert "# TYPE process_cpu_seconds_total counter" in one.render().decode()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"]


def test_all_that_one_process_tells_is_told_of_several(share: Share) -> None:
    names = []
    for metrics in (Metrics(), share(1)):
        with TestClient(create_app(Settings(), ConstantEngine(), metrics)) as client:
            client.get("/health/live")
            names.append({name for name, _ in read(metrics)})
    alone, shared = names
    assert {name for name in alone - shared if not name.endswith("_created")} == set()
    assert shared - alone == {"signs_worker_starts_total"}
