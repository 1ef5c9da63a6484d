"""Requests and answers as gRPC carries them: the messages of `service.proto`, from its compiled form.

They live in a pool of their own, so that a process may hold the same names of another library as well.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from pydantic import BaseModel

from app.errors import MalformedRequest
from app.open_inference.json_messages import to_infer_request
from app.open_inference.messages import InferAnswer, InferRequest, Tensor

POOL: Final = DescriptorPool()
for _file in FileDescriptorSet.FromString((files("app.open_inference") / "service.binpb").read_bytes()).file:
    POOL.Add(_file)
SERVICE: Final = POOL.FindServiceByName("inference.GRPCInferenceService")

CONTENTS: Final = {"FP32": "fp32_contents", "BYTES": "bytes_contents"}
"""The field of `InferTensorContents` that holds the elements of a datatype."""


def read_infer_request(message: Any) -> InferRequest:
    """The request in a `ModelInferRequest`; raises `MalformedRequest`.

    Raw contents are the binary form of JSON's requests; whoever sends them gets raw ones.
    """
    raw = list(message.raw_input_contents)
    if raw and (len(raw) != len(message.inputs) or any(each.HasField("contents") for each in message.inputs)):
        raise MalformedRequest(
            f"expected either `contents` or one of `raw_input_contents` for each of {len(message.inputs)} "
            f"inputs, received {len(raw)} of these"
        )
    document = {
        "id": message.id,
        "parameters": _chosen(message.parameters, "timeout") | {"binary_data_output": bool(raw)},
        "inputs": [_input(each, raw[index] if raw else None) for index, each in enumerate(message.inputs)],
        "outputs": [
            {"name": each.name, "parameters": _chosen(each.parameters, "classification")}
            for each in message.outputs
        ],
    }
    return to_infer_request(document, b"".join(raw))


def write_infer_answer(answer: InferAnswer) -> Message:
    """The `ModelInferResponse` of an answer."""
    message = new_message("ModelInferResponse")
    message.model_name, message.model_version = answer.model_name, answer.model_version
    message.id = answer.identity
    for tensor in answer.outputs:
        output = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if isinstance(tensor.data, bytes):
            message.raw_output_contents.append(tensor.data)
        else:
            getattr(output.contents, CONTENTS[tensor.datatype]).extend(_elements(tensor))
    return message


def new_message(name: str) -> Any:
    """An empty message of the kind called `name`."""
    return GetMessageClass(POOL.FindMessageTypeByName(f"inference.{name}"))()


def to_message(kind: Any, content: BaseModel | dict[str, Any]) -> Message:
    """The message of the descriptor `kind` with the fields of what REST answers."""
    fields = content.model_dump() if isinstance(content, BaseModel) else content
    return ParseDict(fields, GetMessageClass(kind)())


def _input(tensor: Any, raw: bytes | None) -> dict[str, Any]:
    field = CONTENTS.get(tensor.datatype, "fp32_contents")
    content = (
        {"data": list(getattr(tensor.contents, field))}
        if raw is None
        else {"parameters": {"binary_data_size": len(raw)}}
    )
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)} | content


def _chosen(parameters: Any, name: str) -> dict[str, Any]:
    """The parameter called `name`, where it is given."""
    if name not in parameters:
        return {}
    kind = parameters[name].WhichOneof("parameter_choice")
    return {name: getattr(parameters[name], kind) if kind else None}


def _elements(tensor: Tensor) -> list[Any]:
    return [each.encode() if isinstance(each, str) else each for each in tensor.data]
