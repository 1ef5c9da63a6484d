"""Tensors inside JSON: nested lists of numbers to arrays, level by level, so that no depth is a danger."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from app.engines.base import Float32Array
from app.errors import TensorError
from app.json_body import shown, type_name

LARGEST = float(np.finfo(np.float32).max)


def to_tensor(value: Any, shape: Sequence[int | None]) -> Float32Array:
    """Lists nested as `shape` says, where None is any size, as float32; see `flatten` and `to_float32`."""
    leaves, sizes = flatten(value, shape)
    return to_float32(leaves).reshape(sizes)


def flatten(value: Any, shape: Sequence[int | None]) -> tuple[list[Any], tuple[int, ...]]:
    """The values of lists that are nested as `shape` says, in row-major order, and their exact shape.

    Raises `TensorError` where a list is missing, surplus or of another size than `shape` or its neighbours.
    """
    level, sizes = [value], list[int]()
    for depth, size in enumerate(shape):
        for item in level:
            if type(item) is not list:
                raise _misplaced(item, depth, len(shape))
        size = size if size is not None or not level else len(level[0])
        for received in map(len, level):
            if received != size:
                raise TensorError(
                    f"Encountered list at unexpected size: {received} at level: {depth} expected size: {size}"
                )
        sizes.append(size or 0)
        level = list(chain.from_iterable(level))
    return level, tuple(sizes)


def to_float32(leaves: list[Any]) -> Float32Array:
    """JSON numbers as float32 [n]; raises `TensorError` for other values, and for those out of range."""
    if not set(map(type, leaves)) <= {int, float}:
        raise _not_a_number(next(leaf for leaf in leaves if type(leaf) not in (int, float)))
    try:
        numbers = np.array(leaves, np.float64)
    except OverflowError:  # an integer beyond float64
        raise _out_of_range(next(leaf for leaf in leaves if abs(leaf) > LARGEST)) from None
    within = np.abs(numbers) <= LARGEST
    if not within.all():
        raise _out_of_range(leaves[int(within.argmin())])
    return numbers.astype(np.float32)


def _misplaced(item: Any, depth: int, rank: int) -> TensorError:
    if type(item) not in (int, float):
        return _not_a_number(item)
    return TensorError(
        f"JSON Value: {shown(item)} found at incorrect level: {depth + 1} in the JSON DOM. "
        f"Expected at level: {rank + 1}"
    )


def _not_a_number(item: Any) -> TensorError:
    if isinstance(item, list):
        return TensorError("Encountered list at unexpected level: expected numbers in the innermost lists")
    return TensorError(f"JSON Value: {shown(item)} Type: {type_name(item)} is not of expected type: float")


def _out_of_range(item: Any) -> TensorError:
    return TensorError(f"Cannot convert JSON value: {shown(item)} to float: expected finite float32 numbers")
