"""How good predictions are: accuracy, confusion, calibration, and telling signs from no signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""The number of confidence bins in Guo et al. 2017."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidence against accuracy, by equal bins of confidence; each array is [bins].

    Empty bins hold 0 in `confidence` and `accuracy`.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def calibration_error(self) -> float:
        """The expected calibration error (Guo et al. 2017, equation 3)."""
        weight = self.count / max(1, self.count.sum())
        return float(np.sum(weight * np.abs(self.accuracy - self.confidence)))


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a network said of a data set.

    `names` str [n]; `labels` int64 [n], the truth; `probabilities` float32 [n, classes].
    """

    names: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Predictions:
        """The predictions at a mask or at indices."""
        return Predictions(self.names[chosen], self.labels[chosen], self.probabilities[chosen])

    @property
    def guesses(self) -> NDArray[np.int64]:
        """The likeliest class of each, int64 [n]."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """The likeliest class's probability, float32 [n]."""
        return np.asarray(self.probabilities.max(axis=1), np.float32)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Which guesses are right, bool [n]."""
        return np.equal(self.guesses, self.labels)

    @property
    def accuracy(self) -> float:
        """The share of right guesses; 0 of none."""
        return float(self.correct.mean()) if len(self) else 0.0

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """The indices of wrong guesses, int64 [m]."""
        return np.flatnonzero(~self.correct)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts, int64 [classes, classes]: the row is the truth, the column the guess."""
        classes = self.probabilities.shape[1]
        matrix = np.zeros((classes, classes), np.int64)
        np.add.at(matrix, (self.labels, self.guesses), 1)
        return matrix

    @property
    def reliability(self) -> Reliability:
        """Confidence against accuracy."""
        bins = np.minimum((self.confidence * BINS).astype(np.int64), BINS - 1)
        count = np.bincount(bins, minlength=BINS)
        divisor = np.maximum(count, 1)
        return Reliability(
            confidence=np.bincount(bins, self.confidence, BINS) / divisor,
            accuracy=np.bincount(bins, self.correct, BINS) / divisor,
            count=count,
        )


def auroc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """The chance that a positive scores above a negative, ties counted half (Mann-Whitney U)."""
    if not len(positive) or not len(negative):
        raise ValueError(f"expected scores on both sides, received {len(positive)} and {len(negative)}")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    not_above = np.searchsorted(ordered, positive, "right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


def acceptance_threshold(confidence: NDArray[np.float32], true_acceptance: float) -> float:
    """The highest threshold at which at least the share `true_acceptance` of `confidence` passes."""
    if not len(confidence):
        raise ValueError("expected at least one confidence, received none")
    ordered = np.sort(confidence)[::-1]
    needed = max(1, int(np.ceil(true_acceptance * len(ordered))))
    # Rounded down, so that the number in the manifest still lets the last one pass.
    return float(np.floor(ordered[needed - 1] * 1e4) / 1e4)
