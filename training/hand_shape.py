"""Hands of many people from one rigged hand: fingers longer or shorter, thicker or thinner, palms wider."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from training.hand_model import CHAINS, HandModel

THICKNESS = (0.9, 1.5)
"""Of fingers, times that of the file, whose hand is a slender one."""
LENGTHS, LENGTH = (0.8, 1.05), 0.05
"""Of all fingers, times that of the file, and the standard deviation of a finger's own, as a share of it."""
WIDTH = (0.95, 1.35)
"""Of the palm across the fingers."""


def varied(hand: HandModel, rng: np.random.Generator) -> HandModel:
    """The same hand with other proportions, at rest; joints, triangles and weights stay as they are."""
    thickness, width, lengths = (rng.uniform(*spread) for spread in (THICKNESS, WIDTH, LENGTHS))
    index = {name: number for number, name in enumerate(hand.joints)}
    rest, scales = hand.rest.copy(), np.tile(np.eye(4), (len(hand.joints), 1, 1))
    for _, root, *others in CHAINS:
        length = lengths * float(np.clip(rng.normal(1, LENGTH), 0.8, 1.2))
        rest[index[root], 2, 3] *= width
        for parent, joint in pairwise((root, *others)):
            local = np.linalg.inv(hand.rest[index[parent]]) @ hand.rest[index[joint]]
            # The first of the others is a knuckle, which the palm carries.
            local[:3, 3] *= 1.0 if parent == root else length
            rest[index[joint]] = rest[index[parent]] @ local
            # A joint's own z runs along its bone.
            scales[index[joint]] = np.diag([thickness, thickness, length, 1.0])
    inverse = np.asarray(np.linalg.inv(rest), np.float64)
    return replace(hand, vertices=hand.skinned(rest @ scales), rest=rest, inverse_rest=inverse)
