"""The wire models: what the service's own routes answer with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from app import classifier
from app.manifest import Manifest, Window
from app.repository import VersionState, VersionStatus

Probability = Annotated[float, Field(ge=0, le=1)]


class ModelReference(BaseModel):
    """Which model version answered."""

    name: Annotated[str, Field(examples=["signs"])]
    version: Annotated[int, Field(examples=[1])]


class LabelProbability(BaseModel):
    """How likely one label is."""

    label: Annotated[str, Field(examples=["5"])]
    probability: Annotated[Probability, Field(examples=[0.9931])]


class Prediction(BaseModel):
    """What the model reads in one picture."""

    label: Annotated[str, Field(examples=["5"], description="The most probable label.")]
    confidence: Annotated[Probability, Field(examples=[0.9931], description="The probability of `label`.")]
    accepted: Annotated[bool, Field(description="False where the picture probably shows none of the signs.")]
    probabilities: Annotated[
        list[LabelProbability], Field(description="All labels, highest first; sums to 1.")
    ]
    model: ModelReference
    window: Annotated[
        Window | None,
        Field(description="The part of the upright picture that was looked at; only with `explain=true`."),
    ] = None

    @classmethod
    def of(cls, prediction: classifier.Prediction, explain: bool = False) -> Prediction:
        """The wire form of the classifier's answer; with `explain` it tells the window looked at."""
        return cls(
            label=prediction.label,
            confidence=prediction.confidence,
            accepted=prediction.accepted,
            probabilities=[
                LabelProbability(label=entry.label, probability=entry.probability)
                for entry in prediction.probabilities
            ],
            model=ModelReference(name=prediction.model_name, version=prediction.model_version),
            window=prediction.window if explain else None,
        )


class Problem(BaseModel):
    """An error as RFC 9457 tells it (`application/problem+json`)."""

    type: Annotated[str, Field(examples=["urn:signs:problem:unsupported-image"])]
    title: Annotated[str, Field(examples=["Unsupported image"])]
    status: Annotated[int, Field(examples=[415])]
    detail: Annotated[str, Field(description="What was expected, what was received, what the choices are.")]
    request_id: Annotated[
        str, Field(description="Also in the header `X-Request-ID` and in the service's log.")
    ]


class FilePrediction(BaseModel):
    """One file of a batch that was answered."""

    filename: str
    prediction: Prediction


class FileProblem(BaseModel):
    """One file of a batch that could not be answered."""

    filename: str
    error: Problem


class BatchResult(BaseModel):
    """The answers to a batch, in the order of its files."""

    model: ModelReference
    results: list[FilePrediction | FileProblem]


class VersionReport(BaseModel):
    """One version on disk."""

    version: Annotated[int, Field(examples=[1])]
    state: VersionState
    reason: Annotated[str, Field(description="Why it is refused or incomplete, in words.")] = ""

    @classmethod
    def of(cls, status: VersionStatus) -> VersionReport:
        """The wire form of a version's status."""
        return cls(version=status.number, state=status.state, reason=status.reason)


class ServingModel(Manifest):
    """The serving version's manifest, what this machine runs it in, and what became of every version."""

    engine: str
    precision: str
    versions: list[VersionReport] = Field(description="Every version on disk, the highest first.")


class Health(BaseModel):
    """Whether the process lives, or whether it can answer."""

    status: Annotated[str, Field(examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why not, in words.")] = None


class TensorAnswer(BaseModel):
    """Probabilities as TensorFlow Serving answers: one row a picture, in the order of the labels."""

    predictions: Annotated[list[list[float]] | None, Field(description="For `instances`.")] = None
    outputs: Annotated[list[list[float]] | None, Field(description="For `inputs`.")] = None


def _as_integer(value: object) -> object:
    """JSON does not tell 2.0 from 2."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class ImageClassificationParameters(BaseModel):
    """How Hugging Face's clients may want the scores."""

    top_k: Annotated[
        Annotated[int, Field(ge=1, strict=True), BeforeValidator(_as_integer)] | None,
        Field(description="Only so many; all by default."),
    ] = None
    function_to_apply: Annotated[
        Literal["softmax", "sigmoid", "none"] | None,
        Field(description="What makes scores of the logits; softmax by default, which gives probabilities."),
    ] = None


class LabelScore(BaseModel):
    """One label with its score, as Hugging Face's clients read it."""

    label: Annotated[str, Field(examples=["5"])]
    score: Annotated[float, Field(examples=[0.9931])]
