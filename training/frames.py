"""Whole photos for the locator: real ones with known boxes, hands laid into rooms, and empty rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.augment import augment
from training.backgrounds import Backgrounds
from training.batches import AheadBatches
from training.compose import laid_over, mirrored, placed
from training.config import Augmentation
from training.cutouts import Cutouts
from training.dataset import scaled
from training.locator import SIDE, targets

Picture = NDArray[np.uint8]
Box = NDArray[np.float32]

NO_HAND = np.full(4, np.nan, np.float32)
LIGHT = Augmentation(
    brightness=0.35,
    contrast=0.35,
    saturation=0.4,
    hue=0.04,
    blur=1.2,
    noise=0.05,
    cutout=0.2,
    probability=0.3,
)
BATCH = 64
REAL, EMPTY = 0.5, 0.15
"""The share of real photos in a batch, where there are any, and of empty rooms among made-up frames."""
DRAWN = 144
"""Composed at this many pixels, then shrunk: small hands stay smooth."""


@dataclass(frozen=True, slots=True)
class Boxed:
    """A photo and its hand's box in fractions; `NO_HAND` where it has none."""

    picture: Image.Image
    box: Box


@dataclass(frozen=True, slots=True)
class Rooms:
    """All that frames are made of. `hands` may be several collections, drawn from alike."""

    hands: Sequence[Cutouts]
    backgrounds: Backgrounds

    def sample(self, rng: np.random.Generator) -> tuple[Picture, Box]:
        """A made-up frame uint8 [96, 96, 3] and its box in fractions."""
        if rng.random() < EMPTY:
            picture, box = self.backgrounds.sample(SIDE, rng), NO_HAND
        else:
            hands = self.hands[int(rng.integers(len(self.hands)))]
            picture, box = composed(hands, self.backgrounds, rng)
        return augment(picture, LIGHT, SIDE, rng), box


def frame_of_photo(photos: Sequence[Boxed], rng: np.random.Generator) -> tuple[Picture, Box]:
    """One frame of one of the photos, like `Rooms.sample`."""
    picture, box = cropped(photos[int(rng.integers(len(photos)))], rng)
    return augment(picture, LIGHT, SIDE, rng), box


def composed(hands: Cutouts, backgrounds: Backgrounds, rng: np.random.Generator) -> tuple[Picture, Box]:
    """A hand of any size anywhere in a room; most of it in view."""
    index = rng.integers(len(hands))
    hand, box = mirrored(hands.pixels[index], hands.boxes[index], rng)
    longest = float(max(box[2] - box[0], box[3] - box[1]))
    size = float(np.exp(rng.uniform(np.log(0.12), np.log(0.95)))) * DRAWN
    scale = size / longest
    half = (box[2:] - box[:2]) / 2 * scale
    x, y = (rng.uniform(min(0.8 * h, DRAWN / 2), max(DRAWN - 0.8 * h, DRAWN / 2)) for h in half)
    background = backgrounds.sample(DRAWN, rng)
    picture = laid_over(placed(hand, box, scale, x, y, DRAWN), background, rng)
    shrunk = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    corners = np.array([x - half[0], y - half[1], x + half[0], y + half[1]], np.float32) / DRAWN
    return np.asarray(shrunk), np.clip(corners, 0, 1)


def cropped(photo: Boxed, rng: np.random.Generator) -> tuple[Picture, Box]:
    """A part of a photo that holds most of its hand, mirrored half of the time."""
    width, height = photo.picture.size
    x0, y0, x1, y1 = photo.box if np.isfinite(photo.box).all() else (0.4, 0.4, 0.6, 0.6)
    # Each side is moved somewhere between the hand's edge and a fifth beyond the photo's.
    left, top = rng.uniform(-0.1, 1, 2) * (x0 * 0.9, y0 * 0.9)
    right, bottom = 1 - rng.uniform(-0.1, 1, 2) * ((1 - x1) * 0.9, (1 - y1) * 0.9)
    window = (max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom))
    corners = (window[0] * width, window[1] * height, window[2] * width, window[3] * height)
    picture = np.asarray(photo.picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, corners))
    spans = np.array([window[2] - window[0], window[3] - window[1]] * 2, np.float32)
    box = (photo.box - np.array([window[0], window[1]] * 2, np.float32)) / spans
    if rng.random() < 0.5:
        picture, box = picture[:, ::-1], np.array([1 - box[2], box[1], 1 - box[0], box[3]], np.float32)
    return picture, np.clip(box, 0, 1)


class FrameBatches(AheadBatches):
    """Batches from frames made beforehand: float32 [b, 96, 96, 3] in 0..1, and the locator's targets.

    `real` of each batch come from `photos`, the others from `composed`, each a pair of frames uint8
    [n, 96, 96, 3] and boxes float32 [n, 4]. They are mirrored and tinted anew each time, by (seed, batch).
    """

    def __init__(
        self, composed: tuple[Picture, Box], photos: tuple[Picture, Box], steps: int, seed: int
    ) -> None:
        super().__init__()
        self._composed, self._photos = composed, photos
        self._steps, self._seed = steps, seed

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng((self._seed, index))
        real = round(BATCH * REAL) if len(self._photos[0]) else 0
        parts = [_drawn(self._composed, BATCH - real, rng), _drawn(self._photos, real, rng)]
        frames, boxes = (np.concatenate([part[which] for part in parts]) for which in (0, 1))
        tint = rng.normal(1, 0.1, (BATCH, 1, 1, 3)) * rng.uniform(0.8, 1.2, (BATCH, 1, 1, 1))
        return np.clip(scaled(frames) * tint.astype(np.float32), 0, 1), targets(boxes)


def _drawn(pool: tuple[Picture, Box], count: int, rng: np.random.Generator) -> tuple[Picture, Box]:
    """So many frames of a pool, each mirrored half of the time."""
    frames, boxes = pool
    chosen = rng.integers(0, max(1, len(frames)), count)
    frames, boxes = frames[chosen], boxes[chosen]
    mirrored_ones = rng.random(count) < 0.5
    frames[mirrored_ones] = frames[mirrored_ones, :, ::-1]
    x0, y0, x1, y1 = boxes[mirrored_ones].T
    boxes[mirrored_ones] = np.stack([1 - x1, y0, 1 - x0, y1], axis=1)
    return frames, boxes
