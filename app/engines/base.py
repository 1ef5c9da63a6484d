"""What an engine is: a loaded network that turns pictures into probabilities."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


class Engine(Protocol):
    """A network ready to run. One thread at a time may call it."""

    @property
    def name(self) -> str:
        """The engine's name as in the setting `SIGNS_ENGINE`."""

    @property
    def precision(self) -> str:
        """What it computes in: `float32`, `bfloat16` or `int8`."""

    def run(self, images: Float32Array) -> Float32Array:
        """Probabilities float32 [n, classes] for pictures float32 [n, height, width, 3] in 0..1."""

    def close(self) -> None:
        """Frees the network's memory; `run` must not be called afterwards."""


class Locator(Protocol):
    """A small network that finds the hand in a whole picture. Any thread may call it."""

    def find(self, photo: Float32Array) -> Float32Array:
        """The likeliest hand's place, float32 [5]: its score in 0..1 and its box, x0, y0, x1, y1.

        `photo` is float32 [side, side, 3] in 0..1; the box is in fractions of it.
        """
