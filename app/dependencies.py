"""What routes ask for, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from app import schemas
from app.classifier import Classifier, Prediction
from app.errors import SignsError
from app.metrics import Metrics
from app.rows import Content, Row, predict_rows
from app.uploads import Upload

Classify = Callable[[Upload], Awaitable[Prediction]]
PredictRows = Callable[[Content], Awaitable[tuple[list[Row], int]]]


async def classify_counted(
    classifier: Classifier, metrics: Metrics, upload: Upload, deadline: float
) -> Prediction:
    """The prediction for an upload by a `time.monotonic()` instant; counts how it went."""
    try:
        prediction = await classifier.classify(upload.require_image(), deadline)
    except SignsError as error:
        metrics.rejected_image(error)
        raise
    metrics.answered_image(prediction)
    return prediction


async def picture_response(
    classifier: Classifier, metrics: Metrics, upload: Upload, deadline: float
) -> Response:
    """`classify_counted` as `/predict` tells it, for who answers without FastAPI."""
    found = await classify_counted(classifier, metrics, upload, deadline)
    told = schemas.Prediction.of(found).model_dump_json(exclude_none=True)
    return Response(told, media_type="application/json")


async def get_classifier(request: Request) -> Classifier:
    """The application's one classifier."""
    classifier: Classifier = request.app.state.classifier
    return classifier


async def get_metrics(request: Request) -> Metrics:
    """The application's counters."""
    metrics: Metrics = request.app.state.metrics
    return metrics


ClassifierDep = Annotated[Classifier, Depends(get_classifier)]
MetricsDep = Annotated[Metrics, Depends(get_metrics)]


async def get_classify(request: Request, classifier: ClassifierDep, metrics: MetricsDep) -> Classify:
    """Classifies an upload by the request's deadline, and counts how it went."""

    async def classify(upload: Upload) -> Prediction:
        return await classify_counted(classifier, metrics, upload, request.state.deadline)

    return classify


ClassifyDep = Annotated[Classify, Depends(get_classify)]


async def get_predict_rows(request: Request, classifier: ClassifierDep, metrics: MetricsDep) -> PredictRows:
    """`rows.predict_rows` by the request's deadline."""

    async def predict(content: Content) -> tuple[list[Row], int]:
        return await predict_rows(classifier, metrics, content, request.state.deadline)

    return predict


PredictRowsDep = Annotated[PredictRows, Depends(get_predict_rows)]
