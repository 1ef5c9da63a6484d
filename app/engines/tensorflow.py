"""The reference engine: TensorFlow calls the SavedModel's own signature."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from app.engines.base import Float32Array
from app.engines.signature import Tensor, check_locator, check_signature
from app.errors import ModelError

SIGNATURE = "serving_default"


class TensorFlowEngine:
    """A SavedModel in TensorFlow, always in float32.

    Raises `ModelError` where `folder` holds no SavedModel with the expected signature, or where
    another `precision` than `auto` or `float32` is asked for.
    """

    name = "tensorflow"
    precision = "float32"
    lanes = 1

    def __init__(self, folder: Path, threads: int, precision: str) -> None:
        if precision not in ("auto", "float32"):
            raise ModelError(f"the tensorflow engine: expected auto or float32, received {precision}")
        # TensorFlow fixes its threads when it first runs; a second version inherits them.
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        self._loaded = _load(folder)  # the signature does not keep the variables alive
        self._signature = _signature(self._loaded, folder)
        _, inputs = self._signature.structured_input_signature
        check_signature(_tensors(inputs), _tensors(self._signature.structured_outputs))

    def run(self, images: Float32Array) -> Float32Array:
        # Not Keras' predict, which traces anew for new shapes and keeps the memory.
        probabilities: Float32Array = self._signature(images=tf.constant(images))["probabilities"].numpy()
        return probabilities

    def warm_up(self, images: Float32Array) -> None:
        self.run(images)

    def close(self) -> None:
        self._loaded = self._signature = None


class TensorFlowLocator:
    """The locator's SavedModel in TensorFlow; raises `ModelError` where `folder` holds none."""

    def __init__(self, folder: Path, side: int) -> None:
        self._loaded = _load(folder)
        self._signature = _signature(self._loaded, folder)
        _, inputs = self._signature.structured_input_signature
        check_locator(_tensors(inputs), _tensors(self._signature.structured_outputs), side)

    def find(self, photo: Float32Array) -> Float32Array:
        place: Float32Array = self._signature(photos=tf.constant(photo[np.newaxis]))["places"].numpy()[0]
        return place


def _load(folder: Path) -> Any:
    try:
        return tf.saved_model.load(str(folder))
    # Broken folders raise OSError, ValueError, KeyError, protobuf's and TensorFlow's own errors.
    except Exception as error:
        raise ModelError(f"{folder}: TensorFlow reads no SavedModel there: {error}") from error


def _signature(loaded: Any, folder: Path) -> Any:
    try:
        return loaded.signatures[SIGNATURE]
    except (AttributeError, KeyError):
        received = ", ".join(getattr(loaded, "signatures", ())) or "none"
        raise ModelError(f"{folder}: expected the signature {SIGNATURE}, received {received}") from None


def _tensors(specs: Mapping[str, Any]) -> list[Tensor]:
    return [
        Tensor(name, spec.dtype.name, tuple(-1 if size is None else size for size in spec.shape))
        for name, spec in specs.items()
    ]
