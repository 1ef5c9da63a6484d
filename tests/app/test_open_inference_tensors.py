"""The codec of tensors: what goes in comes out, and what does not fill its shape is refused."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from app.errors import MalformedRequest, TensorError
from app.open_inference.messages import Tensor
from app.open_inference.tensors import read_byte_strings, read_floats, write_byte_strings, write_floats

Shape = tuple[int, ...]
FLOATS = st_numpy.arrays(
    np.float32, st_numpy.array_shapes(max_dims=4, max_side=4), elements=st.floats(0, 1, width=32)
)


def fp32(data: Any, *shape: int) -> Tensor:
    return Tensor("images", "FP32", shape, data)


def byte_strings(data: Any, *shape: int) -> Tensor:
    return Tensor("images", "BYTES", shape, data)


@given(FLOATS)
def test_numbers_are_the_same_in_every_form(array: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    for data in (write_floats(array), array.ravel().tolist(), array.tolist()):
        np.testing.assert_array_equal(read_floats(fp32(data, *array.shape)), array, strict=True)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_byte_strings_are_the_same_in_the_binary_form(elements: list[bytes]) -> None:
    binary = write_byte_strings(elements)
    assert read_byte_strings(byte_strings(binary, len(elements))) == elements
    assert read_byte_strings(byte_strings(elements, len(elements), 1)) == elements


def test_the_binary_form_is_little_endian_with_lengths_before_the_elements() -> None:
    assert write_floats(np.array([[1.0, -2.0]], np.float32)) == bytes.fromhex("0000803f000000c0")
    assert write_byte_strings([b"hand", b""]) == b"\x04\x00\x00\x00hand\x00\x00\x00\x00"


@given(st.binary(max_size=64), st.integers(0, 5))
def test_any_bytes_are_elements_or_refused(data: bytes, count: int) -> None:
    try:
        elements = read_byte_strings(byte_strings(data, count))
    except TensorError:
        return
    assert write_byte_strings(elements) == data
    assert len(elements) == count


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (bytes(15), (2, 2)),
        (bytes(17), (2, 2)),
        ([1.0, 2.0, 3.0], (2, 2)),
        ([[1.0, 2.0], [3.0]], (2, 2)),
        ([[1.0, 2.0], 3.0], (2, 2)),
        ([[1.0, 2.0], [3.0, [4.0]]], (2, 2)),
        ([1.0, [2.0, 3.0, 4.0]], (2, 2)),
        ([[[1.0, 2.0, 3.0, 4.0]]], (2, 2)),
        ([1.0, 2.0, 3.0, True], (2, 2)),
        ([1.0, 2.0, 3.0, "4"], (2, 2)),
        ([1.0, 2.0, 3.0, None], (2, 2)),
        ([1.0, 2.0, 3.0, {}], (2, 2)),
        ([1.0, 2.0, 3.0, 1e39], (2, 2)),
        ([1.0, 2.0, 3.0, 10**400], (2, 2)),
        ([], (2, 2)),
        ([[]], (2, 2)),
    ],
)
def test_numbers_that_do_not_fill_the_shape_are_refused(data: Any, shape: Shape) -> None:
    with pytest.raises(TensorError):
        read_floats(fp32(data, *shape))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x00\x00",
        struct.pack("<I", 5) + b"hand",
        struct.pack("<I", 2**32 - 1) + b"hand",
        struct.pack("<I", 4) + b"hand" + b"\x00",
        [b"hand", b"hand"],
        [],
    ],
)
def test_byte_strings_that_do_not_fill_the_shape_are_refused(data: Any) -> None:
    with pytest.raises(TensorError, match="images"):
        read_byte_strings(byte_strings(data, 1))


@pytest.mark.parametrize("element", ["%%%%", "aGFuZA", "aGFu\nZA==", "händ", 1, None, {}, True])
def test_a_text_that_is_no_base64_is_refused(element: Any) -> None:
    with pytest.raises(MalformedRequest, match="base64"):
        read_byte_strings(byte_strings([element], 1))


def test_texts_are_base64() -> None:
    assert read_byte_strings(byte_strings(["aGFuZA=="], 1)) == [b"hand"]
