"""What a run folder keeps of a training, so that a kill loses one epoch at most."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

LAST, BEST, PROGRESS, HISTORY = "last.keras", "best.weights.h5", "progress.json", "history.csv"
TUNED = "tuned.weights.h5"
"""What the training made of the weights it began with, where the best ones are a mean of both."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: epochs done, and the lowest validation loss of the current phase."""

    epoch: int = 0
    best: float = math.inf


def read_progress(run: Path) -> Progress:
    """How far the run in a folder has come."""
    path = run / PROGRESS
    return Progress(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Progress()


def write_progress(run: Path, progress: Progress) -> None:
    """Says how far the run in a folder has come."""
    text = json.dumps(asdict(progress)) + "\n"
    replace_file(run / PROGRESS, lambda path: path.write_text(text, encoding="utf-8"))


def copy_state(run: Path, model: keras.Model) -> None:
    """Gives `model` the last checkpoint's weights and optimizer state, where there is one.

    The checkpoint may have been trained on pictures of another size.
    """
    if not (run / LAST).exists():
        return
    last = keras.models.load_model(run / LAST)
    model.set_weights(last.get_weights())
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, last.optimizer.variables, strict=True):
        variable.assign(value)


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Writes beside `path`, then renames into place: a full disk or a kill leaves the old file."""
    beside = path.with_name(f"new-{path.name}")
    write(beside)
    beside.replace(path)


class Checkpoint(keras.callbacks.Callback):
    """After each epoch: a row of history, the best weights, the state to go on from.

    Stops the training when the loss is no number (see `failure`), or after `patience` epochs without
    a lower validation loss (0: never). With `keep_last` the last weights count as the best.
    """

    def __init__(self, run: Path, progress: Progress, patience: int = 0, *, keep_last: bool = False) -> None:
        super().__init__()
        self.progress = progress
        self.failure: str | None = None
        self._run = run
        self._patience = patience
        self._keep_last = keep_last
        self._best_epoch = progress.epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stops at once, before broken weights could be kept."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            self.failure = (
                f"the loss is {loss} at epoch {self.progress.epoch + 1}, batch {batch + 1}; "
                "the last good checkpoint is kept. Try a lower learning rate or a longer warm-up."
            )
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps what the epoch has brought."""
        if self.failure:
            return
        logs = logs or {}
        best = self.progress.best
        if logs["val_loss"] < best:
            best, self._best_epoch = logs["val_loss"], epoch + 1
        if self._keep_last or self._best_epoch == epoch + 1:
            replace_file(self._run / BEST, self.model.save_weights)
        replace_file(self._run / LAST, self.model.save)
        self._append(epoch, logs)
        self.progress = Progress(epoch + 1, best)
        write_progress(self._run, self.progress)
        if self._patience and epoch + 1 - self._best_epoch >= self._patience:
            self.model.stop_training = True

    def _append(self, epoch: int, logs: dict[str, float]) -> None:
        row = {
            "epoch": epoch + 1,
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            **{name: round(float(value), 6) for name, value in logs.items()},
        }
        path = self._run / HISTORY
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
