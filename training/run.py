"""A finished run on disk: its recipe, its calibrated network, its history."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import keras

from training.batches import in_batches, plain_batch
from training.calibration import apply_temperature, fit_temperature
from training.checkpoint import BEST, HISTORY, replace_file
from training.config import Recipe, read_recipe
from training.dataset import Examples
from training.errors import RunError
from training.network import ResNet50
from training.scores import Predictions

CALIBRATION = "calibration.json"
SIZE = 64


def run_recipe(run: Path) -> Recipe:
    """The recipe that a run folder was trained by; raises `RunError` where there is none."""
    if not (run / "recipe.toml").exists():
        raise RunError(f"{run}: not a run folder: expected a recipe.toml in it, made by `fit`")
    return read_recipe(run / "recipe.toml")


def run_history(run: Path) -> list[dict[str, float]]:
    """One row an epoch: epoch, learning_rate, loss, accuracy, val_loss, val_accuracy."""
    with (run / HISTORY).open(newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def new_network(recipe: Recipe, size: int = SIZE) -> keras.Model:
    """The recipe's network for pictures of `size`, with its first random weights."""
    return ResNet50((size, size, 3), shortcuts=recipe.network.shortcuts, batch_norm=recipe.network.batch_norm)


def load_network(run: Path) -> keras.Model:
    """The run's network with its best weights; calibrated, once `calibrate` has run."""
    recipe = run_recipe(run)
    if not (run / BEST).exists():
        raise RunError(f"{run}: no weights yet: expected {BEST}, written after the first epoch of `fit`")
    model = new_network(recipe)
    model.load_weights(run / BEST)
    path = run / CALIBRATION
    if path.exists():
        apply_temperature(model, json.loads(path.read_text(encoding="utf-8"))["temperature"])
    return model


def calibrate(run: Path, validation: Examples) -> float:
    """Fits the temperature on the validation examples and keeps it in the run folder."""
    (run / CALIBRATION).unlink(missing_ok=True)
    answers = predict(load_network(run), validation)
    temperature = fit_temperature(answers.probabilities, answers.labels)
    keep_temperature(run, temperature, len(validation))
    return temperature


def keep_temperature(run: Path, temperature: float, examples: int) -> None:
    """From now on the run's network answers at this temperature, found on so many examples."""
    text = json.dumps({"temperature": temperature, "examples": examples}, indent=2) + "\n"
    replace_file(run / CALIBRATION, lambda path: path.write_text(text, encoding="utf-8"))


def predict(model: keras.Model, examples: Examples) -> Predictions:
    """What the network says of the examples."""
    images, _ = plain_batch(examples, SIZE)
    return Predictions(examples.names, examples.labels, in_batches(model, images))
