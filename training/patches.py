"""Close looks at hands for the classifier, mixed from every source of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.augment import augment
from training.backgrounds import Backgrounds
from training.batches import AheadBatches
from training.compose import laid_over, mirrored, placed
from training.config import Augmentation, Mixture
from training.cutouts import NO_SIGN, Cutouts
from training.dataset import Examples, one_hot, scaled
from training.photos import Photo, read_photo

Picture = NDArray[np.uint8]

SIZE = 64
LONGEST = 256
MARGIN = 96
"""Patches are made this large, so that turned ones still have no empty corners; 64 in the middle count."""
ELSEWHERE = 0.4
"""How often a background is a part of a photo that shows no hand, where there are photos."""
TURNED = 0.3
"""How often a hand is turned by up to `FAR` degrees instead of the augmentation's own."""
FAR = 100.0


@dataclass(frozen=True, slots=True)
class Close:
    """A photo, uint8 [h, w, 3], with its hand's box in pixels."""

    picture: Picture
    box: NDArray[np.float32]

    def elsewhere(self, rng: np.random.Generator) -> Picture:
        """A square part that holds no more than an edge of the hand, uint8 [96, 96, 3].

        Beside, above or below the hand, whichever leaves most room, now and then turned about.
        """
        height, width = self.picture.shape[:2]
        x0, y0, x1, y1 = (float(corner) for corner in self.box)
        strips = [
            (0.0, 0.0, x0, height),
            (x1, 0.0, width, height),
            (0.0, 0.0, width, y0),
            (0.0, y1, width, height),
        ]
        left, top, right, bottom = max(
            strips, key=lambda strip: min(strip[2] - strip[0], strip[3] - strip[1])
        )
        largest = max(1.0, min(right - left, bottom - top))
        part = largest * float(rng.uniform(0.5, 1))
        x, y = rng.uniform(left, max(left, right - part)), rng.uniform(top, max(top, bottom - part))
        picture = _square(self.picture, x + part / 2, y + part / 2, part / 2)
        return np.rot90(picture, int(rng.choice([0, 0, 1, 2, 3])))[:, :: rng.choice([-1, 1])]


@dataclass(frozen=True, slots=True)
class Patches:
    """All that the classifier's patches are made of."""

    plain: Examples
    """SIGNS and digits/, as they are."""
    cut: Cutouts
    rendered: Cutouts
    backgrounds: Backgrounds
    ranges: Augmentation
    mixture: Mixture
    photos: Sequence[Mapping[int, Sequence[Close]]] = ()
    """By collection and label; all collections are drawn from alike, and all signs of one."""

    def sample(self, rng: np.random.Generator) -> tuple[Picture, int]:
        """A patch uint8 [64, 64, 3] and its label's index, or `NO_SIGN`."""
        makers = {
            self._plain: self.mixture.plain,
            self._cut: self.mixture.cut,
            self._rendered: self.mixture.rendered,
            self._photos: self.mixture.photos if self.photos else 0.0,
            self._empty: self.mixture.empty,
            self._partial: self.mixture.partial,
        }
        weights = np.array(list(makers.values()))
        make = list(makers)[int(rng.choice(len(weights), p=weights / weights.sum()))]
        picture, label = make(rng)
        ranges = self.ranges
        if rng.random() < TURNED:
            ranges = ranges.model_copy(update={"rotation": FAR})
        changed = augment(picture, ranges, len(picture), rng)
        edge = (len(picture) - SIZE) // 2
        return changed[edge : edge + SIZE, edge : edge + SIZE], label

    def _plain(self, rng: np.random.Generator) -> tuple[Picture, int]:
        index = rng.integers(len(self.plain))
        return self.plain.images[index], int(self.plain.labels[index])

    def _cut(self, rng: np.random.Generator) -> tuple[Picture, int]:
        return self._composed(self.cut, self.mixture.closeness, rng)

    def _rendered(self, rng: np.random.Generator) -> tuple[Picture, int]:
        return self._composed(self.rendered, self.mixture.closeness, rng)

    def _partial(self, rng: np.random.Generator) -> tuple[Picture, int]:
        hands = self.cut if rng.random() < 0.5 else self.rendered
        return self._composed(hands, (0.3, 0.5), rng)[0], NO_SIGN

    def _empty(self, rng: np.random.Generator) -> tuple[Picture, int]:
        return self._background(rng), NO_SIGN

    def _background(self, rng: np.random.Generator) -> Picture:
        if not self.photos or rng.random() >= ELSEWHERE:
            return self.backgrounds.sample(MARGIN, rng)
        return self._any_photo(rng)[0].elsewhere(rng)

    def _composed(
        self, hands: Cutouts, closeness: tuple[float, float], rng: np.random.Generator
    ) -> tuple[Picture, int]:
        index = rng.integers(len(hands))
        hand, box = mirrored(hands.pixels[index], hands.boxes[index], rng)
        window = rng.uniform(*closeness) * float(max(box[2] - box[0], box[3] - box[1]))
        off_centre = self.mixture.off_centre
        x, y = MARGIN / 2 + rng.uniform(-off_centre, off_centre, 2) * SIZE
        drawn = placed(hand, box, SIZE / window, x, y, MARGIN)
        return laid_over(drawn, self._background(rng), rng), int(hands.labels[index])

    def _photos(self, rng: np.random.Generator) -> tuple[Picture, int]:
        close, label = self._any_photo(rng)
        x0, y0, x1, y1 = close.box
        off_centre = self.mixture.off_centre
        window = rng.uniform(*self.mixture.closeness) * float(max(x1 - x0, y1 - y0))
        centre = np.array([x0 + x1, y0 + y1]) / 2 + rng.uniform(-off_centre, off_centre, 2) * window
        half = window / 2 * MARGIN / SIZE
        picture = _square(close.picture, float(centre[0]), float(centre[1]), half)
        return picture[:, :: rng.choice([-1, 1])], label

    def _any_photo(self, rng: np.random.Generator) -> tuple[Close, int]:
        by_label = self.photos[int(rng.integers(len(self.photos)))]
        labels = list(by_label)
        weights = np.array([self.mixture.no_sign if label == NO_SIGN else 1.0 for label in labels])
        label = labels[int(rng.choice(len(labels), p=weights / weights.sum()))]
        alike = by_label[label]
        return alike[int(rng.integers(len(alike)))], label


