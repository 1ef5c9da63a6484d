"""What Prometheus may scrape: requests, pictures, rejections, times and the state of the service."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest

from app.classifier import Classifier, Prediction
from app.errors import SignsError
from app.http_errors import STATUS_OF, reason_of_kind
from app.model_state import ModelState
from app.observer import Observer

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
Refusal = Literal["address-rate", "key-rate", "overloaded"]


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
        self._refusals = Counter("signs_refusals", "Requests refused unread.", ("reason",), registry=registry)
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
        self._queue_seconds = Histogram(
            "signs_queue_seconds",
            "From the network's input to the run of the network that it was in.",
            registry=registry,
            buckets=SECONDS,
        )
        self._inference_seconds = Histogram(
            "signs_inference_seconds", "One run of the network.", registry=registry, buckets=SECONDS
        )
        self._batch_images = Histogram(
            "signs_batch_images", "Pictures in one run of the network.", registry=registry, buckets=SIZES
        )
        self._images_inference_seconds = Counter(
            "signs_images_inference_seconds",
            "Inference as pictures feel it: each run counts once for each of its pictures.",
            registry=registry,
        )
        ProcessCollector(registry=registry)  # memory, CPU time and open files, by their usual names
        # Found once for each of the few labels that there are: finding them takes as long as counting.
        self._of_request, self._of_prediction = cache(self._label_request), cache(self._predictions.labels)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Or the first refusal of a kind would be no increase, since nothing was there before."""
        for kind in STATUS_OF:
            self._rejections.labels(reason_of_kind(kind))
        self._refused = {reason: self._refusals.labels(reason) for reason in get_args(Refusal)}

    def decoded(self, seconds: float) -> None:
        """Times a picture's way from bytes to the network's input."""
        self._decode_seconds.observe(seconds)

    def computed(self, waited: float, ran: float) -> None:
        """Times how long a request waited for the network."""
        self._queue_seconds.observe(waited)

    def ran(self, images: int, seconds: float) -> None:
        """Times a run of the network and counts its pictures."""
        self._inference_seconds.observe(seconds)
        self._batch_images.observe(images)
        self._images_inference_seconds.inc(images * seconds)

    def answered_request(self, route: str, status: int, seconds: float) -> None:
        """Counts a request by the template of its route; 0 as status where the client left before."""
        count, times = self._of_request(route, status)
        count.inc()
        times.observe(seconds)

    def refused_request(self, reason: Refusal) -> None:
        """Counts a request that was refused before its body was read."""
        self._refused[reason].inc()

    def answered_image(self, prediction: Prediction) -> None:
        """Counts a picture that was answered."""
        self._images.inc()
        self._of_prediction(prediction.label, "true" if prediction.accepted else "false").inc()

    def rejected_image(self, error: SignsError) -> None:
        """Counts a picture that was not answered, by the error's name."""
        self._images.inc()
        self._rejections.labels(reason_of_kind(type(error))).inc()

    def _label_request(self, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(route, str(status)), self._request_seconds.labels(route)

    def render(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)

    def watch(self, classifier: Classifier) -> None:
        """Shows the classifier's state as it is at each scrape."""
        self.registry.register(ModelState(classifier))
