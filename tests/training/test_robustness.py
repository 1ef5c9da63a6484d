"""What is done to photos to see how a run bears it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from training.backgrounds import Backgrounds
from training.cutouts import Cutouts
from training.robustness import SIDE, TRIALS, Trial, photos

BLACK_ROOM = Backgrounds([np.zeros((300, 300, 3), np.uint8)])


@pytest.fixture(scope="module")
def hands() -> Cutouts:
    """White boards in place of hands, so that their sides can be told to the pixel."""
    pixels = np.zeros((2, 160, 160, 4), np.uint8)
    pixels[:, 40:120, 60:100] = 255
    boxes = np.tile(np.array([60, 40, 100, 120], np.float32), (2, 1))
    return Cutouts(pixels, boxes, np.arange(2), np.array(["a", "b"]))


def trial(name: str) -> Trial:
    return next(each for each in TRIALS if each.name == name)


def seen(name: str, value: float, hands: Cutouts) -> list[Image.Image]:
    return list(photos(trial(name), value, hands, BLACK_ROOM))


def test_trials_are_the_ones_that_are_promised() -> None:
    assert [each.name for each in TRIALS] == [
        "size of the hand",
        "rotation",
        "brightness",
        "blur",
        "JPEG quality",
    ]
    assert (max(TRIALS[0].values), min(TRIALS[0].values)) == (1.0, 0.1)
    assert (TRIALS[1].values[0], TRIALS[1].values[-1]) == (0, 90)


def test_a_hand_fills_as_much_of_the_photo_as_is_said(
    hands: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.backgrounds.MADE_UP", 0.0)
    for share in (0.8, 0.3):
        for photo in seen("size of the hand", share, hands):
            rows, columns = np.nonzero(np.asarray(photo.convert("L")) > 60)
            longest = max(np.ptp(rows), np.ptp(columns)) + 1
            assert longest / SIDE == pytest.approx(share, rel=0.05)


def test_the_same_photo_comes_out_twice_and_changes_do_what_they_say(hands: Cutouts) -> None:
    plain = seen("brightness", 1.0, hands)
    assert [photo.tobytes() for photo in plain] == [
        photo.tobytes() for photo in seen("brightness", 1.0, hands)
    ]
    dark, blurred, squeezed, turned = (
        seen(name, value, hands)
        for name, value in (("brightness", 0.3), ("blur", 4.0), ("JPEG quality", 4), ("rotation", 90))
    )
    for index, photo in enumerate(plain):
        pixels = np.asarray(photo, np.float32)
        assert np.asarray(dark[index]).mean() == pytest.approx(0.3 * pixels.mean(), rel=0.1)
        assert (
            np.abs(np.diff(np.asarray(blurred[index], np.float32), axis=0)).max()
            < np.abs(np.diff(pixels, axis=0)).max()
        )
        assert np.abs(np.asarray(squeezed[index], np.float32) - pixels).mean() > 1
        assert turned[index].tobytes() != photo.tobytes()


def test_a_turned_hand_keeps_its_size(hands: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.backgrounds.MADE_UP", 0.0)
    upright, lying = seen("rotation", 0, hands), seen("rotation", 90, hands)
    for before, after in zip(upright, lying, strict=True):
        heights = [np.ptp(np.nonzero(np.asarray(each.convert("L")) > 60)[0]) for each in (before, after)]
        widths = [np.ptp(np.nonzero(np.asarray(each.convert("L")) > 60)[1]) for each in (before, after)]
        assert heights[0] == pytest.approx(widths[1], abs=8)
        assert widths[0] == pytest.approx(heights[1], abs=8)
