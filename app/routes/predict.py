"""The service's own dialect: pictures in, predictions out, as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.dependencies import ClassifierDep, Classify, ClassifyDep
from app.descriptions import BINARY, PROBLEM, body, error_responses
from app.errors import ImageError, InferenceError
from app.http_errors import problem_of
from app.schemas import BatchResult, FilePrediction, FileProblem, ModelReference, Prediction
from app.together import together
from app.uploads import Upload, UploadDep, UploadsDep

_ONE_FILE = {"type": "object", "required": ["file"], "properties": {"file": BINARY}}
_MANY_FILES = {
    "type": "object",
    "required": ["files"],
    "properties": {"files": {"type": "array", "items": BINARY, "minItems": 1, "maxItems": 32}},
}
_PICTURE = {"multipart/form-data": _ONE_FILE, "image/*": BINARY, "application/octet-stream": BINARY}

Explain = Annotated[bool, Query(description="Also tell which part of the picture was looked at.")]

router = APIRouter(tags=["predict"], responses=error_responses(PROBLEM))


@router.post(
    "/predict",
    summary="Which digit does this hand sign?",
    openapi_extra=body(_PICTURE),
    response_model_exclude_none=True,
)
async def predict_one(upload: UploadDep, classify: ClassifyDep, explain: Explain = False) -> Prediction:
    """One picture, as the part `file` of a form or as the body itself.

    JPEG, PNG, WebP, AVIF, HEIC, GIF (its first frame), BMP or TIFF.
    """
    return Prediction.of(await classify(upload), explain)


@router.post(
    "/predict/batch",
    summary="Which digits do these hands sign?",
    openapi_extra=body({"multipart/form-data": _MANY_FILES}),
    response_model_exclude_none=True,
)
async def predict_batch(
    uploads: UploadsDep, classify: ClassifyDep, classifier: ClassifierDep, explain: Explain = False
) -> BatchResult:
    """1 to 32 pictures, each a part `files` of a form; one that cannot be read spoils no other."""
    model = classifier.manifest
    return BatchResult(
        model=ModelReference(name=model.name, version=model.version),
        results=await _answer_files(uploads, classify, explain),
    )


async def _answer_files(
    uploads: list[Upload], classify: Classify, explain: bool
) -> list[FilePrediction | FileProblem]:
    """One answer for each file; what concerns the whole service (full queue, deadline) fails them all."""
    return await together(_answer_file(upload, classify, explain) for upload in uploads)


async def _answer_file(upload: Upload, classify: Classify, explain: bool) -> FilePrediction | FileProblem:
    try:
        prediction = Prediction.of(await classify(upload), explain)
        return FilePrediction(filename=upload.filename, prediction=prediction)
    except (ImageError, InferenceError) as error:
        return FileProblem(filename=upload.filename, error=problem_of(error))
