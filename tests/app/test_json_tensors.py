"""Nested lists become float32, or an error that says where they are no tensor."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.errors import TensorError
from app.json_tensors import flatten, to_float32, to_tensor

SHAPE = (None, 2, 3)
ROW = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
FINITE = {"allow_nan": False, "allow_infinity": False}


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 4), st.just(2), st.just(3)), elements=FINITE))
def test_a_tensor_comes_back_exactly(tensor: Any) -> None:
    read = to_tensor(tensor.tolist(), SHAPE)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, tensor)


@given(st.recursive(st.integers() | st.none() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_any_value_is_a_tensor_or_an_error(value: Any) -> None:
    with suppress(TensorError):
        assert to_tensor(value, SHAPE).shape[1:] == (2, 3)


def test_any_size_is_that_of_the_first() -> None:
    assert flatten([[1, 2], [3, 4]], (None, None)) == ([1, 2, 3, 4], (2, 2))
    with pytest.raises(TensorError, match="unexpected size: 1 at level: 1 expected size: 2"):
        flatten([[1, 2], [3]], (None, None))


def test_no_lists_are_an_empty_tensor() -> None:
    assert flatten([], SHAPE) == ([], (0, 2, 3))
    assert to_tensor([], SHAPE).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([ROW, ROW[:1]], "unexpected size: 1 at level: 1 expected size: 2"),
        ([[[0.0, 1.0, 2.0], [3.0, 4.0]]], "unexpected size: 2 at level: 2 expected size: 3"),
        ([1.0, 2.0], "JSON Value: 1.0 found at incorrect level: 2 in the JSON DOM. Expected at level: 4"),
        (1.0, "found at incorrect level: 1"),
        ("abc", 'JSON Value: "abc" Type: String is not of expected type: float'),
        ([{"a": 1}], "Type: Object is not of expected type: float"),
        ([[[0, 1, "2"], [3, 4, 5]]], 'JSON Value: "2" Type: String is not of expected type: float'),
        ([[[0, 1, True], [3, 4, 5]]], "Type: True is not of expected type: float"),
        ([[[0, 1, None], [3, 4, 5]]], "Type: Null is not of expected type: float"),
        ([[[0, 1, [2]], [3, 4, 5]]], "list at unexpected level"),
        ([[[0, 1, 1e999], [3, 4, 5]]], "JSON value: Infinity to float: expected finite"),
        ([[[0, 1, float("nan")], [3, 4, 5]]], "JSON value: NaN to float: expected finite"),
        ([[[0, 1, -1e39], [3, 4, 5]]], "JSON value: -1e[+]39 to float: expected finite float32"),
        ([[[0, 1, 10**400], [3, 4, 5]]], "JSON value: 1000"),
        ([[[0, 1, -(10**50)], [3, 4, 5]]], "JSON value: -1000"),
    ],
)
def test_what_is_no_tensor_is_told(value: Any, message: str) -> None:
    with pytest.raises(TensorError, match=message):
        to_tensor(value, SHAPE)


def test_depth_is_no_danger() -> None:
    deep: Any = 1.0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TensorError):
        to_tensor(deep, (1, 1, 1))
    while isinstance(deep, list):  # taken apart by hand: Python's own clean-up of it is recursive
        deep = deep[0]


def test_large_numbers_that_fit_are_kept() -> None:
    largest = float(np.finfo(np.float32).max)
    assert to_float32([largest, -largest, 2**64, 0]).tolist() == [largest, -largest, 2.0**64, 0.0]
