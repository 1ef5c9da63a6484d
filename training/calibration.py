"""Temperature scaling: confidence that means what it says (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

RANGE = (0.2, 5.0)
"""Temperatures that are considered; one at the edge would say that something else is wrong."""


def fit_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature that makes the labels likeliest, within `RANGE`.

    `probabilities` float32 [n, classes] at temperature 1; `labels` int64 [n]. The likelihood has a
    single peak in 1/temperature, so a ternary search finds it.
    """
    log_probabilities = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    low, high = 1 / RANGE[1], 1 / RANGE[0]
    for _ in range(60):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if _loss(log_probabilities * left, labels) < _loss(log_probabilities * right, labels):
            high = right
        else:
            low = left
    return float(2 / (low + high))


def _loss(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The mean negative log-likelihood."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(axis=1))
    return float((normaliser - shifted[np.arange(len(labels)), labels]).mean())


def apply_temperature(model: keras.Model, temperature: float) -> None:
    """Divides the logits by `temperature` for good, by scaling the last layer's weights in place."""
    last = model.layers[-1]
    last.set_weights([weight / np.float32(temperature) for weight in last.get_weights()])
