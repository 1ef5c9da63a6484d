"""The study of vanishing gradients: four networks from one seed, measured at every step."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.batches import plain_batch
from training.checkpoint import replace_file
from training.dataset import load_signs, without_wrong_labels
from training.errors import TrainingError
from training.gradients import Recorder, Variant, depths, kernel_layers, recording_twin

TABLE = "gradients.csv"
COLUMNS = ("network", "step", "layer", "depth", "norm", "ratio", "loss")
LEARNING_RATE = 1e-3
"""Adam's default, as the assignment trains."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one network showed.

    `norms` and `ratios` float64 [steps, layers]: the L2 norm of each kernel's gradient, and of its
    update as a share of the kernel; `losses` float64 [steps]: the epoch's mean so far; `depths`
    int64 [layers], 1 for the first.
    """

    network: str
    layers: tuple[str, ...]
    depths: NDArray[np.int64]
    norms: NDArray[np.float64]
    ratios: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def steps(self) -> int:
        """How many steps were recorded."""
        return len(self.norms)

    def first_to_last(self, step: int) -> float:
        """The first layer's gradient norm over the last layer's, at a step from 1."""
        return float(self.norms[step - 1, 0] / self.norms[step - 1, -1])

    def layer(self, name: str) -> int:
        """The index of a layer; raises `TrainingError` that lists the choices."""
        if name not in self.layers:
            raise TrainingError(f"expected a layer among {', '.join(self.layers)}, received {name}")
        return self.layers.index(name)


def study(
    variants: dict[str, Variant],
    data: Path,
    out: Path,
    *,
    epochs: int = 4,
    batch_size: int = 32,
    size: int = 64,
    seed: int = 1,
    say: Callable[[str], None] = print,
) -> list[Recording]:
    """Trains each variant on SIGNS, unaugmented, and keeps the recordings in `out/gradients.csv`.

    Networks that the file already holds are not trained again, so a killed study goes on. Raises
    `DataError` before anything is trained.
    """
    if size not in (32, 64):
        raise TrainingError(f"expected pictures of 32 or 64 pixels, received {size}")
    examples, _ = without_wrong_labels(load_signs(data / "signs", "train"))
    images, labels = plain_batch(examples, size)
    out.mkdir(parents=True, exist_ok=True)
    recordings = {each.network: each for each in read_recordings(out)} if (out / TABLE).exists() else {}
    for name, variant in variants.items():
        if name in recordings:
            say(f"{name}: already in {out / TABLE}")
            continue
        say(f"{name}: {epochs} epochs of {len(images)} pictures")
        keras.utils.set_random_seed(seed)
        recordings[name] = record(name, recording_twin(variant, size), images, labels, epochs, batch_size)
        write_recordings(out, list(recordings.values()))
    return [recordings[name] for name in variants]


def record(
    name: str,
    model: keras.Model,
    images: NDArray[np.float32],
    labels: NDArray[np.float32],
    epochs: int,
    batch_size: int,
) -> Recording:
    """Trains a recording model with Adam and returns what it showed."""
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "categorical_crossentropy", jit_compile=False)
    recorder = Recorder()
    model.fit(images, labels, batch_size=batch_size, epochs=epochs, callbacks=[recorder], verbose="auto")
    names = [layer.name for layer in kernel_layers(model)]
    rows = np.array(recorder.rows, np.float64)
    return Recording(name, tuple(names), depths(names), rows[:, 0], rows[:, 1], np.array(recorder.losses))


def write_recordings(out: Path, recordings: Sequence[Recording]) -> None:
    """Writes the table of every network, step and layer."""

    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for recording in recordings:
                writer.writerows(_rows(recording))

    replace_file(out / TABLE, write)


def _rows(recording: Recording) -> Iterator[tuple[str | int | float, ...]]:
    for step in range(recording.steps):
        for index, layer in enumerate(recording.layers):
            yield (
                recording.network,
                step + 1,
                layer,
                int(recording.depths[index]),
                f"{recording.norms[step, index]:.4e}",
                f"{recording.ratios[step, index]:.4e}",
                f"{recording.losses[step]:.4f}",
            )


def read_recordings(out: Path) -> list[Recording]:
    """The networks of a table, in its order; raises `TrainingError` where it is none."""
    try:
        with (out / TABLE).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [_recording(name, rows) for name in dict.fromkeys(row["network"] for row in rows)]
    except (KeyError, ValueError, FileNotFoundError) as error:
        raise TrainingError(f"{out / TABLE}: not a table of gradients: {error!r}") from error


def _recording(network: str, rows: Sequence[dict[str, str]]) -> Recording:
    mine = [row for row in rows if row["network"] == network]
    layers = tuple(dict.fromkeys(row["layer"] for row in mine))
    shape = (len(mine) // len(layers), len(layers))
    return Recording(
        network,
        layers,
        np.array([int(row["depth"]) for row in mine[: len(layers)]], np.int64),
        np.array([float(row["norm"]) for row in mine]).reshape(shape),
        np.array([float(row["ratio"]) for row in mine]).reshape(shape),
        np.array([float(row["loss"]) for row in mine[:: len(layers)]]),
    )
