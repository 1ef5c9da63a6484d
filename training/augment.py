"""Seeded augmentation of training pictures: data maps, never part of the exported model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.config import Augmentation

Picture = NDArray[np.uint8]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601, section 2.5.1."""


def augment(picture: Picture, ranges: Augmentation, size: int, rng: np.random.Generator) -> Picture:
    """A changed copy of `picture`: uint8 [h, w, 3] -> uint8 [size, size, 3].

    The same `rng` state gives the same result.
    """
    image = _placed(picture, ranges, rng)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    if ranges.blur and rng.random() < ranges.probability:
        # Radii are drawn for the full 64 pixels, and shrink with the picture.
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, ranges.blur) * size / 64))
    pixels = _coloured(np.asarray(image, np.float32), ranges, rng)
    if ranges.noise and rng.random() < ranges.probability:
        deviation = np.float32(255 * rng.uniform(0, ranges.noise))
        pixels = pixels + deviation * rng.standard_normal(pixels.shape, np.float32)
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if ranges.cutout and rng.random() < ranges.probability:
        _cut_out(result, ranges.cutout, rng)
    return result


def _placed(picture: Picture, ranges: Augmentation, rng: np.random.Generator) -> Image.Image:
    """Mirrors, turns, zooms, shifts and tilts; what comes into view repeats the border."""
    height, width = picture.shape[:2]
    if ranges.flip and rng.random() < 0.5:
        picture = picture[:, ::-1]
    angle = math.radians(rng.uniform(-ranges.rotation, ranges.rotation))
    zoom = math.exp(rng.uniform(math.log(ranges.zoom[0]), math.log(ranges.zoom[1])))
    shift_x, shift_y = rng.uniform(-ranges.shift, ranges.shift, 2) * (width, height)
    tilt_x, tilt_y = rng.uniform(-ranges.perspective, ranges.perspective, 2) / (width, height)
    margin = max(height, width) * 3 // 4
    padded = Image.fromarray(np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge"))
    # Pillow wants the map from the result's pixels to the source's: from the hand's new place to the
    # centre, turned, zoomed and tilted there, and back.
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    about_centre = np.array([[cos, sin, 0], [-sin, cos, 0], [tilt_x, tilt_y, 1]])
    matrix = (
        _moved(width / 2 + margin, height / 2 + margin)
        @ about_centre
        @ _moved(-width / 2 - shift_x, -height / 2 - shift_y)
    )
    coefficients = (matrix / matrix[2, 2]).ravel()[:8].tolist()
    return padded.transform(
        (width, height), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
    )


def _moved(x: float, y: float) -> NDArray[np.float64]:
    """A shift as a homography, float64 [3, 3]."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def _coloured(
    pixels: NDArray[np.float32], ranges: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Light and colour, float32 [h, w, 3] in and out; values may leave 0..255."""
    brightness, contrast, saturation = (
        1 + rng.uniform(-spread, spread) for spread in (ranges.brightness, ranges.contrast, ranges.saturation)
    )
    matrix = _hue_rotation(2 * math.pi * rng.uniform(-ranges.hue, ranges.hue))
    # Saturation mixes each pixel with its own grey, so it too is a matrix.
    matrix = matrix @ (saturation * np.eye(3) + (1 - saturation) * np.tile(_LUMA, (3, 1))).astype(np.float32)
    mean = pixels.mean()
    coloured: NDArray[np.float32] = ((pixels - mean) * contrast + mean) @ matrix.T * brightness
    return coloured


def _hue_rotation(angle: float) -> NDArray[np.float32]:
    """A turn by `angle` radians about the grey axis of RGB (Rodrigues' formula), float32 [3, 3]."""
    cos, sin, third = math.cos(angle), math.sin(angle), 1 / 3
    skew = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) * math.sqrt(third)
    turned: NDArray[np.float32] = (cos * np.eye(3) + sin * skew + (1 - cos) * third).astype(np.float32)
    return turned


def _cut_out(pixels: Picture, largest: float, rng: np.random.Generator) -> None:
    """Paints one square over in a random colour, in place (DeVries & Taylor 2017)."""
    height, width = pixels.shape[:2]
    side = max(1, round(rng.uniform(0, largest) * height))
    y, x = rng.integers(0, height), rng.integers(0, width)
    top, left = max(0, y - side // 2), max(0, x - side // 2)
    pixels[top : top + side, left : left + side] = rng.integers(0, 256, 3, np.uint8)
