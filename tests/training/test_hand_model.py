"""The rigged hand: read from its file, bent at its joints."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.training.hand import joint_places, write_hand
from training.errors import DataError
from training.hand_model import HandModel, load_hand, turned


@pytest.fixture
def hand(tmp_path: Path) -> HandModel:
    return load_hand(write_hand(tmp_path / "hand.glb"))


def test_at_rest_it_is_as_in_the_file(hand: HandModel) -> None:
    np.testing.assert_allclose(hand.posed({}), hand.vertices, atol=1e-6)
    assert len(hand.triangles) == 4 * len(hand.joints)
    np.testing.assert_allclose(hand.weights.sum(axis=1), 1)


def test_a_bent_joint_moves_all_beyond_it_and_nothing_else(hand: HandModel) -> None:
    moved = np.abs(hand.posed({"index-finger-phalanx-proximal": (0.5, 0, 0)}) - hand.vertices).max(axis=1)
    by_joint = dict(zip(hand.joints, moved.reshape(-1, 4).max(axis=1).tolist(), strict=True))
    assert {name for name, distance in by_joint.items() if distance > 1e-6} == {
        f"index-finger-{bone}"
        for bone in ("phalanx-proximal", "phalanx-intermediate", "phalanx-distal", "tip")
    }


def test_a_turned_wrist_turns_everything(hand: HandModel) -> None:
    quarter = hand.posed({"wrist": (0, 0, math.pi / 2)})
    expected = hand.vertices @ turned((0, 0, math.pi / 2))[:3, :3].T
    np.testing.assert_allclose(quarter, expected, atol=1e-6)


def test_turns_are_about_x_then_y_then_z() -> None:
    point = turned((math.pi / 2, math.pi / 2, 0)) @ [0, 1, 0, 1]
    np.testing.assert_allclose(point, [1, 0, 0, 1], atol=1e-12)  # y to z by x, z to x by y


def test_a_refined_hand_has_the_same_shape(hand: HandModel) -> None:
    fine = hand.refined()
    assert len(fine.triangles) == 4 * len(hand.triangles)
    np.testing.assert_allclose(fine.weights.sum(axis=1), 1)

    def area(model: HandModel) -> float:
        first, second, third = (model.vertices[model.triangles[:, corner]] for corner in range(3))
        return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum())

    assert area(fine) == pytest.approx(area(hand))


def test_joints_stand_where_they_were_put(hand: HandModel) -> None:
    for name, place in joint_places().items():
        np.testing.assert_allclose(hand.rest[hand.joints.index(name)][:3, 3], place, atol=1e-6)


@pytest.mark.parametrize("data", [b"", b"no glTF file", b"glTF" + b"\0" * 60])
def test_another_file_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "hand.glb").write_bytes(data)
    with pytest.raises(DataError, match="expected a binary glTF file with one rigged hand"):
        load_hand(tmp_path / "hand.glb")


def test_a_missing_file_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file; expected generic-hand"):
        load_hand(tmp_path / "hand.glb")
