"""Other people's hands: other proportions, the same joints, and still at rest."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.training.hand import write_hand
from training.hand_model import FINGERS, HandModel, load_hand
from training.hand_pose import SIGNS, stretched_pose
from training.hand_shape import varied


def _span(hand: HandModel, name: str, other: str) -> float:
    places = {joint: rest[:3, 3] for joint, rest in zip(hand.joints, hand.rest, strict=True)}
    return float(np.linalg.norm(places[name] - places[other]))


def test_a_varied_hand_is_at_rest(tmp_path: Path) -> None:
    hand = load_hand(write_hand(tmp_path / "hand.glb"))
    other = varied(hand, np.random.default_rng(1))
    np.testing.assert_allclose(other.posed({}), other.vertices, atol=1e-9)
    assert np.abs(other.vertices - hand.vertices).max() > 1e-3


def test_all_bones_of_a_finger_grow_alike(tmp_path: Path) -> None:
    hand = load_hand(write_hand(tmp_path / "hand.glb"))
    other = varied(hand, np.random.default_rng(2))
    for finger in FINGERS:
        bones = [f"{finger}-phalanx-proximal", f"{finger}-phalanx-intermediate", f"{finger}-phalanx-distal"]
        grown = [_span(other, *pair) / _span(hand, *pair) for pair in pairwise(bones)]
        assert abs(grown[0] - grown[1]) < 1e-9
        assert 0.8 * 0.8 <= grown[0] <= 1.2 * 1.05
        assert grown[0] != 1.0


def test_hands_differ_from_each_other_and_come_again(tmp_path: Path) -> None:
    hand = load_hand(write_hand(tmp_path / "hand.glb"))
    one, again, other = (varied(hand, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (one.vertices == again.vertices).all()
    assert np.abs(one.vertices - other.vertices).max() > 1e-3


def test_stretched_fingers_are_spread_away_from_each_other() -> None:
    # A negative turn about y brings a finger of this hand towards the thumb, as its rest pose shows.
    rng = np.random.default_rng(5)
    poses = [stretched_pose(SIGNS["5"], rng) for _ in range(200)]
    turns = [np.mean([pose[f"{finger}-phalanx-proximal"][1] for pose in poses]) for finger in FINGERS]
    assert turns == sorted(turns)
    assert turns[0] < -0.1
    assert turns[-1] > 0.1


def test_two_fingers_open_from_closed_to_a_wide_v() -> None:
    rng = np.random.default_rng(6)
    poses = [stretched_pose(SIGNS["2"], rng) for _ in range(300)]
    joints = "middle-finger-phalanx-proximal", "index-finger-phalanx-proximal"
    angles = [np.degrees(pose[joints[0]][1] - pose[joints[1]][1]) for pose in poses]
    assert min(angles) < 5
    assert 35 < max(angles) < 55
