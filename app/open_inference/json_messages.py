"""Requests and answers as REST carries them: a JSON object and, in the binary form, tensors after it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from app.errors import MalformedRequest
from app.json_body import parse_object, shown
from app.open_inference.answers import InferenceResponse, ResponseOutput, ResponseParameters
from app.open_inference.messages import InferAnswer, InferRequest, RequestedOutput, Tensor
from app.open_inference.requests import IndexRequest, InferenceRequest, RequestInput

MICROSECONDS = 1e-6


def read_infer_request(body: bytes, header_length: int | None = None) -> InferRequest:
    """The request in a body that is JSON, or begins with `header_length` bytes of it.

    Raises `MalformedRequest` where it is none, or where its parts and its sizes disagree.
    """
    length = len(body) if header_length is None else header_length
    if length > len(body):
        raise MalformedRequest(f"expected {length} bytes of JSON by the header, received {len(body)} in all")
    return to_infer_request(parse_object(body[:length]), body[length:])


def to_infer_request(document: dict[str, Any], tail: bytes) -> InferRequest:
    """The request in a JSON object, the inputs without `data` in the bytes after it."""
    try:
        request = InferenceRequest.model_validate(document)
    except ValidationError as error:
        raise _malformed(error) from None
    timeout = request.parameters.timeout
    return InferRequest(
        inputs=_inputs(request.inputs, tail),
        outputs=tuple(
            RequestedOutput(each.name, each.parameters.binary_data, each.parameters.classification)
            for each in request.outputs
        ),
        binary=request.parameters.binary_data_output,
        identity=request.id,
        timeout=timeout * MICROSECONDS if timeout else None,
    )


def read_index_request(body: bytes) -> IndexRequest:
    """The request in a body that may be empty; raises `MalformedRequest`."""
    try:
        return IndexRequest.model_validate(parse_object(body) if body else {})
    except ValidationError as error:
        raise _malformed(error) from None


def write_infer_answer(answer: InferAnswer) -> tuple[bytes, int | None]:
    """The body and, where tensors follow its JSON, the length of that."""
    response = InferenceResponse(
        model_name=answer.model_name,
        model_version=answer.model_version,
        id=answer.identity,
        outputs=[_output(tensor) for tensor in answer.outputs],
    )
    header = response.model_dump_json(exclude_none=True).encode()
    binary = [tensor.data for tensor in answer.outputs if isinstance(tensor.data, bytes)]
    return b"".join((header, *binary)), len(header) if binary else None


def _inputs(inputs: list[RequestInput], tail: bytes) -> tuple[Tensor, ...]:
    """Each with its elements or with its share of the bytes after the JSON."""
    announced = sum(each.parameters.binary_data_size or 0 for each in inputs)
    if announced != len(tail):
        raise MalformedRequest(
            f"expected {announced} bytes after the JSON, as `binary_data_size` says, received {len(tail)}"
        )
    tensors, offset = list[Tensor](), 0
    for each in inputs:
        data, size = each.data, each.parameters.binary_data_size
        if (data is None) == (size is None):
            raise MalformedRequest(
                f"input {shown(each.name)}: expected either `data` or `parameters.binary_data_size`, "
                f"received {'neither' if data is None else 'both'}"
            )
        values: Any = tail[offset : offset + size] if size is not None else data
        tensors.append(Tensor(each.name, each.datatype, tuple(each.shape), values))
        offset += size or 0
    return tuple(tensors)


def _output(tensor: Tensor) -> ResponseOutput:
    output = ResponseOutput(name=tensor.name, shape=list(tensor.shape), datatype=tensor.datatype)
    if isinstance(tensor.data, bytes):
        output.parameters = ResponseParameters(binary_data_size=len(tensor.data))
    else:
        output.data = list(tensor.data)
    return output


def _malformed(error: ValidationError) -> MalformedRequest:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return MalformedRequest(f"{place or 'request'}: {first['msg']}, received {shown(first['input'])}")
