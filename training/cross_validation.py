"""Answers to photos by networks that never saw their people: what the final network's scores rest on.

The final network sees every photo, so its own answers would say too much. Its temperature, its threshold
and its scores on strangers come from these answers instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.calibration import fit_temperature
from training.checkpoint import replace_file
from training.errors import RunError
from training.photos import Photo
from training.reader import PhotoAnswers
from training.scores import acceptance_threshold

CROSS_VALIDATION = "cross_validation.json"
TRUE_ACCEPTANCE = 0.9
"""The share of right answers to strangers' photos that must stay accepted."""


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Every photo, answered by a network that its person had no part in; at temperature 1."""

    answers: PhotoAnswers

    @property
    def temperature(self) -> float:
        """What makes the answers to signs likeliest (Guo et al. 2017); no-signs have no right answer."""
        predictions = self.answers.signs.predictions
        return fit_temperature(predictions.probabilities, predictions.labels)

    def calibrated(self) -> PhotoAnswers:
        """The answers at `temperature`."""
        cooled = tempered(self.answers.probabilities, self.temperature)
        return PhotoAnswers(self.answers.photos, cooled, self.answers.windows)

    @property
    def threshold(self) -> float:
        """The highest confidence that leaves `TRUE_ACCEPTANCE` of the right answers accepted."""
        predictions = self.calibrated().signs.predictions
        return acceptance_threshold(predictions.confidence[predictions.correct], TRUE_ACCEPTANCE)


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities float32 [n, classes] as a softmax of their logits over `temperature` would give them."""
    powered = np.maximum(probabilities.astype(np.float64), 1e-30) ** (1 / temperature)
    return np.asarray(powered / powered.sum(axis=1, keepdims=True), np.float32)


def write_cross_validation(run: Path, answers: PhotoAnswers) -> None:
    """Keeps the answers in a run's folder."""
    rows = [
        {
            "file": photo.name,
            "label": photo.label,
            "person": photo.person,
            "pose": photo.pose,
            "probabilities": [round(value, 6) for value in row],
        }
        for photo, row in zip(answers.photos, answers.probabilities.tolist(), strict=True)
    ]
    text = json.dumps({"photos": rows}, indent=1) + "\n"
    replace_file(run / CROSS_VALIDATION, lambda path: path.write_text(text, encoding="utf-8"))


def read_cross_validation(run: Path) -> CrossValidation | None:
    """What was kept in a run's folder; None where nothing was. Raises `RunError` where it is malformed."""
    path = run / CROSS_VALIDATION
    if not path.exists():
        return None
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["photos"]
        photos = [Photo(Path(row["file"]), row["label"], row["person"], row["pose"]) for row in rows]
        probabilities = np.array([row["probabilities"] for row in rows], np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: not the answers of a cross-validation ({error!r})") from error
    return CrossValidation(PhotoAnswers(photos, probabilities, [()] * len(photos)))
