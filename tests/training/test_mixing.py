"""Pictures mixed from hands and backgrounds: seeded, labelled and boxed rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from training.augment import augment
from training.backgrounds import Backgrounds, load_backgrounds, made_up
from training.compose import laid_over, mirrored, placed
from training.config import Augmentation, Mixture
from training.cutouts import NO_SIGN, Cutouts
from training.dataset import Examples
from training.errors import DataError
from training.frames import BATCH, NO_HAND, Boxed, FrameBatches, Rooms, composed, cropped
from training.locator import CELLS
from training.patches import SIZE, Close, PatchBatches, Patches

GREY = Backgrounds([np.full((60, 80, 3), 128, np.uint8)])


def red_hands(labels: list[int]) -> Cutouts:
    """Red squares of 40 in 100 pixels, whose box is left of the middle."""
    pixels = np.zeros((len(labels), 100, 100, 4), np.uint8)
    pixels[:, 30:70, 20:60] = (255, 0, 0, 255)
    boxes = np.tile(np.array([20, 30, 60, 70], np.float32), (len(labels), 1))
    return Cutouts(pixels, boxes, np.array(labels, np.int64), np.array([f"p:{n}" for n in labels]))


def black_examples() -> Examples:
    return Examples(
        np.zeros((2, 64, 64, 3), np.uint8), np.array([4, 5]), np.array(["a", "b"]), np.array(["a", "b"])
    )


def patches(**shares: float) -> Patches:
    nothing = dict.fromkeys(("plain", "cut", "rendered", "photos", "empty", "partial"), 0.0)
    photo = np.zeros((50, 90, 3), np.uint8)
    photo[10:30, 40:80] = (0, 255, 0)
    looks = [{3: [Close(photo, np.array([40, 10, 80, 30], np.float32))]}]
    mixture = Mixture(**(nothing | shares))
    return Patches(black_examples(), red_hands([1]), red_hands([2]), GREY, Augmentation(), mixture, looks)


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("plain", {4, 5}),
        ("cut", {1}),
        ("rendered", {2}),
        ("photos", {3}),
        ("empty", {NO_SIGN}),
        ("partial", {NO_SIGN}),
    ],
)
def test_each_kind_of_patch_has_its_own_labels(kind: str, labels: set[int]) -> None:
    rng = np.random.default_rng(0)
    drawn = [patches(**{kind: 1.0}).sample(rng) for _ in range(20)]
    assert {label for _, label in drawn} == labels
    assert {picture.shape for picture, _ in drawn} == {(SIZE, SIZE, 3)}


def test_photos_show_no_sign_as_often_as_asked_for() -> None:
    mixed = patches(photos=1.0, no_sign=3.0)
    (signs,) = mixed.photos
    mixed = replace(mixed, photos=[{**signs, NO_SIGN: signs[3]}])
    rng = np.random.default_rng(0)
    drawn = [mixed.sample(rng)[1] for _ in range(400)]
    assert drawn.count(NO_SIGN) / 400 == pytest.approx(3 / 4, abs=0.06)


def test_a_photo_is_looked_at_closely() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        picture, _ = patches(photos=1.0).sample(rng)
        green = (picture[..., 1] > 127).mean()
        # The box is 40 x 20 and the window 1 to 1.7 times 40 square.
        assert 0.4 * 800 / (1.7 * 40) ** 2 < green < 1.1 * 800 / 40**2


def test_batches_hang_on_seed_epoch_and_place_alone() -> None:
    mixed = patches(plain=0.5, cut=0.5)
    one, other = (PatchBatches(mixed, 32, 3, 4, seed=1, epoch=2) for _ in range(2))
    for index in range(len(one)):
        for left, right in zip(one[index], other[index], strict=True):
            np.testing.assert_array_equal(left, right)
    assert one[0][0].shape == (4, 32, 32, 3)
    assert not np.array_equal(one[0][0], one[1][0])
    one.on_epoch_end()
    assert not np.array_equal(one[0][0], other[0][0])


def test_a_frame_boxes_its_hand() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        frame, box = composed(red_hands([1]), GREY, rng)
        rows, columns = np.nonzero((frame[..., 0] > 190) & (frame[..., 1] < 80))
        if not len(rows):  # too small a hand to keep its colour
            continue
        x0, y0, x1, y1 = box * 96
        assert x0 - 2 <= columns.min()
        assert columns.max() <= x1 + 2
        assert y0 - 2 <= rows.min()
        assert rows.max() <= y1 + 2


@given(seed=st.integers(0, 2**32 - 1))
def test_a_cropped_photo_keeps_most_of_its_hand(seed: int) -> None:
    photo = Boxed(Image.new("RGB", (80, 60)), np.array([0.3, 0.4, 0.6, 0.9], np.float32))
    frame, box = cropped(photo, np.random.default_rng(seed))
    assert frame.shape == (96, 96, 3)
    assert (box >= 0).all()
    assert (box <= 1).all()
    assert box[0] < box[2]
    assert box[1] < box[3]


def test_frame_batches_mix_both_pools() -> None:
    made, real = np.zeros((5, 96, 96, 3), np.uint8), np.full((3, 96, 96, 3), 200, np.uint8)
    boxes = np.tile(np.array([0.1, 0.2, 0.3, 0.4], np.float32), (5, 1))
    batches = FrameBatches((made, boxes), (real, boxes[:3]), steps=2, seed=0)
    frames, targets = batches[1]
    assert (frames.shape, targets.shape) == ((BATCH, 96, 96, 3), (BATCH, CELLS, CELLS, 6))
    assert (frames.mean(axis=(1, 2, 3)) > 0).sum() == BATCH // 2
    alone, _ = FrameBatches((made, boxes), (real[:0], boxes[:0]), steps=2, seed=0)[0]
    assert not alone.any()


def test_empty_rooms_have_no_box() -> None:
    rooms = Rooms([red_hands([1])], GREY)
    boxes = [rooms.sample(np.random.default_rng(seed))[1] for seed in range(60)]
    empty = sum(not np.isfinite(box).any() for box in boxes)
    assert 1 <= empty <= 25
    assert np.isnan(NO_HAND).all()


def test_a_hand_covers_its_background_and_nothing_else() -> None:
    hand = np.zeros((20, 20, 4), np.uint8)
    hand[5:15, 5:15] = (10, 200, 10, 255)
    background = np.full((20, 20, 3), 90, np.uint8)
    for seed in range(10):
        mixed = laid_over(hand, background, np.random.default_rng(seed))
        assert (mixed[0, 0] == 90).all()
        assert mixed[10, 10, 1] > mixed[10, 10, 0]


def test_placing_puts_the_middle_of_the_box_where_it_is_wanted() -> None:
    hands = red_hands([1])
    canvas = placed(hands.pixels[0], hands.boxes[0], 0.5, 30, 40, 64)
    rows, columns = np.nonzero(canvas[..., 3] > 127)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((30, 40), abs=0.6)
    assert columns.max() - columns.min() + 1 == pytest.approx(20, abs=1)


def test_the_other_hand_has_the_other_box() -> None:
    hands = red_hands([1])
    found = {
        tuple(mirrored(hands.pixels[0], hands.boxes[0], np.random.default_rng(seed))[1].tolist())
        for seed in range(20)
    }
    assert found == {(20, 30, 60, 70), (40, 30, 80, 70)}


def test_backgrounds_are_squares_of_any_picture(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "a.png")
    (tmp_path / "b").mkdir()
    Image.new("L", (2000, 500)).save(tmp_path / "b" / "c.jpg")
    backgrounds = load_backgrounds(tmp_path)
    assert sorted(picture.shape for picture in backgrounds.pictures) == [(20, 30, 3), (225, 900, 3)]
    rng = np.random.default_rng(0)
    assert {backgrounds.sample(48, rng).shape for _ in range(20)} == {(48, 48, 3)}
    assert made_up(48, rng).shape == (48, 48, 3)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected pictures"):
        load_backgrounds(tmp_path)


def test_augmenting_keeps_the_shape_of_large_patches() -> None:
    picture = np.zeros((96, 96, 3), np.uint8)
    assert augment(picture, Augmentation(rotation=90), 96, np.random.default_rng(0)).shape == (96, 96, 3)
