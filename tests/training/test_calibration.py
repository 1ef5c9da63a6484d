"""Temperature scaling finds the temperature that was put in."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from training.calibration import RANGE, apply_temperature, fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_is_found_again(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 6))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) < rng.random((len(true), 1))).sum(axis=1).clip(max=5)
    said = np.exp(logits * temperature)
    said /= said.sum(axis=1, keepdims=True)
    assert fit_temperature(said.astype(np.float32), labels) == pytest.approx(temperature, rel=0.05)


def test_certain_and_right_stays_in_range() -> None:
    assert fit_temperature(np.eye(6, dtype=np.float32), np.arange(6)) >= RANGE[0]


def test_applying_it_divides_the_logits() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    before = np.log(keras.ops.convert_to_numpy(model(x)))
    apply_temperature(model, 2.0)
    expected = np.exp(before / 2)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), expected, rtol=1e-4)
