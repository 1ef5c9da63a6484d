"""Between the wire and NumPy: the one codec of tensors, for REST and gRPC.

The binary form is that of the protocol's extension "binary_tensor_data" and of gRPC's raw contents:
little-endian, row-major; an element of a BYTES tensor is its length as uint32, then its bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from app.encoded_images import decode_base64
from app.engines.base import Float32Array
from app.errors import TensorError
from app.json_tensors import flatten, to_float32
from app.open_inference.messages import Tensor

LENGTH: Final = struct.Struct("<I")
FLOAT32: Final = np.dtype("<f4")


def read_floats(tensor: Tensor) -> Float32Array:
    """The numbers of an FP32 tensor in its shape; raises `TensorError` where they do not fill it."""
    if not isinstance(tensor.data, bytes):
        return to_float32(_elements(tensor)).reshape(tensor.shape)
    expected = math.prod(tensor.shape) * FLOAT32.itemsize
    if len(tensor.data) != expected:
        raise _mismatch(tensor, f"{expected} bytes", f"{len(tensor.data)} bytes")
    return np.frombuffer(tensor.data, FLOAT32).astype(np.float32, copy=False).reshape(tensor.shape)


def read_byte_strings(tensor: Tensor) -> list[bytes]:
    """The elements of a BYTES tensor; texts are base64.

    Raises `TensorError` where they do not fill it, `MalformedRequest` for texts that are no base64.
    """
    if isinstance(tensor.data, bytes):
        return _split(tensor, tensor.data)
    return [
        element if isinstance(element, bytes) else decode_base64(element) for element in _elements(tensor)
    ]


def write_floats(rows: Float32Array) -> bytes:
    """The binary form of an FP32 tensor."""
    return rows.astype(FLOAT32, copy=False).tobytes()


def write_byte_strings(elements: Iterable[bytes]) -> bytes:
    """The binary form of a BYTES tensor."""
    return b"".join(part for element in elements for part in (LENGTH.pack(len(element)), element))


def _elements(tensor: Tensor) -> list[Any]:
    """One by one, whether they came flat or nested by the shape."""
    data = list(tensor.data)
    if data and isinstance(data[0], list):
        return flatten(data, tensor.shape)[0]
    expected = math.prod(tensor.shape)
    if len(data) != expected:
        raise _mismatch(tensor, f"{expected} elements", str(len(data)))
    return data


def _split(tensor: Tensor, data: bytes) -> list[bytes]:
    expected = math.prod(tensor.shape)
    elements: list[bytes] = []
    offset = 0
    while offset < len(data) and len(elements) < expected:
        start = offset + LENGTH.size
        # Short of its length, the last element ends beyond the data whatever the bytes there say.
        offset = start + LENGTH.unpack_from(data, offset)[0] if start <= len(data) else start
        elements.append(data[start:offset])
    if len(elements) != expected or offset != len(data):
        raise _mismatch(
            tensor,
            f"{expected} elements, each after its length as a little-endian uint32",
            f"{len(data)} bytes that hold {len(elements)} and end at {offset}",
        )
    return elements


def _mismatch(tensor: Tensor, expected: str, received: str) -> TensorError:
    shape = list(tensor.shape)
    return TensorError(
        f"input {tensor.name!r}: expected {expected} for the shape {shape}, received {received}"
    )
