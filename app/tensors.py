"""Pictures as numbers: joined, and what is asked of those that come so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.engines.base import Float32Array
from app.errors import TensorError
from app.manifest import InputSpec


def joined(parts: Sequence[Float32Array]) -> Float32Array:
    """All in one, along the first axis; a lone one is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def check_tensor(images: Float32Array, spec: InputSpec, most: int) -> None:
    """Raises `TensorError` unless it is 1 to `most` pictures of the network's input, all finite."""
    if images.dtype != np.float32 or images.shape[1:] != (spec.height, spec.width, 3):
        received = f"{images.dtype} {list(images.shape)}"
        raise TensorError(f"expected float32 [n, {spec.height}, {spec.width}, 3], received {received}")
    check_count(len(images), most)
    if not np.isfinite(images).all():
        raise TensorError("expected finite numbers, received NaN or infinity")


def check_count(pictures: int, most: int) -> None:
    """Raises `TensorError` unless there are 1 to `most` pictures."""
    if not 1 <= pictures <= most:
        raise TensorError(f"expected 1 to {most} pictures, received {pictures}")
