"""The figures of two Ray nodes say what does not hold. The nodes themselves: tests/end_to_end/test_ray.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.soak.ray_cluster import draw, figures_of

SEEN: dict[str, Any] = {
    "sent": 30,
    "moments": [0.5, 1.5, 9.5],
    "retried": 1,
    "lost": 0,
    "wrong": 0,
    "failures": [(3.5, 500)],
    "replicas": [(0.0, 1), (2.0, 2), (4.0, 1), (6.0, 2), (9.0, 1)],
    "events": {
        "load": 0.0,
        "two replicas": 2.0,
        "node killed": 3.0,
        "one replica": 4.0,
        "node added": 5.0,
        "two replicas again": 6.0,
        "load ended": 8.0,
        "scaled down": 9.0,
    },
}


def broken(**changes: Any) -> list[str]:
    return [each.what for each in figures_of(SEEN | changes) if not each.holds]


def test_all_holds() -> None:
    assert broken() == []
    values = {each.what: each.value for each in figures_of(SEEN)}
    assert values["tries that failed"] == "1 (1 x 500)"
    assert values["from the kill until it was noticed"] == "1.0 s"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"lost": 1}, "requests lost"),
        ({"wrong": 1}, "answers unlike those without load"),
        ({"failures": [(8.5, 0)]}, "tries that failed while replicas were taken away"),
        ({"replicas": [(0.0, 1)]}, "replicas under load"),
        ({"replicas": [(0.0, 1), (2.0, 2)]}, "replicas in the end"),
    ],
)
def test_what_does_not_hold_is_told(changes: dict[str, Any], what: str) -> None:
    assert broken(**changes) == [what]


@pytest.mark.parametrize("failures", [SEEN["failures"], []])
def test_the_picture_is_drawn(failures: list[tuple[float, int]], tmp_path: Path) -> None:
    draw(SEEN | {"failures": failures}, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > 500
