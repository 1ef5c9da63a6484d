"""Poses of a hand: the six signs, and gestures that are none of them, each a little different."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from training.hand_model import BONES, FINGERS, Angles

SIGNS: dict[str, frozenset[str]] = {
    "1": frozenset({"index-finger"}),
    "2": frozenset({"index-finger", "middle-finger"}),
    "3": frozenset({"thumb", "index-finger", "middle-finger"}),
    "4": frozenset(FINGERS),
    "5": frozenset({"thumb", *FINGERS}),
}
"""Which fingers a sign stretches; 0 is a ring of the thumb and all fingers."""

SPREAD = {"index-finger": -0.2, "middle-finger": -0.02, "ring-finger": 0.13, "pinky-finger": 0.26}
"""Radians by which a spread hand turns its fingers about y: those towards the thumb are negative."""

FLAT_RING, ROUND_RING = (0.92, 0.96, 0.48), (0.66, 1.19, 0.62)
"""How far the joints of a finger bend for a 0, by search: tips of thumb and index finger are 9 mm apart."""

NEAR_SIGNS = (
    frozenset({"thumb", "index-finger"}),
    frozenset({"thumb", "pinky-finger"}),
    frozenset({"pinky-finger"}),
    frozenset({"thumb"}),
)
"""ASL's L, Y and I, and a thumb: gestures with few fingers out, which are easily taken for a 0 or a 1."""

Pose = dict[str, Angles]


def sign_pose(label: str, rng: np.random.Generator) -> Pose:
    """A pose of one sign, `0` to `5`."""
    return ring_pose(rng) if label == "0" else stretched_pose(SIGNS[label], rng)


def other_pose(rng: np.random.Generator) -> Pose:
    """A pose of a hand that shows none of the six signs."""
    kind = rng.random()
    if kind < 0.15:
        return half_closed_pose(rng)
    if kind < 0.4:
        return fist_pose(rng)
    if kind < 0.6:
        return stretched_pose(NEAR_SIGNS[int(rng.integers(len(NEAR_SIGNS)))], rng)
    if kind < 0.67:
        return hooked_pose(rng)
    while True:
        stretched = frozenset(name for name in ("thumb", *FINGERS) if rng.random() < 0.45)
        if stretched not in SIGNS.values():
            return stretched_pose(stretched, rng)


def stretched_pose(stretched: Iterable[str], rng: np.random.Generator) -> Pose:
    """Some fingers stretched, the others folded into the palm."""
    stretched = set(stretched)
    pose: Pose = {"wrist": (0.0, 0.0, 0.0)}
    # Few fingers open wider: a V is wider than the same two fingers of an open hand. People who hold up a
    # hand spread it, up to 40 degrees between two fingers and 75 over all; closed fingers are the exception.
    spread = rng.uniform(0, 2.8 if len(stretched) > 3 else 4.0) if rng.random() < 0.85 else 0.0
    bend = abs(rng.normal(0, 0.1))
    closed = rng.uniform(0.8, 1.04)
    for finger in FINGERS:
        if finger in stretched:
            turn = (SPREAD[finger] + (0.08 if len(stretched) <= 3 else 0.0)) * spread
            bends = (-bend + rng.normal(0, 0.08), *(-abs(rng.normal(0.05, 0.1)) for _ in range(2)))
        else:
            turn = rng.normal(0, 0.04)
            bends = tuple(-rng.normal(angle, 0.14) * closed for angle in (1.4, 1.7, 1.05))
        pose |= _finger(finger, bends, turn, rng)
    return pose | (_thumb_out(rng) if "thumb" in stretched else _thumb_folded(rng.uniform(0, 0.7), rng))


def ring_pose(rng: np.random.Generator) -> Pose:
    """The tips of the fingers meet the tip of the thumb, in a flat ring, a round one or between them."""
    pose: Pose = {"wrist": (0.0, 0.0, 0.0)}
    tightness, roundness = rng.normal(1, 0.05), rng.uniform()
    angles = [flat + roundness * (round_ - flat) for flat, round_ in zip(FLAT_RING, ROUND_RING, strict=True)]
    for finger in FINGERS:
        bends = tuple(-angle * tightness + rng.normal(0, 0.07) for angle in angles)
        pose |= _finger(finger, bends, rng.normal(0, 0.03), rng)
    return pose | _thumb((-0.6, -0.29 + 0.22 * roundness, -0.1 + 0.13 * roundness), (-0.3, 0.0, 0.0), rng)


def half_closed_pose(rng: np.random.Generator) -> Pose:
    """A hand at rest or around a thing: every finger bent by half, the thumb apart from them."""
    pose: Pose = {"wrist": (0.0, 0.0, 0.0)}
    closed = rng.uniform(0.35, 0.75)
    for finger in FINGERS:
        bends = tuple(-closed * angle * rng.uniform(0.8, 1.2) for angle in (1.0, 1.2, 0.8))
        pose |= _finger(finger, bends, rng.normal(0, 0.05), rng)
    return pose | _thumb((-0.2, 0.2, 0.0), (0.1, 0.0, 0.0), rng)


def fist_pose(rng: np.random.Generator) -> Pose:
    """A closed hand, tight or with only its fingers' ends curled in; the thumb across them or beside."""
    pose = stretched_pose((), rng)
    if rng.random() < 0.3:
        knuckles = rng.uniform(0.5, 1.2)
        for finger in FINGERS:
            pose |= _finger(finger, (-knuckles + rng.normal(0, 0.07), -1.8, -1.1), rng.normal(0, 0.04), rng)
    return pose | _thumb_folded(1.0, rng) if rng.random() < 0.4 else pose


def hooked_pose(rng: np.random.Generator) -> Pose:
    """The index finger hooked, as in ASL's X; the others folded."""
    bends = (-rng.uniform(0.1, 0.7), -rng.uniform(1.1, 1.7), -rng.uniform(0.5, 1.0))
    return stretched_pose((), rng) | _finger("index-finger", bends, rng.normal(0, 0.04), rng)


def _finger(finger: str, bends: Iterable[float], turn: float, rng: np.random.Generator) -> Pose:
    """Bends at the proximal, intermediate and distal joints; the first also turns sideways."""
    first, *others = bends
    joints = [f"{finger}-{bone}" for bone in BONES[1:4]]
    angles = [
        (first, turn + rng.normal(0, 0.03), rng.normal(0, 0.03)),
        *((bend, 0.0, 0.0) for bend in others),
    ]
    return dict(zip(joints, angles, strict=True))


def _thumb_out(rng: np.random.Generator) -> Pose:
    root = (rng.uniform(-0.25, 0.3), rng.uniform(-0.2, 0.45), 0.0)
    return _thumb(root, (rng.uniform(-0.1, 0.15), 0.0, 0.0), rng)


def _thumb_folded(beside: float, rng: np.random.Generator) -> Pose:
    """From across the palm, 0, to beside the hand, 1: where the thumb does not count people let it lie."""
    root = (-0.75 + 0.4 * beside, -0.35 + 0.25 * beside, 0.0)
    return _thumb(root, (-0.7 + 0.45 * beside, -0.6 + 0.6 * beside, 0.0), rng)


def _thumb(root: Angles, beyond: Angles, rng: np.random.Generator) -> Pose:
    def near(angles: Angles) -> Angles:
        x, y, z = (angle + rng.normal(0, 0.07) for angle in angles)
        return (x, y, z)

    return {
        "thumb-metacarpal": near(root),
        "thumb-phalanx-proximal": near(beyond),
        "thumb-phalanx-distal": near(beyond),
    }
