"""The figures of a run, as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.dataset import LABELS, Examples
from training.scores import Predictions

COLUMNS = 6


def draw_curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Loss, accuracy and learning rate by epoch."""
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    epochs = [row["epoch"] for row in history]
    panels = (("loss", ("loss", "val_loss")), ("accuracy", ("accuracy", "val_accuracy")))
    axes = figure.subplots(1, 3)
    for axis, (title, names) in zip(axes, panels, strict=False):
        for name in names:
            axis.plot(epochs, [row[name] for row in history], label=_caption(name))
        _dress(axis, title)
        axis.legend(frameon=False)
    axes[2].plot(epochs, [row["learning_rate"] for row in history], color="tab:gray")
    _dress(axes[2], "learning rate")
    figure.savefig(path, dpi=120)


def _caption(name: str) -> str:
    return "validation" if name.startswith("val_") else "training"


def _dress(axis: Axes, title: str) -> None:
    axis.set_title(title)
    axis.set_xlabel("epoch")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def draw_confusion(matrix: NDArray[np.int64], title: str, path: Path) -> None:
    """Counts, int64 [classes, classes], coloured by the share of each true class."""
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axis = figure.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        colour = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, str(count) if count else "", ha="center", va="center", color=colour)
    axis.set_xticks(range(len(LABELS)), LABELS)
    axis.set_yticks(range(len(LABELS)), LABELS)
    axis.set_xlabel("answered")
    axis.set_ylabel("signed")
    axis.set_title(title)
    figure.savefig(path, dpi=120)


def draw_mistakes(examples: Examples, predictions: Predictions, title: str, path: Path) -> None:
    """Every picture that was answered wrongly, with what was said of it."""
    wrong = predictions.mistakes
    rows = max(1, -(-len(wrong) // COLUMNS))
    figure = Figure(figsize=(1.9 * COLUMNS, 2.3 * rows + 0.5), layout="constrained")
    figure.suptitle(f"{title}: {len(wrong)} of {len(predictions)} wrong")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, index in zip(axes, wrong, strict=False):
        axis.imshow(examples.images[index])
        guess, truth = LABELS[predictions.guesses[index]], LABELS[predictions.labels[index]]
        axis.set_title(f"{truth} read as {guess}, {predictions.confidence[index]:.0%}", fontsize=9)
    figure.savefig(path, dpi=120)
