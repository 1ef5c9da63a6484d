"""Hands of many people from one rigged hand: fingers longer or shorter, thicker or thinner, palms wider."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from training.hand_model import CHAINS, Float64Array, HandModel

THICKNESS = (0.88, 1.35)
"""Of fingers, times that of the file, whose hand is a slender one."""
LENGTH = 0.06
"""Standard deviation of a finger's length, as a share of it."""
WIDTH = (0.92, 1.18)
"""Of the palm across the fingers."""


def varied(hand: HandModel, rng: np.random.Generator) -> HandModel:
    """The same hand with other proportions, at rest; joints, triangles and weights stay as they are."""
    thickness, width = rng.uniform(*THICKNESS), rng.uniform(*WIDTH)
    lengths = {chain[1]: float(np.clip(rng.normal(1, LENGTH), 0.8, 1.2)) for chain in CHAINS}
    index = {name: number for number, name in enumerate(hand.joints)}
    rest, scales = hand.rest.copy(), np.tile(np.eye(4), (len(hand.joints), 1, 1))
    across = np.diag([1.0, 1.0, width, 1.0])
    for _, root, *others in CHAINS:
        length = lengths[root]
        rest[index[root]] = _carried(hand, "wrist", root, rest, index)
        rest[index[root]][:3, 3] = (across @ hand.rest[index[root]])[:3, 3]
        for parent, joint in pairwise((root, *others)):
            rest[index[joint]] = _carried(hand, parent, joint, rest, index, 1.0 if parent == root else length)
            # A joint's own z runs along its bone.
            scales[index[joint]] = np.diag([thickness, thickness, length, 1.0])
    moved = rest @ scales @ hand.inverse_rest
    points = np.column_stack([hand.vertices, np.ones(len(hand.vertices))])
    vertices = np.einsum("vj,jab,vb->va", hand.weights, moved, points, optimize=True)[:, :3]
    return replace(
        hand, vertices=vertices, rest=rest, inverse_rest=np.asarray(np.linalg.inv(rest), np.float64)
    )


def _carried(
    hand: HandModel, parent: str, joint: str, rest: Float64Array, index: dict[str, int], length: float = 1.0
) -> Float64Array:
    """Where a joint comes to lie when its parent has moved and its bone is so many times as long."""
    local = np.linalg.inv(hand.rest[index[parent]]) @ hand.rest[index[joint]]
    local[:3, 3] *= length
    moved: Float64Array = rest[index[parent]] @ local
    return moved
