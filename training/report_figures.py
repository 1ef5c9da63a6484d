"""The report's figures as SVG that takes its colours from the page, so that light and dark both suit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from training.errors import RunError
from training.scores import BINS, Reliability

INK, FIRST, SECOND = "#010203", "#010204", "#010205"
"""Stand for the page's own colours, which replace them in the finished SVG."""
PAGE_COLOURS = {INK: "var(--ink)", FIRST: "var(--accent)", SECOND: "var(--second)"}
LINES = 6
"""Layers in a figure of gradient norms, spread evenly over the depth."""


def curve_svg(history: Sequence[dict[str, float]], name: str) -> str:
    """One measure by epoch; with the same measure on validation data, where there is one."""
    figure, axis = _figure()
    epochs = [row["epoch"] for row in history]
    title = name.replace("_", " ")
    axis.plot(epochs, [row[name] for row in history], color=FIRST, label="training")
    if f"val_{name}" in history[0]:
        axis.plot(epochs, [row[f"val_{name}"] for row in history], color=SECOND, label="validation")
        axis.legend(frameon=False, labelcolor=INK)
    axis.set(title=title, xlabel="epoch", ylim=(0, None))
    return _svg(figure, f"{title} by epoch")


def reliability_svg(reliability: Reliability) -> str:
    """Accuracy by bins of confidence, and the diagonal of perfect calibration (Guo et al. 2017, figure 1)."""
    figure, axis = _figure(height=3.4)
    filled = reliability.count > 0
    centres = (np.arange(BINS) + 0.5) / BINS
    axis.bar(centres[filled], reliability.accuracy[filled], 0.9 / BINS, color=FIRST, label="measured")
    axis.plot([0, 1], [0, 1], color=SECOND, linestyle="--", label="perfect")
    for centre, accuracy, count in zip(centres, reliability.accuracy, reliability.count, strict=True):
        if count:
            axis.text(centre, accuracy + 0.02, str(count), ha="center", fontsize=8, color=INK)
    axis.legend(frameon=False, labelcolor=INK, loc="upper left")
    axis.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1.12))
    return _svg(figure, "Reliability diagram")


def gradient_svgs(path: Path) -> dict[str, str]:
    """By network, the gradient's norm by step for some layers from the first to the last.

    Reads a CSV with the columns network, step, layer, depth and norm; raises `RunError` without them.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"network", "step", "layer", "depth", "norm"} - set(reader.fieldnames or ())
        if missing:
            raise RunError(f"{path}: expected a column for each of {', '.join(sorted(missing))}")
        rows = list(reader)
    networks = list(dict.fromkeys(row["network"] for row in rows))
    return {name: _gradient_svg(name, [row for row in rows if row["network"] == name]) for name in networks}


def _gradient_svg(network: str, rows: Sequence[dict[str, str]]) -> str:
    figure, axis = _figure(height=3.4)
    layers = sorted({(int(row["depth"]), row["layer"]) for row in rows})
    chosen = np.linspace(0, len(layers) - 1, min(LINES, len(layers))).astype(int)
    for place, index in enumerate(chosen):
        points = [(int(row["step"]), float(row["norm"])) for row in rows if row["layer"] == layers[index][1]]
        steps, norms = zip(*sorted(points), strict=True)
        colour = to_hex(colormaps["plasma"](0.3 + 0.55 * place / LINES))
        axis.plot(steps, norms, color=colour, label=layers[index][1], linewidth=1)
    axis.legend(frameon=False, labelcolor=INK, fontsize=8, ncols=2)
    axis.set(xlabel="step", ylabel="L2 norm of the gradient", yscale="log")
    return _svg(figure, f"Gradient norm by step, {network}")


def _figure(height: float = 3.0) -> tuple[Figure, Axes]:
    """Small enough that its writing can still be read on a phone; sizes in inches."""
    figure = Figure(figsize=(4.2, height), layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(INK)
    axis.tick_params(colors=INK)
    axis.grid(color=INK, alpha=0.15)
    axis.set_axisbelow(True)
    for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
        text.set_color(INK)
    return figure, axis


def _svg(figure: Figure, caption: str) -> str:
    buffer = io.StringIO()
    # Several figures share a page: the salt keeps their identifiers apart, and each the same for ever.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": caption}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    for stand_in, colour in PAGE_COLOURS.items():
        text = text.replace(stand_in, colour)
    label = f'<svg role="img" aria-label="{caption}" '
    return text[text.index("<svg") :].replace("<svg ", label, 1)
