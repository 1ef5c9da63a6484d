"""Draws a posed hand: skin, light, camera and forearm by chance; a picture with an exact mask and box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.hand_model import Float64Array, HandModel, turned
from training.hand_pose import Pose

OVERSAMPLING = 3
"""Drawn so many times larger, then averaged: Pillow's polygons have hard edges."""

FILLED = 0.47
"""The hand's longer side as a share of the picture's: the rest shows its forearm and what is behind it."""

DISTANCE = (0.25, 0.9)
"""Metres from the camera: near ones distort as phones do at arm's length."""

PALM, BACK, THUMB = 0.0, np.pi, -np.pi / 2
"""What of the hand is turned to the camera, in radians about the fingers."""

SKIN = (
    np.array(
        [
            [246, 215, 196],
            [233, 193, 168],
            [224, 172, 142],
            [198, 145, 112],
            [161, 108, 78],
            [118, 77, 56],
            [78, 52, 41],
        ]
    )
    / 255
)
"""sRGB between which skin is mixed, from pale to dark."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A hand without its background.

    `pixels` uint8 [h, w, 4], the last channel being the mask; `box` is x0, y0, x1, y1 of the hand
    without its forearm, in pixels.
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]


def render(hand: HandModel, pose: Pose, side: int, facing: float, rng: np.random.Generator) -> Cutout:
    """The hand in a picture of `side` pixels square; `facing` is `PALM`, `BACK` or `THUMB`, or between them.

    The hand fills the share `FILLED` of the side; its forearm may leave the picture.
    """
    skin = _skin_of(hand, rng)
    points, colours = hand.posed(pose), skin
    arm_points, arm_triangles, arm_colours = _forearm(skin.mean(axis=0), rng)
    view = _camera(facing, rng)
    every = np.concatenate([points, arm_points]) @ view.T
    screen, depth = _projected(every, len(points), side, rng)
    triangles = np.concatenate([hand.triangles, arm_triangles + len(points)])
    shades = _shaded(every, triangles, np.concatenate([colours, arm_colours]), rng)
    pixels = _painted(screen, depth, triangles, shades, side)
    low, high = screen[: len(points)].min(axis=0), screen[: len(points)].max(axis=0)
    return Cutout(pixels, (low[0], low[1], high[0], high[1]))


def _skin_of(hand: HandModel, rng: np.random.Generator) -> Float64Array:
    """A colour for every vertex, float64 [v, 3] in 0..1: one tone, paler in the palm, mottled, with nails."""
    place = rng.uniform(0, len(SKIN) - 1)
    tone = SKIN[int(place)] + (SKIN[int(np.ceil(place))] - SKIN[int(place)]) * (place % 1)
    tone = tone * rng.normal(1, 0.03, 3)
    x, y, _ = hand.vertices.T
    palm = 1 / (1 + np.exp(-(x + 0.03) / 0.006))
    colours = tone + (1 - tone) * 0.25 * palm[:, None] * rng.uniform(0, 1)
    waves = rng.normal(0, 70, (6, 3))
    mottle = np.sin(hand.vertices @ waves.T + rng.uniform(0, 6.3, 6)).mean(axis=1)
    colours = colours * (1 + 0.1 * mottle[:, None] * np.array([0.6, 1.0, 1.0]))
    reddish = np.clip((-y - 0.06) / 0.06, 0, 1)[:, None] * np.array([0.04, -0.02, -0.01])
    return np.asarray(np.clip(colours + reddish, 0, 1), np.float64)


def _forearm(
    tone: Float64Array, rng: np.random.Generator
) -> tuple[Float64Array, NDArray[np.int64], Float64Array]:
    """A tube from the wrist on: bare, or in a sleeve from somewhere on; bent a little at the wrist."""
    rings, around = 14, 16
    along = np.linspace(0.055, 0.4, rings)
    sleeve = rng.uniform(0.07, 0.2) if rng.random() < 0.6 else 1.0
    width = np.interp(along, [0.055, 0.075, 0.4], [0.020, 0.027, 0.043])
    width = np.where(along > sleeve, width * rng.uniform(1.15, 1.6), width)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    x = width[:, None] * 0.75 * np.cos(angle) - 0.033
    z = width[:, None] * np.sin(angle) + 0.006
    points = np.stack([x, np.repeat(along[:, None], around, 1), z], -1).reshape(-1, 3)
    wrist = np.array([-0.033, 0.06, 0.006])
    bend = turned((rng.normal(0, 0.15), 0, rng.normal(0, 0.25)))[:3, :3]
    cloth = rng.uniform(0, 1) * rng.uniform(0.3, 1, 3)
    stripes = (np.sin(along * rng.uniform(150, 500)) > 0)[:, None] * rng.choice([0.0, 0.0, 0.5])
    colours = np.where((along > sleeve)[:, None], cloth * (1 - stripes), tone)
    start = (np.arange(rings - 1)[:, None] * around + np.arange(around)).ravel()
    right = (np.arange(rings - 1)[:, None] * around + (np.arange(around) + 1) % around).ravel()
    triangles = np.concatenate(
        [np.stack([start, start + around, right], 1), np.stack([right, start + around, right + around], 1)]
    )
    return (points - wrist) @ bend.T + wrist, triangles, np.repeat(colours, around, 0)


def _camera(facing: float, rng: np.random.Generator) -> Float64Array:
    """A turn that brings the hand before the camera, float64 [3, 3]: x right, y down, z away."""
    # At rest the palm looks along +x and the fingers along -y, which is up in a picture.
    palm_to_camera = turned((0, np.pi / 2, 0))
    yaw = facing + rng.normal(0, 0.4)
    pitch, roll = rng.normal(0, 0.3), rng.normal(0, 0.35)
    turn = turned((0, 0, roll)) @ turned((pitch, 0, 0)) @ turned((0, yaw, 0)) @ palm_to_camera
    return turn[:3, :3]


def _projected(
    points: Float64Array, of_hand: int, side: int, rng: np.random.Generator
) -> tuple[Float64Array, Float64Array]:
    """Pixels float64 [v, 2] and depth float64 [v]; the hand proper is centred and fills `FILLED`."""
    centre = (points[:of_hand].min(axis=0) + points[:of_hand].max(axis=0)) / 2
    away = points - centre + np.array([0, 0, rng.uniform(*DISTANCE)])
    depth = np.maximum(away[:, 2], 0.05)
    flat = away[:, :2] / depth[:, None]
    low, high = flat[:of_hand].min(axis=0), flat[:of_hand].max(axis=0)
    scale = side * FILLED / (high - low).max()
    return (flat - (low + high) / 2) * scale + side / 2, depth


def _shaded(
    points: Float64Array, triangles: NDArray[np.int64], colours: Float64Array, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A colour for every triangle, uint8 [t, 3]: one lamp with a soft edge, light from all around, gloss."""
    corners = points[triangles]
    normals = _normals(points, triangles)
    lamp = rng.normal(0, 1, 3) + np.array([0, -0.7, -1.0])
    lamp /= np.linalg.norm(lamp)
    ambient = rng.uniform(0.35, 0.85)
    lit = np.clip(normals @ lamp * 0.7 + 0.3, 0, 1)
    facing = np.clip(-normals[:, 2], 0, 1)
    light = (ambient + (1.15 - ambient) * lit) * (0.6 + 0.4 * facing)
    half = lamp + np.array([0, 0, -1.0])
    gloss = rng.uniform(0, 0.18) * np.clip(normals @ (half / np.linalg.norm(half)), 0, 1) ** 20
    shade = colours[triangles].mean(axis=1) * light[:, None] * rng.normal(1, 0.06, 3) + gloss[:, None]
    # What lies deeper between the fingers gets less light.
    depth = corners[:, :, 2].mean(axis=1)
    hidden = np.clip((depth - np.median(depth)) / 0.06, 0, 1) * rng.uniform(0, 0.3)
    return np.asarray(np.clip(shade * (1 - hidden[:, None]), 0, 1) * 255, np.uint8)


