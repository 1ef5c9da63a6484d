"""Reads pictures as the service would: the hand is found, looked at, and the answers are combined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from app.manifest import InputSpec, Locating, Views, Window
from app.views import Look, combined, views_of
from training.batches import in_batches
from training.config import Recipe
from training.dataset import Examples
from training.locate import KerasLocator, load_locator
from training.locator import SIDE
from training.photos import Photo, read_photo
from training.run import load_network, run_recipe
from training.scores import Predictions

PORTION = 128
"""So many pictures are in memory at once."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A network with its way of looking."""

    model: keras.Model
    views: Views
    locator: KerasLocator | None = None

    def read(self, pictures: Sequence[Image.Image]) -> tuple[NDArray[np.float32], list[tuple[Window, ...]]]:
        """Probabilities float32 [n, 6] of upright RGB pictures, and the windows looked at in each."""
        looks = self.look(pictures)
        shown = np.concatenate([look.views for look in looks])
        rows = in_batches(self.model, shown)
        ends = np.cumsum([len(look.views) for look in looks])[:-1]
        answers = np.stack([combined(part, self.views) for part in np.split(rows, ends)])
        return answers, [look.windows for look in looks]

    def look(self, pictures: Iterable[Image.Image]) -> list[Look]:
        """What the network is shown of upright RGB pictures."""
        return [views_of(picture, self.views, InputSpec(), self.locator) for picture in pictures]

    def read_examples(self, examples: Examples) -> Predictions:
        """The answers to pictures of 64 x 64."""
        parts = range(0, len(examples), PORTION)
        rows = [
            self.read([Image.fromarray(image) for image in examples.images[start : start + PORTION]])[0]
            for start in parts
        ]
        probabilities = np.concatenate(rows) if rows else np.zeros((0, 6), np.float32)
        return Predictions(examples.names, examples.labels, probabilities)

    def read_photos(self, photos: Sequence[Photo]) -> PhotoAnswers:
        """The answers to photos on disk; raises `DataError` where one cannot be read."""
        rows, windows = [], []
        for start in tqdm(range(0, len(photos), PORTION), unit="portion", disable=len(photos) <= PORTION):
            some, where = self.read([read_photo(photo) for photo in photos[start : start + PORTION]])
            rows.append(some)
            windows += where
        return PhotoAnswers(list(photos), np.concatenate(rows), windows)


@dataclass(frozen=True, slots=True)
class PhotoAnswers:
    """Photos, the probabilities float32 [n, 6] of each, and the windows looked at."""

    photos: list[Photo]
    probabilities: NDArray[np.float32]
    windows: list[tuple[Window, ...]]

    def take(self, chosen: NDArray[np.bool_]) -> PhotoAnswers:
        """The answers at a mask."""
        kept = np.flatnonzero(chosen).tolist()
        return PhotoAnswers(
            [self.photos[index] for index in kept],
            self.probabilities[kept],
            [self.windows[index] for index in kept],
        )

    @property
    def predictions(self) -> Predictions:
        """The same without the photos; the label -1 stands for no sign."""
        return Predictions(
            np.array([photo.name for photo in self.photos]),
            np.array([photo.index for photo in self.photos], np.int64),
            self.probabilities,
        )

    @property
    def signs(self) -> PhotoAnswers:
        """Those that show one of the six signs."""
        return self.take(self.predictions.labels >= 0)

    @property
    def no_signs(self) -> PhotoAnswers:
        """Those that show none."""
        return self.take(self.predictions.labels < 0)


def run_reader(run: Path) -> Reader:
    """A run's network and how it looks."""
    recipe = run_recipe(run)
    return Reader(load_network(run), recipe_views(recipe), run_locator(run, recipe))


def recipe_views(recipe: Recipe) -> Views:
    """How a recipe's runs look at pictures: at the whole of them, unless it says otherwise."""
    looks = recipe.looks
    if looks is None:
        return Views()
    locating = Locating(side=SIDE, least_score=looks.least_score, closeness=looks.closeness)
    return Views(
        locating=locating,
        mirror=looks.mirror,
        alternate=looks.alternate,
        combine="geometric",
        as_is_to=looks.as_is_to,
    )


def run_locator(run: Path, recipe: Recipe) -> KerasLocator | None:
    """A run's locator, where its recipe looks for hands."""
    return None if recipe.looks is None else KerasLocator(load_locator(run))
