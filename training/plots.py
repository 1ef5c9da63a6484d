"""The figures of a run, as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from PIL import Image

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


def draw_pictures(pictures: Sequence[Image.Image], captions: Sequence[str], title: str, path: Path) -> None:
    """Pictures of any size with a caption each."""
    rows = max(1, -(-len(pictures) // COLUMNS))
    figure = Figure(figsize=(1.9 * COLUMNS, 2.3 * rows + 0.5), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, picture, caption in zip(axes, pictures, captions, strict=False):
        axis.imshow(picture)
        axis.set_title(caption, fontsize=9)
    figure.savefig(path, dpi=120)


def draw_mistakes(examples: Examples, predictions: Predictions, title: str, path: Path) -> None:
    """Every picture that was answered wrongly, with what was said of it."""
    wrong = predictions.mistakes.tolist()
    captions = [
        f"{LABELS[predictions.labels[index]]} read as {LABELS[predictions.guesses[index]]}, "
        f"{predictions.confidence[index]:.0%}"
        for index in wrong
    ]
    pictures = [Image.fromarray(examples.images[index]) for index in wrong]
    draw_pictures(pictures, captions, f"{title}: {len(wrong)} of {len(predictions)} wrong", path)


def draw_robustness(
    curves: Sequence[tuple[str, str, Sequence[float], Sequence[float]]], title: str, path: Path
) -> None:
    """Accuracy against what ails the photos, one panel a trial: its name, unit, values and accuracies."""
    figure = Figure(figsize=(2.7 * len(curves), 3.2), layout="constrained")
    figure.suptitle(title)
    for axis, (name, unit, values, accuracies) in zip(
        figure.subplots(1, len(curves), sharey=True, squeeze=False)[0], curves, strict=True
    ):
        axis.plot(values, accuracies, marker="o", markersize=4)
        axis.axhline(1 / len(LABELS), color="tab:gray", linewidth=1, linestyle=":")
        axis.set_title(name)
        axis.set_xlabel(unit)
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        if values[0] > values[-1]:
            axis.invert_xaxis()
    figure.axes[0].set_ylabel("right answers")
    figure.savefig(path, dpi=120)
