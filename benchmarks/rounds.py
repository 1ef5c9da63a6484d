"""Several rounds of the same figures made one: a machine drifts by a fifth from hour to hour."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def median_of(rounds: Sequence[Any]) -> Any:
    """The JSON of one round with each number the median of all rounds'; texts are the first round's.

    All rounds have the same keys and lengths. Of an even count of integers it is the lower of the middle two.
    """
    first = rounds[0]
    if isinstance(first, dict):
        return {key: median_of([each[key] for each in rounds]) for key in first}
    if isinstance(first, list):
        return [median_of(each) for each in zip(*rounds, strict=True)]
    if isinstance(first, int):
        return statistics.median_low(rounds)
    return statistics.median(rounds) if isinstance(first, float) else first


def median_of_sound(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`median_of` those rounds in which no `error` is told; the first round where there is none."""
    sound = [each for each in rounds if not each.get("error")]
    merged: dict[str, Any] = median_of(sound or rounds[:1])
    return merged
