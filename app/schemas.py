"""The wire models: what the service's own routes answer with."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from app import classifier

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

    @classmethod
    def of(cls, prediction: classifier.Prediction) -> Prediction:
        """The wire form of the classifier's answer."""
        return cls(
            label=prediction.label,
            confidence=prediction.confidence,
            accepted=prediction.accepted,
            probabilities=[
                LabelProbability(label=entry.label, probability=entry.probability)
                for entry in prediction.probabilities
            ],
            model=ModelReference(name=prediction.model_name, version=prediction.model_version),
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


class Health(BaseModel):
    """Whether the process lives, or whether it can answer."""

    status: Annotated[str, Field(examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why not, in words.")] = None
