"""The report's pictures: a few of each class, and every mistake."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.dataset import LABELS, Examples
from training.page import inlined
from training.scores import Predictions

SHOWN = 12
"""Thumbnails a class."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class: how many pictures it has on either side, and some of those trained on."""

    label: str
    train: int
    validation: int
    thumbnails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MistakeCard:
    """One wrong answer: the picture as a data URI, and (label, probability) pairs, likeliest first."""

    name: str
    picture: str
    truth: str
    guess: str
    probabilities: tuple[tuple[str, float], ...]


def class_rows(train: Examples, validation: Examples) -> list[ClassRow]:
    """One row a class; the thumbnails are spread evenly over the training pictures."""
    return [
        ClassRow(
            label=label,
            train=int((train.labels == index).sum()),
            validation=int((validation.labels == index).sum()),
            thumbnails=tuple(data_uri(picture) for picture in _spread(train, index)),
        )
        for index, label in enumerate(LABELS)
    ]


def _spread(examples: Examples, label: int) -> NDArray[np.uint8]:
    """Up to `SHOWN` pictures of a class, uint8 [n, 64, 64, 3]."""
    members = np.flatnonzero(examples.labels == label)
    chosen = np.linspace(0, max(0, len(members) - 1), min(SHOWN, len(members)))
    return examples.images[members[chosen.astype(np.int64)]]


def mistake_cards(examples: Examples, predictions: Predictions) -> list[MistakeCard]:
    """Every wrong answer, the most confident first."""
    wrong = predictions.mistakes
    return [
        MistakeCard(
            name=str(predictions.names[index]),
            picture=data_uri(examples.images[index]),
            truth=LABELS[predictions.labels[index]],
            guess=LABELS[predictions.guesses[index]],
            probabilities=_ranked(predictions.probabilities[index]),
        )
        for index in wrong[np.argsort(-predictions.confidence[wrong], kind="stable")]
    ]


def _ranked(probabilities: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-probabilities, kind="stable")
    return tuple((LABELS[index], float(probabilities[index])) for index in order)


def data_uri(picture: NDArray[np.uint8]) -> str:
    """uint8 [h, w, 3] as a PNG that lives in the page itself."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", optimize=True)
    return inlined(buffer.getvalue())
