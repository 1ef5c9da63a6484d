"""What lies behind a hand: crops of photos and panoramas, and made-up surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.errors import DataError

Picture = NDArray[np.uint8]

LONGEST = 900
"""Pictures are kept no larger than this many pixels on their longer side."""

MADE_UP = 0.2
"""The share of backgrounds that are surfaces drawn by chance."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """Pictures without a hand, uint8 [h, w, 3] of any size."""

    pictures: Sequence[Picture]

    def sample(self, side: int, rng: np.random.Generator) -> Picture:
        """A square of `side` pixels: somewhere in a picture, at any scale, mirrored and tinted by chance."""
        if not self.pictures or rng.random() < MADE_UP:
            return made_up(side, rng)
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        height, width = picture.shape[:2]
        largest = min(height, width)
        part = float(np.exp(rng.uniform(np.log(min(48, largest)), np.log(largest))))
        x, y = rng.uniform(0, width - part), rng.uniform(0, height - part)
        crop = Image.fromarray(picture).resize(
            (side, side), Image.Resampling.BILINEAR, (x, y, x + part, y + part)
        )
        pixels = np.asarray(crop)[:, :: rng.choice([-1, 1])].astype(np.float32)
        tinted = (pixels * rng.normal(1, 0.12, 3) - 128) * rng.uniform(0.7, 1.2) + 128 * rng.uniform(0.6, 1.3)
        return np.clip(tinted, 0, 255).astype(np.uint8)


def made_up(side: int, rng: np.random.Generator) -> Picture:
    """Clouds of two colours, now and then with stripes: walls, cloth, floors."""
    field = np.zeros((side, side))
    for octave in range(1, 6):
        coarse = rng.normal(0, 1, (2**octave + 1,) * 2).astype(np.float32)
        smooth = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        field += np.asarray(smooth) * rng.uniform(0.2, 0.8) ** octave
    if rng.random() < 0.4:
        y, x = np.mgrid[0:side, 0:side] / side
        direction, pitch = rng.uniform(0, np.pi), rng.uniform(10, 120)
        field += rng.uniform(0, 1) * np.sin(pitch * (x * np.cos(direction) + y * np.sin(direction)))
    weight = 1 / (1 + np.exp(-rng.uniform(0.2, 3) * field))[..., None]
    one, other = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
    if rng.random() < 0.5:  # most rooms are grey or brown
        one, other = (colour.mean() + 0.3 * (colour - colour.mean()) for colour in (one, other))
    return np.clip(one * weight + other * (1 - weight), 0, 255).astype(np.uint8)


def load_backgrounds(folder: Path) -> Backgrounds:
    """Every picture below a folder; raises `DataError` where there is none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"{folder}: expected pictures ({', '.join(SUFFIXES)}), found none")
    return Backgrounds([_read(path) for path in paths])


def _read(path: Path) -> Picture:
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
    rgb.thumbnail((LONGEST, LONGEST))
    return np.asarray(rgb)
