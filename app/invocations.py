"""What managed clouds send to a container: a picture, or TensorFlow Serving's JSON."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from app import tensorflow_serving
from app.dependencies import ClassifierDep, ClassifyDep, PredictRowsDep
from app.descriptions import BINARY, ENCODED_PICTURE, body
from app.schemas import Prediction, TensorAnswer
from app.uploads import media_type, read_upload

JSON: Final = "application/json"

_ENCODED = {
    "type": "object",
    "required": ["b64"],
    "properties": {"b64": ENCODED_PICTURE},
    "additionalProperties": False,
}
_REQUESTS = [
    {
        "type": "object",
        "description": "As in TensorFlow Serving's REST API; in place of pictures there may be a tensor.",
        "required": [key],
        "properties": {key: {"type": "array", "minItems": 1, "items": _ENCODED}},
        "not": {"required": [other]},
    }
    for key, other in (("instances", "inputs"), ("inputs", "instances"))
]
BODY: Final = body({"image/*": BINARY, JSON: {"oneOf": _REQUESTS}})


async def invoke(
    request: Request, classifier: ClassifierDep, classify: ClassifyDep, predict_rows: PredictRowsDep
) -> Prediction | TensorAnswer:
    """A picture as the body gets what `/predict` answers.

    A JSON body is TensorFlow Serving's `{"instances": [...]}`, of pictures `{"b64": ...}` or of tensors,
    and gets its `{"predictions": [...]}`.
    """
    if media_type(request.headers.get("content-type", "")) != JSON:
        return Prediction.of(await classify(await read_upload(request)))
    data = await request.body()
    asked = tensorflow_serving.read_predict(data, classifier.manifest.input, classifier.capacity)
    rows, _ = await predict_rows(asked.content)
    return TensorAnswer.model_validate({asked.answer_key: rows})
