"""The answer for one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from app.engines.base import Float32Array
from app.manifest import Manifest, Window
from app.views import Look, combined


class LabelProbability(NamedTuple):
    """One label and its probability in 0..1."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one picture; `accepted` is false where it probably shows none of the signs."""

    label: str
    confidence: float
    accepted: bool
    probabilities: tuple[LabelProbability, ...]
    """Highest first; they sum to 1."""
    row: tuple[float, ...]
    """The same probabilities in the order of the manifest's labels."""
    model_name: str
    model_version: int
    window: Window
    """The part of the upright picture that was looked at."""


def predict(manifest: Manifest, rows: Float32Array, windows: Sequence[Window]) -> Prediction:
    """Combines and ranks the probabilities float32 [views, classes] of `windows` as the manifest says."""
    answer = combined(rows, manifest.views)
    row = tuple(answer.tolist())
    entries = map(LabelProbability, manifest.labels, row)
    ranked = tuple(sorted(entries, key=attrgetter("probability"), reverse=True))
    best = ranked[0]
    return Prediction(
        label=best.label,
        confidence=best.probability,
        accepted=best.probability >= manifest.acceptance.threshold,
        probabilities=ranked,
        row=row,
        model_name=manifest.name,
        model_version=manifest.version,
        window=_enclosing(windows),
    )


def predict_all(manifest: Manifest, rows: Float32Array, looks: Sequence[Look]) -> list[Prediction]:
    """The prediction for each picture; `rows` float32 [views, classes] are those of all in a row."""
    predictions = []
    for seen in looks:
        predictions.append(predict(manifest, rows[: len(seen.views)], seen.windows))
        rows = rows[len(seen.views) :]
    return predictions


def _enclosing(windows: Sequence[Window]) -> Window:
    if len(windows) == 1:
        return windows[0]
    return Window(
        x0=min(window.x0 for window in windows),
        y0=min(window.y0 for window in windows),
        x1=max(window.x1 for window in windows),
        y1=max(window.y1 for window in windows),
    )