def close_looks(photos: Sequence[Photo]) -> list[dict[int, list[Close]]]:
    """Photos that have a box, by collection and by label's index."""
    collections: dict[str, dict[int, list[Close]]] = {}
    for photo in sorted(photos, key=lambda photo: photo.index):
        picture = read_photo(photo, LONGEST)
        assert photo.box is not None, photo.name
        corners = np.array(photo.box, np.float32) * np.array(picture.size * 2, np.float32)
        by_label = collections.setdefault(photo.source, {})
        by_label.setdefault(photo.index, []).append(Close(np.asarray(picture), corners))
    return list(collections.values())


def _square(picture: Picture, x: float, y: float, half: float) -> Picture:
    """The square about (x, y), uint8 [96, 96, 3]; what lies outside the photo repeats its border."""
    pad = int(np.ceil(half)) + 1
    padded = Image.fromarray(np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    width, height = padded.size
    x, y = min(max(x, -1.0), width - 2 * pad + 1.0) + pad, min(max(y, -1.0), height - 2 * pad + 1.0) + pad
    box = (max(0.0, x - half), max(0.0, y - half), min(width, x + half), min(height, y + half))
    return np.asarray(padded.resize((MARGIN, MARGIN), Image.Resampling.BILINEAR, box))


def _shrunk(pictures: Picture, size: int) -> Picture:
    """uint8 [n, 64, 64, 3] -> uint8 [n, size, size, 3]."""
    if size == SIZE:
        return pictures
    small = [Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in small])


class PatchBatches(AheadBatches):
    """An epoch of patches: float32 [b, size, size, 3] in 0..1 and targets float32 [b, 6].

    Everything random hangs on (seed, epoch, batch) alone.
    """

    def __init__(
        self, patches: Patches, size: int, steps: int, batch_size: int, seed: int, epoch: int
    ) -> None:
        super().__init__()
        self._patches, self._size, self._steps, self._batch_size = patches, size, steps, batch_size
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng((self._seed, self._epoch, index))
        pictures, labels = zip(*(self._patches.sample(rng) for _ in range(self._batch_size)), strict=True)
        return scaled(_shrunk(np.stack(pictures), self._size)), one_hot(np.array(labels, np.int64))

    def on_epoch_end(self) -> None:
        """Keras calls this between epochs: new patches."""
        self._epoch += 1
