"""TensorFlow Serving's REST API, and KServe's V1 on the same paths.

Paths are matched as TensorFlow Serving does: in full and in either case; whatever else is below `/v1`
gets 400. Its own description is TensorFlow Serving's, so that these paths are not in ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app import tensorflow_serving as codec
from app.classifier import Classifier
from app.dependencies import ClassifierDep, PredictRows, PredictRowsDep
from app.errors import MalformedRequest, NoSuchModel, NotReady
from app.http_errors import retry_headers
from app.manifest import Manifest

router = APIRouter(include_in_schema=False)

NAME: Final = r"/(?P<name>[^/:]+)"
VERSION: Final = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
RUN: Final = re.compile(rf"models{NAME}{VERSION}:(?P<method>classify|regress|predict)", re.I | re.A)
READ: Final = re.compile(rf"models(?:{NAME})?{VERSION}(?P<metadata>/metadata)?", re.I | re.A)
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
LABEL: Final = "stable"
"""The one version label there is: the version that serves."""
LARGEST_VERSION: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Address:
    """A model as a path names it; without a version it is the one that serves."""

    name: str
    version: int | None

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        """The address in a match; raises `MalformedRequest` without a name and for what is no version."""
        name, version, label = found["name"], found["version"], found["label"]
        if name is None:
            raise MalformedRequest("Missing model name in request.")
        if label not in (None, LABEL):
            raise MalformedRequest(f"Unrecognized servable version label: {label}")
        if version is None:
            return cls(name, None)
        if len(version) > len(str(LARGEST_VERSION)) or int(version) > LARGEST_VERSION:
            raise MalformedRequest(f"Failed to convert version: {version} to numeric.")
        return cls(name, int(version))

    def require(self, classifier: Classifier) -> Manifest:
        """The manifest of what serves; raises `NoSuchModel` unless it is this, and `NotReady`."""
        if self.name != classifier.model_name:
            raise self.not_found()
        manifest = classifier.manifest
        self.require_version(manifest.version)
        return manifest

    def require_version(self, serving: int) -> None:
        """Raises `NoSuchModel` unless it is `serving` that is asked for."""
        if self.version not in (None, serving):
            raise self.not_found()

    def not_found(self) -> NoSuchModel:
        """TensorFlow Serving's words for it."""
        servable = (
            f"Latest({self.name})" if self.version is None else f"Specific({self.name}, {self.version})"
        )
        return NoSuchModel(f"Servable not found for request: {servable}")


@router.api_route("/v1/{path:path}", methods=list(METHODS))
@router.api_route("/V1/{path:path}", methods=list(METHODS))
async def answer(
    path: str, request: Request, classifier: ClassifierDep, predict_rows: PredictRowsDep
) -> Response:
    """Predicts (POST) or tells of the model (GET, HEAD)."""
    if request.method == "POST" and (found := RUN.fullmatch(path)):
        return await _run(found, request, classifier, predict_rows)
    if request.method in ("GET", "HEAD") and (found := READ.fullmatch(path)):
        return _read(found, classifier)
    raise MalformedRequest(f"Malformed request: {request.method} /v1/{path}")


async def _run(
    found: re.Match[str], request: Request, classifier: Classifier, predict_rows: PredictRows
) -> Response:
    address = Address.of(found)
    address.require(classifier)  # before the body is read
    _require_predict(found["method"].lower())
    body = await request.body()
    asked = codec.read_predict(body, address.require(classifier).input, classifier.capacity)
    rows, version = await predict_rows(asked.content)
    address.require_version(version)
    return JSONResponse({asked.answer_key: rows})


def _require_predict(method: str) -> None:
    """Raises `MalformedRequest` for the methods that need a signature of another kind."""
    if method != "predict":
        expected = {"classify": "classification", "regress": "regression"}[method]
        raise MalformedRequest(
            f"Expected {expected} signature method_name to be tensorflow/serving/{method}. "
            "Was: tensorflow/serving/predict"
        )


def _read(found: re.Match[str], classifier: Classifier) -> Response:
    if not any(found.groupdict().values()):
        return JSONResponse({"models": [classifier.model_name]})
    address = Address.of(found)
    if found["metadata"]:
        return JSONResponse(codec.metadata(address.require(classifier)))
    return _status(address, classifier)


def _status(address: Address, classifier: Classifier) -> Response:
    """Both protocols' answers in one: versions with their states, and whether the model is ready.

    Without a version in its path it is 503 while the model is not ready, as KServe has it.
    """
    if address.name != classifier.model_name:
        raise NoSuchModel(f"Could not find any versions of model {address.name}")
    obstacle = classifier.readiness()
    statuses = [
        codec.version_status(status, obstacle)
        for status in classifier.versions
        if address.version in (None, status.number)
    ]
    if address.version is not None and not statuses:
        raise NoSuchModel(f"Could not find version {address.version} of model {address.name}")
    body = {"model_version_status": statuses, "name": address.name, "ready": obstacle is None}
    if address.version is None and obstacle is not None:
        return JSONResponse(body, 503, retry_headers(NotReady(obstacle)))
    return JSONResponse(body)
