"""The one input and the one output of a sign model: from a request to pictures or numbers, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from app.engines.base import Float32Array
from app.engines.signature import IMAGES
from app.errors import MalformedRequest, TensorError
from app.imaging import begins_like_image
from app.json_body import shown
from app.manifest import InputSpec
from app.open_inference.messages import InferRequest, RequestedOutput, Tensor
from app.open_inference.tensors import (
    FLOAT32,
    read_byte_strings,
    read_floats,
    write_byte_strings,
    write_floats,
)

INPUT: Final = IMAGES.name
OUTPUT: Final = "probabilities"


def raw_request(body: bytes, spec: InputSpec) -> InferRequest:
    """The request of a body without JSON: one picture, or the numbers of one; all outputs are binary.

    Only a body that begins as no picture does, and has just the size for it, is taken for numbers.
    """
    shape = (1, spec.height, spec.width, 3)
    if len(body) == math.prod(shape) * FLOAT32.itemsize and not begins_like_image(body):
        tensor = Tensor(INPUT, "FP32", shape, body)
    else:
        tensor = Tensor(INPUT, "BYTES", (1,), [body])
    return InferRequest((tensor,), binary=True)


def read_input(request: InferRequest, spec: InputSpec, most: int) -> list[bytes] | Float32Array:
    """1 to `most` encoded pictures, or their numbers as float32 [n, height, width, 3].

    Raises `TensorError` and `MalformedRequest`.
    """
    tensor = _only_input(request)
    if tensor.datatype == "BYTES":
        _check_shape(tensor, [[], [1]], most)
        return read_byte_strings(tensor)
    if tensor.datatype == "FP32":
        _check_shape(tensor, [[spec.height, spec.width, 3]], most)
        return read_floats(tensor)
    raise TensorError(
        f"input {INPUT!r}: expected the datatype FP32, or BYTES for encoded pictures, "
        f"received {shown(tensor.datatype)}"
    )


def read_outputs(request: InferRequest) -> tuple[RequestedOutput, ...]:
    """The outputs that are wanted, `binary` settled for each; raises `MalformedRequest`."""
    outputs = request.outputs or (RequestedOutput(OUTPUT),)
    names = [output.name for output in outputs]
    if names != [OUTPUT]:
        raise MalformedRequest(f"expected the output {OUTPUT!r} once, received {_listed(names)}")
    return tuple(
        RequestedOutput(each.name, request.binary if each.binary is None else each.binary, each.classes)
        for each in outputs
    )


def write_output(rows: Float32Array, output: RequestedOutput, labels: Sequence[str]) -> Tensor:
    """Probabilities float32 [n, classes] as they are, or as the first so many labels of each row."""
    if output.classes is not None:
        return _classification(rows, output, labels)
    data = write_floats(rows) if output.binary else rows.ravel().tolist()
    return Tensor(output.name, "FP32", rows.shape, data)


def _classification(rows: Float32Array, output: RequestedOutput, labels: Sequence[str]) -> Tensor:
    """The extension "classification": `VALUE:INDEX:LABEL`, the most probable first."""
    best = (-rows).argsort(axis=1, kind="stable")[:, : output.classes]
    texts = [
        f"{row[index]:.6f}:{index}:{labels[index]}"
        for row, indices in zip(rows, best, strict=True)
        for index in indices
    ]
    data = write_byte_strings(text.encode() for text in texts) if output.binary else texts
    return Tensor(output.name, "BYTES", best.shape, data)


def _only_input(request: InferRequest) -> Tensor:
    names = [tensor.name for tensor in request.inputs]
    if names != [INPUT]:
        raise MalformedRequest(f"expected the input {INPUT!r} once, received {_listed(names)}")
    return request.inputs[0]


def _check_shape(tensor: Tensor, expected: Sequence[Sequence[int]], most: int) -> None:
    """Raises `TensorError` unless the shape is the number of pictures and one of the `expected` rests."""
    count, *rest = tensor.shape or (0,)
    if rest not in expected or not tensor.shape:
        choices = " or ".join(str(["n", *each]).replace("'", "") for each in expected)
        raise TensorError(
            f"input {INPUT!r}: expected the shape {choices} of a tensor of {tensor.datatype}, "
            f"received {list(tensor.shape)}"
        )
    if not 1 <= count <= most:
        raise TensorError(f"input {INPUT!r}: expected 1 to {most} pictures, received {count}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names)) or "none"
