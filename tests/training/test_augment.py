"""Augmentation changes what it says, within its ranges, and the same way for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.augment import augment
from training.config import Augmentation

EVERYTHING = Augmentation(
    flip=True, rotation=30, zoom=(0.7, 1.4), shift=0.2, perspective=0.2, brightness=0.3, contrast=0.3,
    saturation=0.3, hue=0.1, blur=1.5, noise=0.1, cutout=0.3, probability=1.0,
)  # fmt: skip


def picture(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def changed(
    ranges: Augmentation, source: NDArray[np.uint8], seed: int = 1, size: int = 64
) -> NDArray[np.uint8]:
    return augment(source, ranges, size, np.random.default_rng(seed))


def test_nothing_on_changes_nothing() -> None:
    np.testing.assert_array_equal(changed(Augmentation(), picture()), picture())


def test_the_seed_decides() -> None:
    np.testing.assert_array_equal(changed(EVERYTHING, picture()), changed(EVERYTHING, picture()))
    assert (changed(EVERYTHING, picture(), seed=1) != changed(EVERYTHING, picture(), seed=2)).any()


@pytest.mark.parametrize("size", [32, 48, 64])
def test_the_size_asked_for_comes_out(size: int) -> None:
    result = changed(EVERYTHING, picture(), size=size)
    assert result.shape == (size, size, 3)
    assert result.dtype == np.uint8


def test_flip_mirrors_about_half_the_time() -> None:
    flips = [
        (changed(Augmentation(flip=True), picture(), seed) == picture()[:, ::-1]).all() for seed in range(40)
    ]
    assert 8 <= sum(flips) <= 32


def test_shift_moves_a_dot_by_what_it_says() -> None:
    source = np.zeros((64, 64, 3), np.uint8)
    source[30:34, 30:34] = 255
    for seed in range(10):
        y, x = (
            axis.mean() for axis in np.nonzero(changed(Augmentation(shift=0.25), source, seed)[..., 0] > 60)
        )
        assert abs(y - 31.5) <= 17
        assert abs(x - 31.5) <= 17


def test_zoom_and_rotation_keep_the_centre() -> None:
    source = np.zeros((64, 64, 3), np.uint8)
    source[28:36, 28:36] = 255
    for seed in range(10):
        result = changed(Augmentation(zoom=(0.5, 2), rotation=180, perspective=0.3), source, seed)[..., 0]
        assert result[31:33, 31:33].min() > 200


def test_what_comes_into_view_repeats_the_border() -> None:
    grey = np.full((64, 64, 3), 77, np.uint8)
    result = changed(Augmentation(zoom=(0.6, 0.6), rotation=45, shift=0.2), grey)
    assert (result == 77).all()


def test_hue_leaves_grey_alone_and_turns_colour() -> None:
    grey, red = np.full((64, 64, 3), 90, np.uint8), np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    only_hue = Augmentation(hue=0.5)
    assert np.abs(changed(only_hue, grey).astype(int) - 90).max() <= 1
    assert changed(only_hue, red, seed=3)[..., 1:].max() > 60


def test_cutout_paints_one_square() -> None:
    black = np.zeros((64, 64, 3), np.uint8)
    painted = changed(Augmentation(cutout=0.5, probability=1), black, seed=4).max(axis=2) > 0
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    assert painted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 1 <= len(rows) <= 32
