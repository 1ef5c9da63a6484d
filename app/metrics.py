"""What Prometheus may scrape: requests, pictures, rejections, times and the state of the service."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from app.classifier import Classifier, Prediction
from app.errors import NotReady, SignsError
from app.http_errors import reason_of
from app.observer import Observer

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics(Observer):
    """The counters of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "signs_requests",
            "Requests answered; status 0: the client left.",
            ("route", "status"),
            registry=registry,
        )
        self._request_seconds = Histogram(
            "signs_request_seconds", "From arrival to answer.", ("route",), registry=registry, buckets=SECONDS
        )
        self._images = Counter("signs_images", "Pictures received.", registry=registry)
        self._predictions = Counter(
            "signs_predictions", "Pictures answered.", ("label", "accepted"), registry=registry
        )
        self._rejections = Counter(
            "signs_rejections", "Pictures not answered.", ("reason",), registry=registry
        )
        self._decode_seconds = Histogram(
            "signs_decode_seconds",
            "From bytes to the network's input, for a picture.",
            registry=registry,
            buckets=SECONDS,
        )
        self._inference_seconds = Histogram(
            "signs_inference_seconds", "One run of the network.", registry=registry, buckets=SECONDS
        )
        self._batch_images = Histogram(
            "signs_batch_images", "Pictures in one run of the network.", registry=registry, buckets=SIZES
        )

    def decoded(self, seconds: float) -> None:
        """Times a picture's way from bytes to the network's input."""
        self._decode_seconds.observe(seconds)

    def ran(self, images: int, seconds: float) -> None:
        """Times a run of the network and counts its pictures."""
        self._inference_seconds.observe(seconds)
        self._batch_images.observe(images)

    def answered_request(self, route: str, status: int, seconds: float) -> None:
        """Counts a request by the template of its route; 0 as status where the client left before."""
        self._requests.labels(route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def answered_image(self, prediction: Prediction) -> None:
        """Counts a picture that was answered."""
        self._images.inc()
        self._predictions.labels(prediction.label, str(prediction.accepted).lower()).inc()

    def rejected_image(self, error: SignsError) -> None:
        """Counts a picture that was not answered, by the error's name."""
        self._images.inc()
        self._rejections.labels(reason_of(error)).inc()

    def render(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)

    def watch(self, classifier: Classifier) -> None:
        """Shows the classifier's state as it is at each scrape."""
        queue = Gauge("signs_queue_images", "Pictures decoded, waiting or running.", registry=self.registry)
        queue.set_function(lambda: classifier.occupied)
        ready = Gauge("signs_ready", "1 when the service is ready, else 0.", registry=self.registry)
        ready.set_function(lambda: float(classifier.readiness() is None))
        version = Gauge("signs_model_version", "The serving model version; 0: none.", registry=self.registry)
        version.set_function(lambda: _version(classifier))


def _version(classifier: Classifier) -> float:
    try:
        return classifier.manifest.version
    except NotReady:
        return 0
