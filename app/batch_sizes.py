"""Which sizes of batches are run: few, since an engine makes kernels for each, which take time and stay."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from app.engines.base import Float32Array
from app.tensors import joined


def batch_sizes(most: int) -> tuple[int, ...]:
    """Sizes from 1 to `most`: the powers of two, and between each two the one and a half of the lower."""
    sizes = [1]
    while sizes[-1] < most:
        lower = 1 << sizes[-1].bit_length() - 1
        sizes.append(min(most, sizes[-1] + max(1, lower // 2)))
    return tuple(sizes)


def filled(parts: Sequence[Float32Array], sizes: Sequence[int]) -> Float32Array:
    """All pictures float32 [n, height, width, 3] in one batch, filled up with black ones to one of `sizes`.

    These ascend, and the last holds all pictures. A lone part of such a size is not copied.
    """
    count = sum(map(len, parts))
    blank = sizes[bisect_left(sizes, count)] - count
    return joined([*parts, np.zeros((blank, *parts[0].shape[1:]), np.float32)] if blank else parts)
