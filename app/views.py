"""Which parts of a picture the network looks at, and how it sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.engines.base import Float32Array, Locator
from app.imaging import SOURCE_PIXELS, fit
from app.manifest import InputSpec, Manifest, Views, Window
from app.tensors import joined

LEAST_WINDOW = 0.1
"""No window is smaller than this share of the picture's shorter side: a locator may err."""


LONGEST_SIDE = 512
"""Pixels. A larger picture is shrunk to this first, as the page does before it sends one: both read alike."""

AS_IS = Views()

LEAST_PROBABILITY = np.float32(1e-30)
"""Stands for 0, which has no logarithm."""

USUAL_HAND = 0.35
"""The share of a picture's shorter side that hands usually fill."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the network is shown of a picture, float32 [views, height, width, 3] in 0..1, and whence."""

    views: Float32Array
    windows: tuple[Window, ...]


def look(picture: Image.Image, manifest: Manifest, locator: Locator | None) -> Look:
    """What the network is shown of an upright RGB picture by a model version."""
    return views_of(picture, manifest.views, manifest.input, locator)


def views_of(picture: Image.Image, views: Views, spec: InputSpec, locator: Locator | None) -> Look:
    """The same by a way of looking alone."""
    picture = of_standard_size(picture)
    if max(picture.size) <= views.as_is_to:
        views = AS_IS
    windows = windows_of(picture, views, locator)
    shown = joined([fit(picture, window, spec)[np.newaxis] for window in windows])
    return Look(_both_ways(shown, views), windows)


def _both_ways(shown: Float32Array, views: Views) -> Float32Array:
    """The windows with those that are to be mirrored: behind the others, or in place of every second one."""
    if views.mirror or (views.alternate and len(shown) == 1):
        return np.concatenate([shown, shown[:, :, ::-1]])
    if views.alternate:
        shown[1::2] = shown[1::2, :, ::-1].copy()
    return shown


def of_standard_size(picture: Image.Image) -> Image.Image:
    """The picture, or a copy whose longer side is `LONGEST_SIDE`."""
    scale = LONGEST_SIDE / max(picture.size)
    if scale >= 1:
        return picture
    width, height = (max(1, int(side * scale + 0.5)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def combined(rows: Float32Array, views: Views) -> Float32Array:
    """One answer from those to all views: float32 [views, classes] -> [classes], its sum being 1."""
    if len(rows) == 1:
        answer: Float32Array = rows[0]
    elif views.combine == "mean":
        answer = rows.mean(axis=0)
    else:
        logits = np.log(np.maximum(rows, LEAST_PROBABILITY)).mean(axis=0)
        likelihoods = np.exp(logits - logits.max())
        answer = likelihoods / likelihoods.sum()
    return answer


def least_side(manifest: Manifest) -> int:
    """The fewest pixels per side from which `look` still averages `SOURCE_PIXELS` squared ones.

    Where a hand will be is not known before the picture is decoded: hands that fill less than
    `USUAL_HAND` of the picture may be seen a little less smoothly.
    """
    windows, spec = manifest.views.windows, manifest.input
    share = min(min(window.x1 - window.x0, window.y1 - window.y0) for window in windows)
    if manifest.views.locating is not None:
        share = min(share, USUAL_HAND)
    return int(np.ceil(SOURCE_PIXELS * max(spec.width, spec.height) / share))


def windows_of(picture: Image.Image, views: Views, locator: Locator | None) -> tuple[Window, ...]:
    """The windows about the hand or, where none is found or sought, those that always hold."""
    if views.locating is None or locator is None:
        return views.windows
    side = views.locating.side
    score, *box = locator.find(fit(picture, spec=InputSpec(height=side, width=side))).tolist()
    if score < views.locating.least_score:
        return views.windows
    return tuple(square_about(box, picture.size, closeness) for closeness in views.locating.closeness)


def square_about(box: list[float], size: tuple[int, int], closeness: float) -> Window:
    """The window, square in pixels, about a box x0, y0, x1, y1 in fractions of a picture of `size`.

    Its side is `closeness` times the box's longer side; it is moved, and where it must be shrunk, to lie
    within the picture.
    """
    width, height = size
    x0, y0, x1, y1 = box
    shorter = min(width, height)
    longest = max((x1 - x0) * width, (y1 - y0) * height)
    side = min(max(closeness * longest, LEAST_WINDOW * shorter), shorter)
    left = min(max((x0 + x1) / 2 * width - side / 2, 0), width - side)
    top = min(max((y0 + y1) / 2 * height - side / 2, 0), height - side)
    return Window(
        x0=left / width,
        y0=top / height,
        x1=min(1.0, (left + side) / width),
        y1=min(1.0, (top + side) / height),
    )
