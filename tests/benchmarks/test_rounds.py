"""Rounds become one by their medians."""

from __future__ import annotations

import pytest

from benchmarks.rounds import median_of, median_of_sound


@pytest.mark.parametrize(
    ("rounds", "median"),
    [
        ([1.0, 9.0, 2.0], 2.0),
        ([1.0, 2.0], 1.5),
        ([3, 1], 1),
        (["a", "b"], "a"),
        ([None, None], None),
        ([{"a": 1.0, "b": [{"c": 5.0}]}, {"a": 3.0, "b": [{"c": 1.0}]}], {"a": 2.0, "b": [{"c": 3.0}]}),
        ([[], []], []),
    ],
)
def test_each_number_is_the_median_of_the_rounds(rounds: list[object], median: object) -> None:
    assert median_of(rounds) == median


def test_a_failed_round_counts_only_where_all_failed() -> None:
    good, bad = {"error": "", "peak": {"p50": 2.0}}, {"error": "died", "peak": None}
    assert median_of_sound([bad, good]) == good
    assert median_of_sound([bad, bad | {"error": "again"}]) == bad
