"""The Open Inference Protocol v2 over REST, with the extensions that `GET /v2` lists."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, Path, Request, Response

from app import logs
from app.compress import compress
from app.errors import MalformedRequest, NotReady
from app.open_inference import answers, requests
from app.open_inference.json_messages import (
    read_index_request,
    read_infer_request,
    write_infer_answer,
)
from app.open_inference.messages import InferRequest
from app.open_inference.operations import Operations

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
_REASONS = {
    400: "Not what the protocol or the model asks for, or a picture that cannot be read.",
    401: "Missing or wrong API key.",
    404: "No such model or version.",
    413: "The body, inflated where it is compressed, is over `SIGNS_MAX_BYTES`.",
    415: "A content encoding other than gzip and deflate.",
    503: "The queue is full, or no model version is ready; `Retry-After` says when to try again.",
    504: "Not answered within `SIGNS_DEADLINE_MS` or the request's `timeout`.",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": reason, "model": answers.ErrorResponse} for status, reason in _REASONS.items()
}
_BINARY: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_INFER_BODY: Final = {"required": True, "content": requests.json_schema(requests.InferenceRequest) | _BINARY}
_INFER_ANSWER: Final = {"content": _BINARY, "description": "In the binary form where it was asked for."}

health = APIRouter(prefix="/v2/health", tags=["open inference protocol"], responses={503: _RESPONSES[503]})
router = APIRouter(prefix="/v2", tags=["open inference protocol"], responses=_RESPONSES)
of_model = APIRouter()


ModelName = Annotated[str, Path(examples=["signs"])]
ModelVersion = Annotated[str, Path(examples=["1"])]


class Model(NamedTuple):
    """A model as a path names it; an empty version stands for the one that serves."""

    name: str
    version: str


async def get_operations(request: Request) -> Operations:
    """The application's one set of operations."""
    operations: Operations = request.app.state.open_inference
    return operations


async def get_model(name: ModelName, request: Request) -> Model:
    """The model in the path, with its version where the path has one."""
    return Model(name, request.path_params.get("version", ""))


async def describe_version(version: ModelVersion) -> None:
    """Puts the parameter of versioned paths into their description."""


OperationsDep = Annotated[Operations, Depends(get_operations)]
ModelDep = Annotated[Model, Depends(get_model)]


@health.get("/live", summary="Does the server live?")
async def check_live(operations: OperationsDep) -> answers.Live:
    """200 as long as the event loop turns and the inference thread lives; then only a restart helps."""
    _require_ready(operations.server_dead())
    return answers.Live(live=True)


@health.get("/ready", summary="Can the server answer?")
async def check_ready(operations: OperationsDep) -> answers.Ready:
    """200 once a model version is loaded, proven and warm, and until the service drains."""
    _require_ready(operations.server_ready())
    return answers.Ready(ready=True)


@router.get("", summary="What the server is")
@router.get("/", include_in_schema=False)
async def describe_server(operations: OperationsDep) -> answers.ServerMetadata:
    """Its name and version, and the extensions of the protocol that it speaks."""
    return operations.server_metadata()


@router.post(
    "/repository/index",
    summary="The versions in the model folder",
    openapi_extra={"requestBody": {"content": requests.json_schema(requests.IndexRequest)}},
)
async def list_versions(request: Request, operations: OperationsDep) -> list[answers.VersionState]:
    """The one that serves is READY; for the others there is a reason."""
    return operations.repository_index(read_index_request(await request.body()).ready)


@router.get("/models/stats", summary="What all models did")
async def describe_all_statistics(operations: OperationsDep) -> answers.StatisticsResponse:
    """Of the one model there is."""
    return operations.statistics("", "")


@of_model.get("", summary="What the model takes and gives")
async def describe_model(model: ModelDep, operations: OperationsDep) -> answers.ModelMetadata:
    """The input is numbers (FP32); it may also be encoded pictures: BYTES of the shape [n]."""
    return operations.model_metadata(*model)


@of_model.get("/ready", summary="Can the model answer?")
async def check_model(model: ModelDep, operations: OperationsDep) -> answers.ModelReady:
    """200 if it can, else 503 with the reason."""
    _require_ready(operations.model_ready(*model))
    return answers.ModelReady(name=model.name, ready=True)


@of_model.get("/config", summary="How the model is configured")
async def describe_config(model: ModelDep, operations: OperationsDep) -> answers.ModelConfig:
    """In Triton's terms."""
    return operations.model_config(*model)


@of_model.get("/stats", summary="What the model did")
async def describe_statistics(model: ModelDep, operations: OperationsDep) -> answers.StatisticsResponse:
    """How often and how long, since the service started."""
    return operations.statistics(*model)


@of_model.post(
    "/infer",
    summary="Which digits do these hands sign?",
    response_model=answers.InferenceResponse,
    responses={200: _INFER_ANSWER},
    openapi_extra={"requestBody": _INFER_BODY},
)
async def infer(request: Request, model: ModelDep, operations: OperationsDep) -> Response:
    """JSON, JSON with tensors after it, or (with `Inference-Header-Content-Length: 0`) a picture alone."""
    asked = _read(await request.body(), request.headers.get(HEADER_LENGTH), operations)
    answer = await operations.infer(*model, asked, request.state.deadline, logs.request_id.get())
    body, header_length = write_infer_answer(answer)
    body, headers = compress(body, request.headers.get("accept-encoding", ""))
    if header_length is None:
        return Response(body, headers=headers, media_type="application/json")
    headers[HEADER_LENGTH] = str(header_length)
    return Response(body, headers=headers, media_type="application/octet-stream")


router.include_router(of_model, prefix="/models/{name}")
router.include_router(
    of_model, prefix="/models/{name}/versions/{version}", dependencies=[Depends(describe_version)]
)


def _read(body: bytes, header_length: str | None, operations: Operations) -> InferRequest:
    if header_length is None:
        return read_infer_request(body)
    # More digits than any length has would only make it slow to read.
    if not (header_length.isascii() and header_length.isdecimal() and len(header_length) < 20):
        raise MalformedRequest(f"expected a number of bytes in {HEADER_LENGTH}, received another text")
    length = int(header_length)
    return read_infer_request(body, length) if length else operations.raw_request(body)


def _require_ready(reason: str | None) -> None:
    if reason is not None:
        raise NotReady(reason)
