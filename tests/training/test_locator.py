"""The locator: what it should say, what is read from what it says, and that it can learn to say it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.locator import CELLS, FEATURES, SIDE, Locator, decoded, locator_loss, targets

fractions = st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.floats(0.03, 1), st.floats(0.03, 1))


def said_of(boxes: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
    """The answer that agrees with the targets."""
    wanted = targets(boxes)
    heat = np.clip(wanted[..., :1], 1e-4, 1 - 1e-4)
    return np.concatenate([np.log(heat / (1 - heat)), wanted[..., 1:5]], axis=-1)


@given(place=fractions)
def test_a_box_is_read_from_its_own_targets(place: tuple[float, float, float, float]) -> None:
    x, y, width, height = place
    box = np.clip([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 0, 1).astype(np.float32)
    score, *found = np.asarray(decoded(said_of(box[np.newaxis])))[0].tolist()
    assert found == pytest.approx(box.tolist(), abs=1e-4)
    assert score > 0.5


def test_no_hand_asks_for_no_score_and_no_place() -> None:
    wanted = targets(np.full((1, 4), np.nan, np.float32))
    assert np.isfinite(wanted).all()
    assert not wanted[..., 0].any()
    assert not wanted[..., 5].any()


def test_the_loss_is_least_for_the_right_answer() -> None:
    boxes = np.array([[0.2, 0.2, 0.6, 0.7]], np.float32)
    right = said_of(boxes)
    elsewhere = said_of(boxes + np.float32(0.2))
    loss, worse = (float(locator_loss(targets(boxes), said)[0]) for said in (right, elsewhere))
    assert loss < 0.1 < worse


def test_it_learns_one_picture() -> None:
    keras.utils.set_random_seed(0)
    model = Locator()
    assert model.output_shape == (None, CELLS, CELLS, FEATURES)
    picture = np.zeros((1, SIDE, SIDE, 3), np.float32)
    picture[:, 20:50, 40:80] = 1
    wanted = targets(np.array([[40 / SIDE, 20 / SIDE, 80 / SIDE, 50 / SIDE]], np.float32))
    model.compile(keras.optimizers.Adam(3e-3), loss=locator_loss, jit_compile=False)
    losses = [float(model.train_on_batch(picture, wanted)) for _ in range(25)]
    assert losses[-1] < 0.2 * losses[0]
