"""Rendered hands: every sign and other gestures, with a mask and a box that fit what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from tests.training.hand import write_hand
from training.cutouts import NO_SIGN, SIDE, Cutouts, load_cutouts, rendered, save_cutouts
from training.hand_model import FINGERS, HandModel, load_hand
from training.hand_pose import (
    NEAR_SIGNS,
    SIGNS,
    Pose,
    fist_pose,
    hooked_pose,
    other_pose,
    sign_pose,
    stretched_pose,
)
from training.render import FILLED, PALM, render


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> HandModel:
    return load_hand(write_hand(tmp_path_factory.mktemp("hand") / "hand.glb"))


def test_the_hand_lies_in_its_box(hand: HandModel) -> None:
    cutout = render(hand, {}, 96, PALM, np.random.default_rng(0))
    x0, y0, x1, y1 = cutout.box
    assert cutout.pixels.shape == (96, 96, 4)
    assert max(x1 - x0, y1 - y0) == pytest.approx(FILLED * 96)
    inside = cutout.pixels[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1, 3]
    assert inside.any()
    assert not cutout.pixels[: int(y0) - 2, :, 3].any() or y0 < 2


def test_the_same_seed_draws_the_same_hand(hand: HandModel) -> None:
    one, other = (list(rendered(hand, 9, seed=4)) for _ in range(2))
    for (first, label), (second, same) in zip(one, other, strict=True):
        assert label == same
        np.testing.assert_array_equal(first.pixels, second.pixels)


def test_signs_come_in_turn_and_then_none(hand: HandModel) -> None:
    assert [label for _, label in rendered(hand, 10, seed=0)] == [0, 1, 2, 3, 4, 5, -1, -1, -1, 0]
    assert NO_SIGN == -1


@pytest.mark.parametrize("label", SIGNS)
def test_a_sign_folds_the_fingers_that_it_does_not_stretch(label: str) -> None:
    pose = sign_pose(label, np.random.default_rng(1))
    for finger in FINGERS:
        bend = -pose[f"{finger}-phalanx-intermediate"][0]
        assert (bend < 0.8) == (finger in SIGNS[label]), finger


def test_other_poses_stretch_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[frozenset[str]] = []

    def watched(stretched: Iterable[str], rng: np.random.Generator) -> Pose:
        seen.append(frozenset(stretched))
        return stretched_pose(stretched, rng)

    monkeypatch.setattr("training.hand_pose.stretched_pose", watched)
    rng = np.random.default_rng(2)
    for _ in range(200):
        other_pose(rng)
    assert len(set(seen)) > 5
    assert not set(seen) & set(SIGNS.values())
    assert {frozenset(), *NEAR_SIGNS} <= set(seen)


@pytest.mark.parametrize("pose_of", [fist_pose, hooked_pose])
def test_a_closed_hand_points_with_no_finger(pose_of: Callable[[np.random.Generator], Pose]) -> None:
    pose = pose_of(np.random.default_rng(3))
    assert all(pose[f"{finger}-phalanx-intermediate"][0] < -0.9 for finger in FINGERS)


def test_a_hook_rises_from_a_fist() -> None:
    pose = hooked_pose(np.random.default_rng(4))
    raised = [finger for finger in FINGERS if pose[f"{finger}-phalanx-proximal"][0] > -0.9]
    assert raised == ["index-finger"]


def test_cutouts_survive_the_disk(hand: HandModel, tmp_path: Path) -> None:
    drawn = list(rendered(hand, 3, seed=0))
    cutouts = Cutouts(
        np.stack([cutout.pixels for cutout, _ in drawn]),
        np.array([cutout.box for cutout, _ in drawn], np.float32),
        np.array([label for _, label in drawn], np.int64),
        np.array(["a", "b", "c"]),
    )
    save_cutouts(tmp_path, cutouts)
    again = load_cutouts(tmp_path).take(np.array([True, False, True]))
    assert again.pixels.shape == (2, SIDE, SIDE, 4)
    assert again.groups.tolist() == ["a", "c"]
    np.testing.assert_array_equal(again.boxes, cutouts.boxes[[0, 2]])
