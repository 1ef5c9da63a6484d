"""What is kept of an outcome, and the row that it becomes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from app.bulk.answering import Outcome
from app.classifier import Classifier, Prediction

Row = tuple[str | float | bool | int | None, ...]
"""Values in the order of `columns`; None where there is none."""


@dataclass(frozen=True, slots=True)
class Model:
    """Which network answers: answers of one are never mixed with those of another."""

    name: str
    version: int
    precision: str
    labels: tuple[str, ...]

    @classmethod
    def of(cls, classifier: Classifier) -> Self:
        """The model that serves; raises `NotReady`."""
        manifest = classifier.manifest
        return cls(manifest.name, manifest.version, classifier.precision, manifest.labels)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"labels": tuple(fields["labels"])})

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"{self.name} version {self.version} in {self.precision}"


@dataclass(frozen=True, slots=True)
class Record:
    """One thing found: `answer` is what its content gave, as JSON, and holds for the same content elsewhere.

    `error` is why there is no answer this time. Neither is there for content that is known.
    """

    path: str
    sha256: bytes | None
    answer: str | None
    error: str | None


def record_of(outcome: Outcome) -> Record:
    """What is kept of an outcome."""
    if outcome.prediction is not None:
        return Record(outcome.path, outcome.sha256, _json(outcome.prediction), None)
    if outcome.lasting:
        return Record(outcome.path, outcome.sha256, json.dumps({"error": outcome.error}), None)
    return Record(outcome.path, outcome.sha256, None, outcome.error)


def columns(labels: Sequence[str]) -> list[str]:
    """The names of a row's values."""
    probabilities = [f"p{label}" for label in labels]
    return ["path", "sha256", "label", "confidence", "accepted", *probabilities, "error", "model_version"]


def row_of(record: Record, model: Model) -> Row:
    """A record with its answer as a row."""
    told: dict[str, Any] = json.loads(record.answer or "{}")
    return (
        record.path,
        None if record.sha256 is None else record.sha256.hex(),
        told.get("label"),
        told.get("confidence"),
        told.get("accepted"),
        *told.get("row", [None] * len(model.labels)),
        record.error or told.get("error"),
        model.version,
    )


def _json(prediction: Prediction) -> str:
    kept = ("label", "confidence", "accepted", "row")
    return json.dumps({name: getattr(prediction, name) for name in kept})
