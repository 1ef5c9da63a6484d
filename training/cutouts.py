"""Hands without their backgrounds: rendered, or cut from the pale walls of SIGNS and digits/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.dataset import LABELS, Examples
from training.hand_model import HandModel
from training.hand_pose import other_pose, sign_pose
from training.hand_shape import varied
from training.render import BACK, FILLED, PALM, THUMB, Cutout, render

SIDE = 160
NO_SIGN = -1
OTHERS = 3
"""So many other gestures are rendered after each six signs."""


@dataclass(frozen=True, slots=True)
class Cutouts:
    """Many hands of one side.

    `pixels` uint8 [n, side, side, 4]; `boxes` float32 [n, 4], x0, y0, x1, y1 in pixels; `labels` int64
    [n], an index into `LABELS` or `NO_SIGN`; `groups` str [n], as in `Examples`.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """The cutouts at a mask or at indices."""
        return replace(
            self,
            pixels=self.pixels[chosen],
            boxes=self.boxes[chosen],
            labels=self.labels[chosen],
            groups=self.groups[chosen],
        )


def rendered(hand: HandModel, count: int, seed: int) -> Iterator[tuple[Cutout, int]]:
    """`count` rendered hands and their labels: the six signs in turn, then `OTHERS` that are none of them."""
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        label = index % (len(LABELS) + OTHERS)
        other = varied(hand, rng)
        if label < len(LABELS):
            yield render(other, sign_pose(LABELS[label], rng), SIDE, _facing(label, rng), rng), label
        else:
            yield render(other, other_pose(rng), SIDE, _facing(label, rng), rng), NO_SIGN


def _facing(label: int, rng: np.random.Generator) -> float:
    """Most hands show palm or back; a ring is seen through from the side.

    So are some of the other gestures, or the side alone would tell a 0.
    """
    from_side = 0.85 if label == 0 else 0.3 if label >= len(LABELS) else 0.0
    if rng.random() < from_side:
        return THUMB + float(rng.uniform(-0.4, 0.4))
    return float(rng.choice([PALM, BACK]))


def cut_out(picture: NDArray[np.uint8]) -> Cutout | None:
    """The hand of a picture uint8 [h, w, 3] whose background is one pale wall; None where it is not found.

    Skin is told from the wall by its hue, as log ratios of the channels, which a shadow hardly changes.
    The wall's own hue is a plane fitted to the top and side borders.
    """
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    terms = np.stack([np.ones_like(x), x, y, x * y], -1)
    border = np.zeros((height, width), bool)
    edge = max(2, height // 16)
    border[:edge] = border[: height * 3 // 4, :edge] = border[: height * 3 // 4, -edge:] = True
    smooth = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(height / 128))
    red, green, blue = np.moveaxis(np.log(np.asarray(smooth, np.float64) + 12), -1, 0)
    hue = np.stack([red - green, green - blue], -1)
    redness = (hue - _plane(terms, hue, border)) @ np.array([1.0, 0.4])
    threshold = _otsu(redness)
    if threshold < 0.06:
        return None
    mask = np.clip((redness - threshold) / (0.5 * threshold) + 0.75, 0, 1)
    image = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    alpha = np.asarray(image)
    if not 0.08 < (alpha > 127).mean() < 0.6 or (alpha[border] > 127).mean() > 0.12:
        return None
    return _centred(np.dstack([picture, alpha]))


def _otsu(values: NDArray[np.float64]) -> float:
    """The threshold that parts values into the two most unlike groups (Otsu 1979)."""
    counts, edges = np.histogram(values, 64)
    centres = (edges[1:] + edges[:-1]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    total = (counts * centres).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(centres[np.nanargmax(between)])


def _plane(
    terms: NDArray[np.float64], colours: NDArray[np.float64], border: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The wall's colours float64 [h, w, 3], fitted twice so that fingers at the border do not count."""
    chosen = border
    for _ in range(2):
        fitted, *_ = np.linalg.lstsq(terms[chosen], colours[chosen], rcond=None)
        wall: NDArray[np.float64] = terms @ fitted
        off = np.abs(colours - wall).sum(-1)
        chosen = border & (off < 2.5 * np.median(off[border]) + 0.02)
    return wall


def _centred(pixels: NDArray[np.uint8]) -> Cutout:
    """The hand enlarged and laid into the middle of a transparent square of `SIDE`."""
    rows, columns = np.nonzero(pixels[..., 3] > 127)
    y0, y1 = np.percentile(rows, [0.5, 99.5])
    x0, x1 = np.percentile(columns, [0.5, 99.5])
    scale = SIDE * FILLED / max(x1 - x0, y1 - y0)
    height, width = (round(side * scale) for side in pixels.shape[:2])
    enlarged = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    canvas = Image.new("RGBA", (SIDE, SIDE))
    left, top = (round(SIDE / 2 - scale * (low + high) / 2) for low, high in ((x0, x1), (y0, y1)))
    canvas.paste(enlarged, (left, top))
    box = (x0 * scale + left, y0 * scale + top, x1 * scale + left, y1 * scale + top)
    return Cutout(np.asarray(canvas), box)


def cut_from(examples: Examples) -> Cutouts:
    """The hands of those examples whose background can be told from them."""
    cut = [(cut_out(image), index) for index, image in enumerate(examples.images)]
    found = [(cutout, index) for cutout, index in cut if cutout is not None]
    chosen = np.array([index for _, index in found], np.int64)
    return Cutouts(
        np.stack([cutout.pixels for cutout, _ in found]),
        np.array([cutout.box for cutout, _ in found], np.float32),
        examples.labels[chosen],
        examples.groups[chosen],
    )


def save_cutouts(folder: Path, cutouts: Cutouts) -> None:
    """Writes the arrays beside each other, so that they can be mapped instead of read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pixels", "boxes", "labels", "groups"):
        np.save(folder / f"{name}.npy", getattr(cutouts, name))


def load_cutouts(folder: Path) -> Cutouts:
    """What `save_cutouts` wrote; the pixels are mapped."""
    boxes, labels, groups = (np.load(folder / f"{name}.npy") for name in ("boxes", "labels", "groups"))
    return Cutouts(np.load(folder / "pixels.npy", mmap_mode="r"), boxes, labels, groups)
