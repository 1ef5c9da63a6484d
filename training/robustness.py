"""How right a run stays as photos get worse: smaller or turned hands, poor light, blur, compression."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from tqdm import tqdm

from training.backgrounds import Backgrounds
from training.checkpoint import replace_file
from training.compose import laid_over, placed
from training.cutouts import NO_SIGN, Cutouts
from training.errors import DataError
from training.materials import Materials
from training.plots import draw_robustness
from training.reader import Reader, run_reader
from training.run import run_recipe
from training.split import load_split

SIDE = 256
USUAL_SIZE = 0.5
"""The hand's longer side in a photo that nothing else ails, as a share of the photo's."""
ROBUSTNESS = "robustness"


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to make photos worse: `change` is done at each of `values`, from the mildest to the worst."""

    name: str
    unit: str
    values: tuple[float, ...]
    size: Callable[[float], float] = lambda value: USUAL_SIZE
    """The hand's longer side, as a share of the photo's."""
    turn: Callable[[float], float] = lambda value: 0.0
    """The hand's turn, in degrees."""
    change: Callable[[Image.Image, float], Image.Image] = lambda photo, value: photo


@dataclass(frozen=True, slots=True)
class Curve:
    """A trial's outcome: the share of right answers, 0..1, at each value."""

    name: str
    unit: str
    values: tuple[float, ...]
    accuracies: tuple[float, ...]


def _brightened(photo: Image.Image, value: float) -> Image.Image:
    return ImageEnhance.Brightness(photo).enhance(value)


def _blurred(photo: Image.Image, value: float) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(value * SIDE / 100))


def _compressed(photo: Image.Image, value: float) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=int(value))
    return Image.open(file).convert("RGB")


TRIALS = (
    Trial("size of the hand", "share of the photo", (1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1), size=float),
    Trial("rotation", "degrees", (0, 15, 30, 45, 60, 75, 90), turn=float),
    Trial("brightness", "factor", (0.15, 0.3, 0.6, 1.0, 1.4, 1.8, 2.4), change=_brightened),
    Trial("blur", "radius in % of the photo", (0, 0.5, 1, 1.5, 2, 3, 4), change=_blurred),
    Trial("JPEG quality", "1 to 95", (95, 75, 50, 30, 15, 8, 4), change=_compressed),
)


def measure_robustness(
    run: Path, data: Path, materials: Materials, hands: int, *, trials: Sequence[Trial] = TRIALS
) -> list[Curve]:
    """The run's accuracy in each trial, on hands of people kept back, laid into rooms.

    The same hands stand in the same rooms at every value. Writes `robustness.csv` and `robustness.png`
    into the run's folder. Raises `DataError` where no hand of theirs is among the materials.
    """
    reader, recipe = run_reader(run), run_recipe(run)
    _, validation = load_split(data, recipe.data, recipe.seed)
    kept_back = np.isin(materials.cut.groups, validation.groups) & (materials.cut.labels != NO_SIGN)
    if not kept_back.any():
        raise DataError("expected cut out hands of the people kept back for validation, found none")
    chosen = np.random.default_rng(recipe.seed).permutation(np.flatnonzero(kept_back))[:hands]
    cutouts = materials.cut.take(chosen)
    steps = sum(len(trial.values) for trial in trials)
    with tqdm(total=steps, unit="value", desc="robustness") as bar:
        curves = [_curve(trial, reader, cutouts, materials.backgrounds, bar) for trial in trials]
    replace_file(run / f"{ROBUSTNESS}.csv", lambda path: _write(curves, path))
    draw_robustness(
        [(curve.name, curve.unit, curve.values, curve.accuracies) for curve in curves],
        f"{len(cutouts)} hands of people kept back, in rooms",
        run / f"{ROBUSTNESS}.png",
    )
    return curves


def _curve(trial: Trial, reader: Reader, hands: Cutouts, backgrounds: Backgrounds, bar: tqdm) -> Curve:
    shares = []
    for value in trial.values:
        answers, _ = reader.read(list(photos(trial, value, hands, backgrounds)))
        shares.append(float((answers.argmax(axis=1) == hands.labels).mean()))
        bar.update()
    return Curve(trial.name, trial.unit, trial.values, tuple(shares))


def photos(trial: Trial, value: float, hands: Cutouts, backgrounds: Backgrounds) -> Iterator[Image.Image]:
    """Each hand in a room of its own, changed as the trial says: RGB, 256 x 256."""
    for index in range(len(hands)):
        rng = np.random.default_rng(index)
        hand, box = _turned(hands.pixels[index], hands.boxes[index], trial.turn(value))
        side = trial.size(value) * SIDE
        scale = side / float(max(box[2] - box[0], box[3] - box[1]))
        # Where the hand is comes before its size, so that it stays there while it shrinks.
        x, y = (side / 2 + rng.uniform(0, 1, 2) * (SIDE - side)).tolist()
        room = backgrounds.sample(SIDE, rng)
        photo = laid_over(placed(hand, box, scale, x, y, SIDE), room, rng)
        yield trial.change(Image.fromarray(photo), value)


def _turned(
    hand: NDArray[np.uint8], box: NDArray[np.float32], degrees: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A cutout turned about its middle, and the new box of what can be seen of it."""
    if not degrees:
        return hand, box
    turned = Image.fromarray(hand).rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    pixels = np.asarray(turned)
    rows, columns = np.nonzero(pixels[..., 3] > 127)
    corners = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return pixels, np.array(corners, np.float32)


def _write(curves: Sequence[Curve], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("trial", "unit", "value", "accuracy"))
        for curve in curves:
            for value, accuracy in zip(curve.values, curve.accuracies, strict=True):
                writer.writerow((curve.name, curve.unit, value, round(accuracy, 4)))
