"""The one signature that Signs serves, checked the same way for every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.errors import ModelError


class Tensor(NamedTuple):
    """A named input or output; -1 in the shape stands for any size."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [{', '.join(map(str, self.shape))}]"


IMAGES = Tensor("images", "float32", (-1, 64, 64, 3))
PLACES = Tensor("places", "float32", (-1, 5))


def check_signature(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Raises `ModelError` unless `images` goes in and `probabilities` float32 [-1, n] comes out."""
    if list(inputs) != [IMAGES]:
        raise ModelError(f"signature: expected the input {IMAGES}, received {_listed(inputs)}")
    probabilities = Tensor("probabilities", "float32", (-1, outputs[0].shape[-1] if outputs else 0))
    if list(outputs) != [probabilities] or probabilities.shape[1] < 2:
        raise ModelError(
            "signature: expected the output probabilities float32 [-1, n] for 2 or more classes, "
            f"received {_listed(outputs)}"
        )


def check_locator(inputs: Sequence[Tensor], outputs: Sequence[Tensor], side: int) -> None:
    """Raises `ModelError` unless `photos` of one side go in and `places` float32 [-1, 5] come out."""
    photos = Tensor("photos", "float32", (-1, side, side, 3))
    if list(inputs) != [photos] or list(outputs) != [PLACES]:
        raise ModelError(
            f"the locator's signature: expected {photos} to {PLACES}, "
            f"received {_listed(inputs)} to {_listed(outputs)}"
        )


def _listed(tensors: Sequence[Tensor]) -> str:
    return "; ".join(map(str, tensors)) or "none"
