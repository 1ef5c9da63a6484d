"""A small network that finds the hand in a whole photo, so that the classifier may look at it closely."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

SIDE = 96
"""Pixels of the whole photo, stretched to a square."""
CELLS = 12
"""The photo is told in cells of 8 x 8 pixels."""
FEATURES = 5
"""What is said of each cell: the logit of a hand's centre in it, where exactly (2), log width and height."""

WIDTHS = (16, 32, 64)
DILATIONS = (1, 2, 4)
"""Together they see the whole photo from every cell."""
DEEP = 72


def Locator() -> keras.Model:
    """float32 [n, 96, 96, 3] in 0..1 -> float32 [n, 12, 12, 5], one guess of the hand's place a cell.

    The form of the answer follows Zhou et al. 2019, "Objects as Points", section 3.
    """
    photo = keras.Input((SIDE, SIDE, 3), name="photos")
    x = photo
    for number, width in enumerate(WIDTHS):
        x = _layer(x, width, f"down{number}", strides=2)
    x = _layer(x, DEEP, "wide")
    for number, dilation in enumerate(DILATIONS):
        x = layers.Add(name=f"add{number}")([x, _layer(x, DEEP, f"look{number}", dilation_rate=dilation)])
    x = layers.Conv2D(FEATURES, 1, name="place", dtype="float32")(x)
    return keras.Model(photo, x, name="locator")


def _layer(x: keras.KerasTensor, width: int, name: str, **options: Any) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=name, **options)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def targets(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network should say: boxes float32 [n, 4] in fractions, NaN for no hand -> [n, 12, 12, 6].

    The sixth feature weighs the place: 1 in cells near the hand's centre, 0 elsewhere.
    """
    there = np.isfinite(boxes.sum(axis=1))[:, None, None]
    x0, y0, x1, y1 = np.nan_to_num(boxes, nan=0.5).T[:, :, None, None]
    row, column = np.mgrid[0:CELLS, 0:CELLS].astype(np.float32)
    dx, dy = (x0 + x1) / 2 * CELLS - column - 0.5, (y0 + y1) / 2 * CELLS - row - 0.5
    distance = dx**2 + dy**2
    heat = np.exp(-distance / (2 * 0.7**2)) * there
    near = (distance < 1.5**2) & there
    width, height = (np.log(np.maximum(side, 0.02)) + 0 * dx for side in (x1 - x0, y1 - y0))
    return np.stack([heat, dx, dy, width, height, near], axis=-1).astype(np.float32)


def locator_loss(true: Any, said: Any) -> Any:
    """Cross entropy for the centre, spread over its neighbours, and the absolute error of the place."""
    heat, place, near = true[..., 0], true[..., 1:5], true[..., 5]
    chance = ops.sigmoid(said[..., 0])
    # The focal factor keeps the many empty cells from drowning the one that counts.
    entropy = ops.binary_crossentropy(heat, ops.clip(chance, 1e-6, 1 - 1e-6)) * ops.square(heat - chance)
    error = ops.sum(ops.abs(place - said[..., 1:5]), axis=-1) * near
    entropy_sum, error_sum = ops.sum(entropy, axis=(1, 2)), ops.sum(error, axis=(1, 2))
    return 4 * entropy_sum + 0.2 * error_sum / ops.maximum(ops.sum(near, axis=(1, 2)), 1)


def decoded(said: Any) -> Any:
    """The likeliest place: float32 [n, 12, 12, 5] -> [n, 5], its score in 0..1 and its box in fractions."""
    flat = ops.reshape(said, (-1, CELLS * CELLS, FEATURES))
    heat = flat[..., 0]
    best = ops.max(heat, axis=1, keepdims=True)
    # The cell is picked by comparing: OpenVINO does not know the bit casts in Keras' argmax.
    picked = ops.cast(heat >= best, "float32")
    weights = (picked / ops.sum(picked, axis=1, keepdims=True))[..., None]
    line, column = np.mgrid[0:CELLS, 0:CELLS].reshape(2, -1).astype(np.float32)
    middles = (np.stack([column, line], axis=1) + 0.5)[np.newaxis]
    centre = ops.sum((middles + flat[..., 1:3]) * weights, axis=1) / CELLS
    half = ops.exp(ops.sum(flat[..., 3:5] * weights, axis=1)) / 2
    box = ops.clip(ops.concatenate([centre - half, centre + half], axis=1), 0.0, 1.0)
    return ops.concatenate([ops.sigmoid(best), box], axis=1)
