"""No picture of the generator gets anything but an answer or its own error, and none takes much memory."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from app.errors import ImageError
from app.imaging import FORMATS, decode
from tests.app.hostile_pictures import (
    MODES,
    animations,
    bombs,
    every_mode,
    every_orientation,
    hostile_pictures,
)

LEAST_SIDE = 256


def outcome(data: bytes) -> str:
    """`RGB`, or the name of the error."""
    try:
        return decode(data, least_side=LEAST_SIDE).mode
    except ImageError as error:
        return type(error).__name__


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of odd tags; no sender may fill the log so
def test_whatever_comes_is_a_picture_or_an_image_error() -> None:
    outcomes = Counter(outcome(data) for _, data in itertools.islice(hostile_pictures(0), 1000))
    assert outcomes["RGB"] > 100
    assert outcomes["CorruptImage"] > 100
    assert outcomes["ImageTooLarge"] > 1


@pytest.mark.parametrize("make", [every_mode, every_orientation, animations])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_merely_unusual_is_read(make: object) -> None:
    assert callable(make)
    assert {name: outcome(data) for name, data in make() if outcome(data) != "RGB"} == {}


def test_bombs_are_refused_by_their_header_or_are_within_the_limits() -> None:
    outcomes = {name: outcome(data) for name, data in bombs()}
    assert outcomes.pop("PNG bomb within the limit") == "RGB"
    assert outcomes.pop("PNG bomb") == "ImageTooLarge"
    assert set(outcomes.values()) <= {"ImageTooLarge", "CorruptImage"}, outcomes


def test_every_format_is_in_the_generator() -> None:
    assert set(MODES) == set(FORMATS)


def test_the_same_seed_gives_the_same_pictures() -> None:
    first, second = (list(itertools.islice(hostile_pictures(3), 600)) for _ in range(2))
    # An animated AVIF holds the time at which it was written.
    assert [name for name, _ in first] == [name for name, _ in second]
    differing = {name for one, other in zip(first, second, strict=True) if one != other for name in [one[0]]}
    assert all("AVIF animated" in name for name in differing), differing
