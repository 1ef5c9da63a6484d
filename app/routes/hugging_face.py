"""The image classification task as Hugging Face's inference clients ask for it."""

from __future__ import annotations

import math
import sys
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from app.classifier import Prediction
from app.dependencies import ClassifierDep, ClassifyDep
from app.descriptions import BINARY, ENCODED_PICTURE, ERROR, body, error_responses
from app.encoded_images import decode_base64
from app.errors import MalformedRequest, NotReady
from app.http_errors import retry_headers
from app.json_body import parse_object, shown
from app.schemas import ImageClassificationParameters, LabelScore
from app.uploads import Upload, media_type

JSON: Final = "application/json"

_ENCODED = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "inputs": ENCODED_PICTURE,
        "parameters": {"anyOf": [ImageClassificationParameters.model_json_schema(), {"type": "null"}]},
    },
}

router = APIRouter(tags=["hugging face"], responses=error_responses(ERROR))


@router.post(
    "/hf",
    summary="Which digit does this hand sign? As Hugging Face asks",
    response_model=list[LabelScore],
    openapi_extra=body({"image/*": BINARY, JSON: _ENCODED}),
)
async def classify_image(
    request: Request, classifier: ClassifierDep, classify: ClassifyDep
) -> list[LabelScore] | Response:
    """The picture as the body, or in base64 as `inputs` beside `parameters`; the best labels come first."""
    data, parameters = _read(request.headers.get("content-type", ""), await request.body())
    try:
        prediction = await classify(Upload("", "", data))
    except NotReady as error:
        told = f"Model {classifier.model_name} is currently loading: {error}"
        answer = {"error": told, "estimated_time": float(error.retry_after)}
        return JSONResponse(answer, 503, retry_headers(error))
    return _scores(prediction, parameters)


def _read(content_type: str, data: bytes) -> tuple[bytes, ImageClassificationParameters]:
    """The picture and how its scores are wanted; what is not said to be JSON is the picture itself."""
    if media_type(content_type) != JSON:
        return data, ImageClassificationParameters()
    document = parse_object(data)
    if "inputs" not in document:
        raise MalformedRequest("expected `inputs`, the picture in base64")
    return decode_base64(document["inputs"]), _read_parameters(document.get("parameters"))


def _read_parameters(value: Any) -> ImageClassificationParameters:
    if not isinstance(value, dict | None):
        raise MalformedRequest(f"expected `parameters` as an object, received JSON Value: {shown(value)}")
    try:
        return ImageClassificationParameters.model_validate(value or {})
    except ValidationError as error:
        told = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
        raise MalformedRequest(f"parameters: {told}") from None


def _scores(prediction: Prediction, parameters: ImageClassificationParameters) -> list[LabelScore]:
    ranked = prediction.probabilities[: parameters.top_k]
    return [
        LabelScore(label=entry.label, score=_apply(parameters.function_to_apply, entry.probability))
        for entry in ranked
    ]


def _apply(function: str | None, probability: float) -> float:
    """A score that is wanted otherwise than as softmax gives it.

    Softmax forgets a constant that is added to all logits, so that the logarithm of a probability is a
    logit: its softmax is the probability, and p / (1 + p) its sigmoid.
    """
    if function == "none":
        return math.log(max(probability, sys.float_info.min))
    return probability / (1 + probability) if function == "sigmoid" else probability
