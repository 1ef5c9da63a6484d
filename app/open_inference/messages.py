"""An inference request and its answer, as neither REST nor gRPC writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array on its way in or out."""

    name: str
    datatype: str
    """As the protocol names it: `FP32`, `BYTES`, ..."""
    shape: tuple[int, ...]
    data: bytes | Sequence[Any]
    """Its elements in the binary form, or one by one in row-major order, flat or nested by the shape:
    numbers, byte strings, or texts that stand for byte strings."""


@dataclass(frozen=True, slots=True)
class RequestedOutput:
    """An output that the client wants; with `classes` as that many labels in place of numbers."""

    name: str
    binary: bool | None = None
    """Whether in the binary form; None: as the request says."""
    classes: int | None = None


@dataclass(frozen=True, slots=True)
class InferRequest:
    """What is to be computed; without `outputs` all are wanted, in the binary form if `binary` says so."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[RequestedOutput, ...] = ()
    binary: bool = False
    identity: str = ""
    timeout: float | None = None
    """Seconds after which nobody waits any longer."""


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """What was computed, and by which model version."""

    model_name: str
    model_version: str
    identity: str
    outputs: tuple[Tensor, ...]