def _normals(points: Float64Array, triangles: NDArray[np.int64]) -> Float64Array:
    """Where each triangle faces, float64 [t, 3]: the mean over its corners, so that no facets show."""
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    facets = np.cross(second - first, third - first)
    at_points = np.zeros_like(points)
    for corner in range(3):
        np.add.at(at_points, triangles[:, corner], facets)
    normals = at_points[triangles].sum(axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    towards: Float64Array = normals * -np.sign(normals[:, 2:] + 1e-9)  # what is seen looks at the camera
    return towards


def _painted(
    screen: Float64Array,
    depth: Float64Array,
    triangles: NDArray[np.int64],
    shades: NDArray[np.uint8],
    side: int,
) -> NDArray[np.uint8]:
    """The triangles from the farthest to the nearest, uint8 [side, side, 4]."""
    corners = screen[triangles] * OVERSAMPLING
    order = np.argsort(-depth[triangles].mean(axis=1))
    large = Image.new("RGBA", (side * OVERSAMPLING,) * 2)
    draw = ImageDraw.Draw(large)
    outlines, fills = corners[order].reshape(-1, 6).tolist(), shades[order].tolist()
    for outline, (red, green, blue) in zip(outlines, fills, strict=True):
        draw.polygon(outline, fill=(red, green, blue, 255))
    return np.asarray(large.reduce(OVERSAMPLING))
