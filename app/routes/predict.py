"""The service's own dialect: pictures in, predictions out, as JSON."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter

from app.dependencies import ClassifierDep, Classify, ClassifyDep
from app.errors import ImageError, InferenceError
from app.http_errors import problem_of
from app.schemas import BatchResult, FilePrediction, FileProblem, ModelReference, Prediction
from app.uploads import Upload, UploadDep, UploadsDep

_BINARY = {"type": "string", "format": "binary"}
_ONE_FILE = {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
_MANY_FILES = {
    "type": "object",
    "required": ["files"],
    "properties": {"files": {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": 32}},
}
_PICTURE = {
    "multipart/form-data": {"schema": _ONE_FILE},
    "image/*": {"schema": _BINARY},
    "application/octet-stream": {"schema": _BINARY},
}
_REASONS = {
    400: "No picture, or a malformed form.",
    401: "Missing or wrong API key.",
    413: "The body is over `SIGNS_MAX_BYTES`.",
    415: "No supported image format.",
    422: "The picture is truncated, corrupt, over `SIGNS_MAX_PIXELS`, or has no area.",
    503: "The queue is full, or no model version is ready; `Retry-After` says when to try again.",
    504: "Not answered within `SIGNS_DEADLINE_MS`.",
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": reason, "content": _PROBLEM} for status, reason in _REASONS.items()
}

router = APIRouter(tags=["predict"], responses=_RESPONSES)


@router.post(
    "/predict",
    summary="Which digit does this hand sign?",
    openapi_extra={"requestBody": {"required": True, "content": _PICTURE}},
)
async def predict_one(upload: UploadDep, classify: ClassifyDep) -> Prediction:
    """One picture, as the part `file` of a form or as the body itself.

    JPEG, PNG, WebP, AVIF, HEIC, GIF (its first frame), BMP or TIFF.
    """
    return Prediction.of(await classify(upload))


@router.post(
    "/predict/batch",
    summary="Which digits do these hands sign?",
    openapi_extra={
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _MANY_FILES}}}
    },
)
async def predict_batch(uploads: UploadsDep, classify: ClassifyDep, classifier: ClassifierDep) -> BatchResult:
    """1 to 32 pictures, each a part `files` of a form; one that cannot be read spoils no other."""
    model = classifier.manifest
    return BatchResult(
        model=ModelReference(name=model.name, version=model.version),
        results=await _answer_files(uploads, classify),
    )


async def _answer_files(uploads: list[Upload], classify: Classify) -> list[FilePrediction | FileProblem]:
    """One answer for each file; what concerns the whole service (full queue, deadline) fails them all."""
    try:
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(_answer_file(upload, classify)) for upload in uploads]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [answer.result() for answer in answers]


async def _answer_file(upload: Upload, classify: Classify) -> FilePrediction | FileProblem:
    try:
        return FilePrediction(filename=upload.filename, prediction=Prediction.of(await classify(upload)))
    except (ImageError, InferenceError) as error:
        return FileProblem(filename=upload.filename, error=problem_of(error))
