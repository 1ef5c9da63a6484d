"""Real hands are cut from pale walls; where hand and wall cannot be told apart there is no cutout."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.cutouts import SIDE, cut_from, cut_out
from training.dataset import Examples

SKIN, WALL = (190, 130, 100), (215, 212, 205)


def before_wall(shadow: float = 1.0) -> NDArray[np.uint8]:
    """A skin-coloured block that enters from below, its shadow beside it, on a wall that darkens."""
    picture = np.ones((64, 64, 3)) * WALL * np.linspace(1, 0.8, 64)[:, None, None]
    picture[20:, 44:52] *= shadow
    picture[20:, 24:44] = SKIN
    noise = np.random.default_rng(0).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shadow", [1.0, 0.6])
def test_the_hand_is_cut_out_without_its_shadow(shadow: float) -> None:
    cutout = cut_out(before_wall(shadow))
    assert cutout is not None
    x0, y0, x1, y1 = cutout.box
    assert cutout.pixels.shape == (SIDE, SIDE, 4)
    assert (y1 - y0) / (x1 - x0) == pytest.approx(44 / 20, rel=0.12)
    mask = cutout.pixels[..., 3] > 127
    assert mask.mean() == pytest.approx((x1 - x0) * (y1 - y0) / SIDE**2, rel=0.1)
    np.testing.assert_allclose(cutout.pixels[mask][:, :3].mean(axis=0), SKIN, atol=12)


def test_a_bare_wall_gives_no_hand() -> None:
    wall = np.random.default_rng(0).normal(WALL, 3, (64, 64, 3))
    assert cut_out(np.clip(wall, 0, 255).astype(np.uint8)) is None


def test_labels_and_groups_follow_the_hands_that_were_found() -> None:
    wall = np.full((64, 64, 3), WALL, np.uint8)
    images = np.stack([before_wall(), wall, before_wall()])
    examples = Examples(images, np.array([1, 2, -1]), np.array(["a", "b", "c"]), np.array(["x", "y", "z"]))
    cutouts = cut_from(examples)
    assert (cutouts.labels.tolist(), cutouts.groups.tolist()) == ([1, -1], ["a", "c"])
