"""The figures of the gradient study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from training.gradient_study import Recording

SHOWN_DEPTHS = (1, 2, 5, 11, 20, 30, 41, 48, 50)
COLOURS = matplotlib.colormaps["viridis"]
DEPTH = Normalize(1, 50)
LEAST = 1e-12
"""Norms below this are drawn at it: float32 gradients can be exactly zero, which no log axis shows."""


def draw_by_step(recordings: Sequence[Recording], path: Path) -> None:
    """The assignment's figure: gradient norm against step, a panel a network, coloured by depth."""
    figure, panels = _panels(recordings)
    for axis, recording in zip(panels, recordings, strict=True):
        steps = np.arange(1, recording.steps + 1)
        for depth in SHOWN_DEPTHS:
            index = int(np.argmax(recording.depths == depth))
            norms = np.maximum(recording.norms[:, index], LEAST)
            axis.plot(steps, norms, color=COLOURS(DEPTH(depth)), linewidth=1.2)
        axis.set_title(recording.network)
        axis.set_xlabel("step")
    panels[0].set_ylabel("L2 norm of the gradient")
    figure.colorbar(ScalarMappable(DEPTH, COLOURS), ax=panels, label="depth of the layer", pad=0.01)
    figure.savefig(path, dpi=110)


def draw_by_depth(recordings: Sequence[Recording], path: Path) -> None:
    """Gradient norm against depth, at steps 1, 10, 100 and the last."""
    figure, panels = _panels(recordings)
    for axis, recording in zip(panels, recordings, strict=True):
        steps = shown_steps(recording)
        order = np.argsort(recording.depths, kind="stable")
        for place, step in enumerate(steps):
            norms = np.maximum(recording.norms[step - 1, order], LEAST)
            shade = matplotlib.colormaps["plasma"](0.85 * place / len(steps))
            axis.plot(recording.depths[order], norms, color=shade, label=f"step {step}", linewidth=1.2)
        axis.set_title(recording.network)
        axis.set_xlabel("depth of the layer")
        axis.legend(frameon=False, fontsize=8)
    panels[0].set_ylabel("L2 norm of the gradient")
    figure.savefig(path, dpi=110)


def shown_steps(recording: Recording) -> list[int]:
    """Steps 1, 10, 100 and the last, as far as there are so many."""
    return sorted({step for step in (1, 10, 100) if step < recording.steps} | {recording.steps})


def _panels(recordings: Sequence[Recording]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(3.4 * len(recordings) + 1, 3.6), layout="constrained")
    panels: list[Axes] = figure.subplots(1, len(recordings), sharey=True, squeeze=False)[0].tolist()
    for axis in panels:
        axis.set_yscale("log")
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, panels
