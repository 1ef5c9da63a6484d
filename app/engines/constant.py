"""A real, tiny engine without a network, so that all of the service can be tested without a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from app.engines.base import Float32Array
from app.manifest import Acceptance, Golden, GoldenPair, Manifest, TrainingRecord

LABELS = ("0", "1", "2", "3", "4", "5")


class ConstantEngine:
    """Answers `probabilities` for every picture or, without them, for its mean brightness.

    From black to white the brightness runs through the classes in order, so that two answers show
    whether they were mixed up. Each run sleeps `delay` seconds, then calls `before_run` with the
    batch, which may wait or raise; `batch_sizes` and `closed` tell what happened.
    """

    name = "constant"
    precision = "float32"

    def __init__(
        self,
        probabilities: Sequence[float] | None = None,
        *,
        classes: int = len(LABELS),
        delay: float = 0.0,
        before_run: Callable[[Float32Array], None] | None = None,
        lanes: int = 1,
    ) -> None:
        self.lanes = lanes
        self._fixed = None if probabilities is None else np.asarray(probabilities, np.float32)
        self._classes = classes
        self._delay = delay
        self._before_run = before_run
        self.batch_sizes: list[int] = []
        self.closed = False

    def run(self, images: Float32Array) -> Float32Array:
        self.batch_sizes.append(len(images))
        time.sleep(self._delay)
        if self._before_run is not None:
            self._before_run(images)
        return np.stack([self._answer(image) for image in images])

    def warm_up(self, images: Float32Array) -> None:
        self.run(images)

    def close(self) -> None:
        self.closed = True

    def _answer(self, image: Float32Array) -> Float32Array:
        if self._fixed is not None:
            return self._fixed
        distance = np.arange(self._classes) - image.mean(dtype=np.float64) * (self._classes - 1)
        weight = np.exp(-2 * distance**2)
        answer: Float32Array = (weight / weight.sum()).astype(np.float32)
        return answer


class ConstantLocator:
    """Finds a hand at the same `place` in every photo: score, x0, y0, x1, y1."""

    def __init__(self, place: Sequence[float]) -> None:
        self._place = np.asarray(place, np.float32)

    def find(self, photo: Float32Array) -> Float32Array:
        return self._place


def constant_manifest(labels: Sequence[str] = LABELS, version: int = 1) -> Manifest:
    """A valid manifest for a `ConstantEngine`, named `signs`, that accepts from 0.5 on."""
    even = tuple(1 / len(labels) for _ in labels)
    return Manifest(
        name="signs",
        version=version,
        created=datetime(2000, 1, 1, tzinfo=UTC),
        labels=tuple(labels),
        acceptance=Acceptance(threshold=0.5),
        training=TrainingRecord(recipe="none", seed=0),
        sha256={},
        golden=Golden(pairs=(GoldenPair(seed=0, probabilities=even),)),
    )
