"""Whether what an engine answers are probabilities."""

from __future__ import annotations

from app.engines.base import Float32Array

SUM_TOLERANCE = 1e-3
ROUGH_SUM_TOLERANCE = 2e-2
"""How far the sum of a row may be from 1: in float32, and in the precisions with fewer digits."""


def are_probabilities(rows: Float32Array, precision: str) -> bool:
    """Whether each row of float32 [n, classes] is a distribution, as exactly as `precision` allows."""
    tolerance = SUM_TOLERANCE if precision == "float32" else ROUGH_SUM_TOLERANCE
    # A NaN compares false, so that it is refused like a number out of range.
    in_range = (rows >= 0) & (rows <= 1 + tolerance)
    return bool(in_range.all() and (abs(rows.sum(axis=1) - 1) <= tolerance).all())
