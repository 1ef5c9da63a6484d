"""Where the network looks: fixed windows, or squares about the hand that a locator finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.engines.constant import ConstantLocator, constant_manifest
from app.imaging import fit
from app.manifest import Locating, Manifest, Views, Window
from app.views import (
    LEAST_WINDOW,
    combined,
    least_side,
    look,
    of_standard_size,
    square_about,
    windows_of,
)

LOCATING = Locating(side=96, least_score=0.3, closeness=(1.2, 1.6))


def with_views(**views: Any) -> Manifest:
    return constant_manifest().model_copy(update={"views": Views(**views)})


def gradient(width: int = 80, height: int = 60) -> Image.Image:
    return Image.fromarray(
        np.arange(width * height * 3, dtype=np.uint32).astype(np.uint8).reshape(height, width, 3)
    )


def test_without_a_locator_the_fixed_windows_are_looked_at() -> None:
    windows = (Window(), Window(x0=0.5))
    seen = look(gradient(), with_views(windows=windows, locating=LOCATING), None)
    assert seen.windows == windows
    assert np.array_equal(seen.views, [fit(gradient(), window) for window in windows])


@pytest.mark.parametrize(
    ("size", "seen"),
    [((4000, 3000), (512, 384)), ((700, 1400), (256, 512)), ((513, 1), (512, 1)), ((512, 90), (512, 90))],
)
def test_large_pictures_are_looked_at_in_a_standard_size(
    size: tuple[int, int], seen: tuple[int, int]
) -> None:
    picture = Image.linear_gradient("L").convert("RGB").resize(size)
    standard = of_standard_size(picture)
    assert standard.size == seen
    assert np.array_equal(look(picture, with_views(), None).views, look(standard, with_views(), None).views)


def test_a_found_hand_is_looked_at_closely() -> None:
    manifest = with_views(locating=LOCATING)
    seen = look(gradient(80, 60), manifest, ConstantLocator([0.9, 0.4, 0.4, 0.6, 0.6]))
    for window, closeness in zip(seen.windows, LOCATING.closeness, strict=True):
        assert (window.x1 - window.x0) * 80 == pytest.approx(16 * closeness)
        assert (window.y1 - window.y0) * 60 == pytest.approx(16 * closeness)
        assert (window.x0 + window.x1) / 2 == pytest.approx(0.5)
    assert seen.views.shape == (2, 64, 64, 3)


def test_a_hand_that_is_hardly_found_changes_nothing() -> None:
    views = Views(locating=LOCATING)
    assert windows_of(gradient(), views, ConstantLocator([0.29, 0.4, 0.4, 0.6, 0.6])) == views.windows


def test_combining_keeps_the_sum() -> None:
    rows = np.array([[0.9, 0.1], [0.5, 0.5]], np.float32)
    assert combined(rows, Views()).tolist() == pytest.approx([0.7, 0.3])
    assert combined(rows, Views(combine="geometric")).tolist() == pytest.approx([0.75, 0.25])
    assert combined(
        np.array([[1.0, 0.0]] * 2, np.float32), Views(combine="geometric")
    ).tolist() == pytest.approx([1, 0])


def test_mirrored_views_follow_the_others() -> None:
    seen = look(gradient(), with_views(mirror=True), None)
    assert np.array_equal(seen.views[1], seen.views[0][:, ::-1])
    assert len(seen.windows) == 1


def test_every_second_window_is_mirrored_where_views_alternate() -> None:
    locator = ConstantLocator([0.9, 0.4, 0.4, 0.6, 0.6])
    plain = look(gradient(80, 60), with_views(locating=LOCATING), locator)
    seen = look(gradient(80, 60), with_views(locating=LOCATING, alternate=True), locator)
    assert np.array_equal(seen.views[0], plain.views[0])
    assert np.array_equal(seen.views[1], plain.views[1][:, ::-1])
    assert not np.array_equal(seen.views[1], plain.views[1])
    assert seen.windows == plain.windows


def test_a_lone_window_is_looked_at_both_ways_round_where_views_alternate() -> None:
    seen = look(gradient(), with_views(alternate=True), None)
    assert np.array_equal(seen.views, look(gradient(), with_views(mirror=True), None).views)
    assert len(seen.windows) == 1


def test_a_picture_of_few_pixels_is_looked_at_once_and_as_it_is() -> None:
    manifest = with_views(locating=LOCATING, mirror=True, as_is_to=80)
    locator = ConstantLocator([0.9, 0.4, 0.4, 0.6, 0.6])
    small = look(gradient(80, 60), manifest, locator)
    assert np.array_equal(small.views, [fit(gradient(80, 60))])
    assert small.windows == (Window(),)
    assert len(look(gradient(60, 81), manifest, locator).views) == 4


@pytest.mark.parametrize(
    ("views", "most"),
    [
        (Views(), 1),
        (Views(mirror=True), 2),
        (Views(locating=LOCATING), 2),
        (Views(locating=LOCATING, mirror=True), 4),
        (Views(windows=(Window(),) * 3, locating=LOCATING), 3),
        (Views(alternate=True), 2),
        (Views(locating=LOCATING, alternate=True), 2),
    ],
)
def test_the_most_views_of_a_picture(views: Views, most: int) -> None:
    assert views.most == most


@given(
    box=st.lists(st.floats(0, 1), min_size=4, max_size=4),
    size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    closeness=st.floats(0.5, 4),
)
def test_squares_lie_within_the_picture(
    box: Sequence[float], size: tuple[int, int], closeness: float
) -> None:
    x0, x1 = sorted(box[::2])
    y0, y1 = sorted(box[1::2])
    window = square_about([x0, y0, x1, y1], size, closeness)  # refuses what lies outside 0..1
    width, height = size
    side = (window.x1 - window.x0) * width
    assert side == pytest.approx((window.y1 - window.y0) * height, rel=1e-6)
    assert LEAST_WINDOW * min(size) <= side * (1 + 1e-6)


def test_a_jpeg_keeps_the_pixels_that_the_windows_need() -> None:
    assert least_side(constant_manifest()) == 256
    assert least_side(with_views(windows=(Window(), Window(x0=0.25, x1=0.75)))) == 512
    assert least_side(with_views(locating=LOCATING)) == 732
