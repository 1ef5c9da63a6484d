"""What Prometheus is told of the classifier, as it is at each scrape: readiness, queue, serving version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.classifier import Classifier
from app.errors import NotReady
from app.manifest import Manifest
from app.repository import VersionState


class ModelState(Collector):
    """Gauges that are read from a classifier, and not kept beside it."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def describe(self) -> Iterator[Metric]:
        """Nothing is read before the first scrape."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families, each with its samples."""
        classifier = self._classifier
        yield _gauge("signs_queue_images", "Pictures decoded, waiting or running.", classifier.occupied)
        yield _gauge("signs_ready", "1 when the service is ready, else 0.", classifier.readiness() is None)
        yield _of_versions(classifier)
        try:
            manifest, precision = classifier.manifest, classifier.precision
        except NotReady:
            yield _gauge("signs_model_version", "The serving model version; 0: none.", 0)
            return
        yield _gauge("signs_model_version", "The serving model version; 0: none.", manifest.version)
        yield _of_precision(precision)
        yield from _of_training(manifest)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, float(value))


def _of_versions(classifier: Classifier) -> Metric:
    family = GaugeMetricFamily("signs_model_versions", "Versions on disk by state.", labels=["state"])
    for state in get_args(VersionState):
        family.add_metric([state], sum(status.state == state for status in classifier.versions))
    return family


def _of_precision(precision: str) -> Metric:
    family = GaugeMetricFamily(
        "signs_model_precision", "1 for what the network is computed in.", labels=["precision"]
    )
    family.add_metric([precision], 1)
    return family


def _of_training(manifest: Manifest) -> Iterator[Metric]:
    """What the answers are to be compared with: the labels it learned from, and how many it accepted."""
    family = GaugeMetricFamily(
        "signs_training_share", "The share of a label among the training pictures.", labels=["label"]
    )
    total = sum(manifest.training.labels.values())
    for label, count in manifest.training.labels.items():
        family.add_metric([label], count / total)
    yield family
    accepted = manifest.acceptance.true_acceptance_rate
    if accepted is not None:
        text = "The share of right answers on validation pictures that was accepted."
        yield _gauge("signs_training_accepted_share", text, accepted)
