"""Batches hold what they should, and an epoch ends when its work does."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from training.batches import PlainBatches, in_batches, plain_batch
from training.dataset import Examples


@pytest.fixture
def examples() -> Examples:
    """Ten pictures of noise, the labels in turn."""
    images = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    names = np.array([str(index) for index in range(10)])
    return Examples(images, np.arange(10) % 6, names, names)


def test_plain_batches_are_the_examples_in_order(examples: Examples) -> None:
    batches = PlainBatches(examples, 32, 4)
    assert [len(batches[index][0]) for index in range(len(batches))] == [4, 4, 2]
    for part, whole in zip(zip(*batches, strict=True), plain_batch(examples, 32), strict=True):
        np.testing.assert_array_equal(np.concatenate(part), whole)


def test_a_network_answers_batch_by_batch() -> None:
    inputs = np.arange(14, dtype=np.float32).reshape(7, 2)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(2.0)])
    np.testing.assert_allclose(in_batches(model, inputs, 3), 2 * inputs)


def test_keras_leaves_no_batches_to_the_tuner_of_tf_data(examples: Examples) -> None:
    """The tuner's sleep, which the end of an epoch waits for, may be as long as the epoch."""
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    dataset = PyDatasetAdapter(PlainBatches(examples, 32, 4)).get_tf_dataset()
    assert dataset.options().autotune.enabled is False
