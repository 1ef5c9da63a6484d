"""Trains the locator of a run, and asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from app.imaging import fit
from app.manifest import InputSpec
from training.batches import in_batches
from training.config import read_recipe
from training.errors import RunError
from training.frames import Boxed, FrameBatches, Rooms, frame_of_photo
from training.locator import SIDE, Locator, decoded, locator_loss
from training.materials import Materials
from training.photos import Photo, list_photos, read_photo, without_left_out
from training.split import load_split

LOCATOR = "locator.weights.h5"
FRAMES = 16_000
NEW_IN_BATCH = 16
"""So many of a batch's frames are worth making anew; the others have been seen before, in another light."""
FRAMES_OF_PHOTOS = 12_000
LONGEST = 256
WARMUP = 100
PEAK = 3e-3

Frames = tuple[NDArray[np.uint8], NDArray[np.float32]]


def train_locator(
    recipe_file: Path, data: Path, materials: Materials, out: Path, *, starts: Path | None = None
) -> None:
    """Trains the locator that a recipe's `looks` asks for, into the run folder `out`.

    It sees the photos of data/photos/, where the recipe mixes them in, but for those that it leaves out,
    and goes on from the locator of the recipe's start, if that has one, in the folder `starts` (default:
    the one that holds `out`).
    Raises `RunError` for a recipe that looks at whole pictures.
    """
    recipe = read_recipe(recipe_file)
    if recipe.looks is None:
        raise RunError(f"{recipe_file}: expected [looks] in the recipe: without it no hand is sought")
    _, validation = load_split(data, recipe.data, recipe.seed)
    mixes_photos = recipe.mixture is not None and recipe.mixture.photos > 0
    photos = without_left_out(list_photos(data / "photos"), recipe.left_out) if mixes_photos else []
    out.mkdir(parents=True, exist_ok=True)
    start = (starts or out.parent) / recipe.start / LOCATOR
    fit_locator(
        materials.without(validation.groups),
        photos,
        recipe.looks.locator_steps,
        out,
        recipe.seed,
        start=start if recipe.start and start.exists() else None,
    )


def fit_locator(
    materials: Materials,
    photos: Sequence[Photo],
    steps: int,
    out: Path,
    seed: int,
    *,
    start: Path | None = None,
    say: Callable[[str], None] = print,
) -> keras.Model:
    """Trains the locator on made-up frames and on the photos whose box is known; writes its weights.

    With the weights file `start` it goes on from there, in smaller steps.
    """
    rooms = Rooms([materials.rendered, materials.cut], materials.backgrounds)
    boxed = [
        Boxed(read_photo(photo, LONGEST), np.array(photo.box, np.float32)) for photo in photos if photo.box
    ]
    made_up = _pool(rooms.sample, min(FRAMES, steps * NEW_IN_BATCH), seed)
    real = _pool(lambda rng: frame_of_photo(boxed, rng), FRAMES_OF_PHOTOS if boxed else 0, seed + 1)
    model = Locator()
    if start is not None:
        model.load_weights(start)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=PEAK if start is None else PEAK / 3, warmup_steps=min(WARMUP, steps)
    )
    # What is kept is the running mean of the weights (Polyak & Juditsky 1992): the last step's are noisier.
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.01, use_ema=True, ema_momentum=0.99)
    model.compile(optimizer=optimizer, loss=locator_loss, jit_compile=False)
    model.fit(FrameBatches(made_up, real, steps, seed), epochs=1, verbose="auto")
    model.save_weights(out / LOCATOR)
    say(f"the locator is in {out / LOCATOR}")
    return model


def _pool(
    sample: Callable[[np.random.Generator], tuple[NDArray[np.uint8], NDArray[np.float32]]],
    count: int,
    seed: int,
) -> Frames:
    """Frames made once, for making them costs more than learning from them."""
    frames = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    boxes = np.zeros((count, 4), np.float32)
    for index in tqdm(range(count), unit="frame", disable=not count):
        frames[index], boxes[index] = sample(np.random.default_rng((seed, index)))
    return frames, boxes


def load_locator(run: Path) -> keras.Model:
    """The run's locator; raises `RunError` where there is none."""
    path = run / LOCATOR
    if not path.exists():
        raise RunError(f"{run}: expected {LOCATOR} in it, made by `python -m training locate`")
    model = Locator()
    model.load_weights(path)
    return model


def with_boxes(photos: Sequence[Photo], model: keras.Model) -> list[Photo]:
    """The photos, each with its known box or, without one, where the locator sees the hand."""
    unknown = [photo for photo in photos if photo.box is None]
    if not unknown:
        return list(photos)
    spec = InputSpec(height=SIDE, width=SIDE)
    frames = np.stack([fit(read_photo(photo), spec=spec) for photo in unknown])
    places = np.asarray(decoded(in_batches(model, frames))).tolist()
    found = {photo: replace(photo, box=(*box,)) for photo, (_, *box) in zip(unknown, places, strict=True)}
    return [found.get(photo, photo) for photo in photos]


class KerasLocator:
    """A trained locator as the views ask for it, one photo at a time."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def find(self, photo: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score, x0, y0, x1, y1, float32 [5], for float32 [side, side, 3] in 0..1."""
        place: NDArray[np.float32] = np.asarray(decoded(self._model(photo[np.newaxis], training=False)))[0]
        return place
