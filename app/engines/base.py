"""What an engine is: a loaded network that turns pictures into probabilities."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

MOST_LANES: Final = 2
"""No engine has more lanes: two are enough that one computes while the other gets its next batch."""


class Engine(Protocol):
    """A network ready to run. As many threads at a time may call it as it has lanes."""

    @property
    def name(self) -> str:
        """The engine's name as in the setting `SIGNS_ENGINE`."""

    @property
    def precision(self) -> str:
        """What it computes in: `float32`, `bfloat16` or `int8`."""

    @property
    def lanes(self) -> int:
        """So many runs at once, each with its share of the CPU threads, give the most pictures a second."""

    def run(self, images: Float32Array) -> Float32Array:
        """Probabilities float32 [n, classes] for pictures float32 [n, height, width, 3] in 0..1."""

    def warm_up(self, images: Float32Array) -> None:
        """Runs a batch wherever it may be run later, so that its kernels are there in time."""

    def close(self) -> None:
        """Frees the network's memory; `run` must not be called afterwards."""


class Locator(Protocol):
    """A small network that finds the hand in a whole picture. Any thread may call it."""

    def find(self, photo: Float32Array) -> Float32Array:
        """The likeliest hand's place, float32 [5]: its score in 0..1 and its box, x0, y0, x1, y1.

        `photo` is float32 [side, side, 3] in 0..1; the box is in fractions of it.
        """
