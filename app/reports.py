"""What a worker tells its parent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listening:
    """It accepts connections."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It can answer, by a version of a model; `resident` bytes of it lie in memory."""

    model: str
    version: int
    resident: int


Report = Listening | Ready
