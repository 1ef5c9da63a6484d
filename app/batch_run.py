"""One run of an engine on a batch: each waiter is told the fate of its own pictures, and of no others'."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.batch_sizes import filled
from app.engines.base import Engine, Float32Array
from app.errors import InferenceError
from app.observer import Observer
from app.probabilities import are_probabilities
from app.waiters import Fate, Waiter, tell

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchRun:
    """Runs `engine` on batches that are filled up to one of `sizes`, the last of which holds any."""

    engine: Engine
    sizes: Sequence[int]
    observer: Observer

    def answer(self, batch: list[Waiter]) -> None:
        """Tells everyone in the batch what the engine says; waiters of no batch are fine."""
        if not batch:
            return
        begun = time.monotonic()
        try:
            rows = self._run([waiter.images for waiter in batch])
        except Exception as error:
            self._answer_failed(batch, error)
        else:
            ran = time.monotonic() - begun
            for waiter in batch:
                if waiter.leads:
                    self.observer.computed(begun - waiter.asked, ran)
            tell(self._fates(batch, rows))

    def _answer_failed(self, batch: list[Waiter], error: Exception) -> None:
        """Runs the requests of a failed batch alone, so that a poisoned one harms no other."""
        if len(batch) > 1:
            for waiter in batch:
                self.answer([waiter])
        else:
            logger.error("the engine failed", exc_info=error)
            tell([(batch[0], InferenceError("the network failed on this input"))])

    def _run(self, parts: list[Float32Array]) -> Float32Array:
        begun, count = time.monotonic(), sum(map(len, parts))
        images = filled(parts, self.sizes)
        rows = self.engine.run(images)
        self.observer.ran(count, time.monotonic() - begun)
        if rows.ndim != 2 or len(rows) != len(images):
            raise InferenceError(f"expected {len(images)} rows of probabilities, received shape {rows.shape}")
        return rows[:count]

    def _fates(self, batch: list[Waiter], rows: Float32Array) -> Iterator[tuple[Waiter, Fate]]:
        """Each waiter's share of the rows, scaled to sums of 1; an error for whom it is no probabilities."""
        precision = self.engine.precision
        sound = are_probabilities(rows, precision)
        with np.errstate(all="ignore"):  # what cannot be scaled is told as an error
            scaled = rows / rows.sum(axis=1, keepdims=True)
        begin = 0
        for waiter in batch:
            own = slice(begin, begin := begin + len(waiter.images))
            if sound or are_probabilities(rows[own], precision):
                yield waiter, scaled[own]
            else:
                yield waiter, InferenceError("the network's answer to this input is no probabilities")
