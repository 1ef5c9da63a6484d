"""What protocols of tensors ask for: rows of probabilities, for pictures or for numbers, and counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.classifier import Classifier, Prediction
from app.engines.base import Float32Array
from app.errors import ImageError, MalformedRequest, SignsError
from app.metrics import Metrics

Row = Sequence[float]
Content = Sequence[bytes] | Float32Array
"""Encoded pictures, or float32 [n, height, width, 3] in 0..1."""


async def predict_rows(
    classifier: Classifier, metrics: Metrics, content: Content, deadline: float
) -> tuple[list[Row], int]:
    """Probabilities [n, classes] in the order of the labels, and the number of the version that gave them.

    `deadline` is a `time.monotonic()` instant. A picture that cannot be read is a `MalformedRequest`:
    protocols of tensors know no better name for it. Raises what the classifier raises besides.
    """
    if isinstance(content, np.ndarray):
        version = classifier.manifest.version  # nothing is awaited between this and the queue
        return (await classifier.infer(content, deadline)).tolist(), version
    try:
        predictions = await _classify_counted(classifier, metrics, content, deadline)
    except ImageError as error:
        raise MalformedRequest(str(error)) from error
    return [prediction.row for prediction in predictions], predictions[0].model_version


async def _classify_counted(
    classifier: Classifier, metrics: Metrics, pictures: Sequence[bytes], deadline: float
) -> list[Prediction]:
    try:
        predictions = await classifier.classify_all(pictures, deadline)
    except SignsError as error:
        for _ in pictures:
            metrics.rejected_image(error)
        raise
    for prediction in predictions:
        metrics.answered_image(prediction)
    return predictions
