"""Lays hands before backgrounds, with seams that tell a network nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.uint8]


def laid_over(hand: Picture, background: Picture, rng: np.random.Generator) -> Picture:
    """A hand uint8 [h, w, 4] before a background uint8 [h, w, 3].

    Its edge is sometimes hard, sometimes soft, and its light often takes on the background's colour, so
    that neither the seam nor the light gives away that it was cut (Dwibedi et al. 2017, section 4.3).
    """
    mask = Image.fromarray(hand[..., 3])
    if rng.random() < 0.5:
        mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    alpha = np.asarray(mask, np.float32)[..., None] / 255
    colours = hand[..., :3].astype(np.float32)
    if rng.random() < 0.5:
        room = background.reshape(-1, 3).mean(axis=0) + 20
        colours = colours * (room / room.mean()) ** rng.uniform(0, 0.7) * rng.uniform(0.6, 1.2)
    mixed = colours * alpha + background * (1 - alpha)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def placed(hand: Picture, box: NDArray[np.float32], scale: float, x: float, y: float, side: int) -> Picture:
    """The cutout scaled, with its box's centre at (x, y), on a transparent square: uint8 [side, side, 4]."""
    height, width = (max(1, round(length * scale)) for length in hand.shape[:2])
    resized = Image.fromarray(hand).resize((width, height), Image.Resampling.BILINEAR)
    canvas = Image.new("RGBA", (side, side))
    centre = (box[:2] + box[2:]) / 2 * scale
    canvas.paste(resized, (round(x - float(centre[0])), round(y - float(centre[1]))))
    return np.asarray(canvas)


def mirrored(
    hand: Picture, box: NDArray[np.float32], rng: np.random.Generator
) -> tuple[Picture, NDArray[np.float32]]:
    """The cutout, or the other hand: its picture and box mirrored, each half of the time."""
    if rng.random() < 0.5:
        return hand, box
    x0, y0, x1, y1 = box
    width = hand.shape[1]
    return hand[:, ::-1], np.array([width - x1, y0, width - x0, y1], np.float32)
