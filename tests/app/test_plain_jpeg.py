"""What is decoded past Pillow's reading of the header is what `imaging` decodes; all else is left to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.errors import CorruptImage
from app.imaging import decode
from app.plain_jpeg import plain_jpeg
from tests.app.hostile_pictures import encode

LONGEST = 128


def _picture(mode: str = "RGB", size: tuple[int, int] = (61, 47)) -> Image.Image:
    values = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(values).convert(mode)


def _jpeg(picture: Image.Image, **options: Any) -> bytes:
    return encode(picture, "JPEG", **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quality": 30},
        {"subsampling": 0},
        {"subsampling": 1},
        {"optimize": True},
        {"restart_marker_rows": 1},
        {"comment": b"a hand"},
        {"dpi": (300, 300)},
    ],
)
def test_what_is_usual_is_decoded_alike(options: dict[str, Any]) -> None:
    data = _jpeg(_picture(), **options)
    read = plain_jpeg(data, LONGEST)
    assert read is not None
    assert (read.mode, read.size) == ("RGB", (61, 47))
    assert read.tobytes() == decode(data).tobytes()


def _with_orientation() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _jpeg(_picture(), exif=exif)


UNUSUAL = {
    "nothing": b"",
    "no picture": b"hello, hello, hello",
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "an orientation": _with_orientation(),
    "a profile": _jpeg(_picture(), icc_profile=b"x" * 200),
    "several scans": _jpeg(_picture(), progressive=True),
    "grey": _jpeg(_picture("L")),
    "four inks": _jpeg(_picture("CMYK")),
    "RGB kept": _jpeg(_picture(), keep_rgb=True),
    "too wide": _jpeg(_picture(size=(LONGEST + 1, 5))),
    "too high": _jpeg(_picture(size=(5, LONGEST + 1))),
    "a second scan": _jpeg(_picture()).replace(b"\xff\xd9", b"\xff\xda\xff\xd9"),
    "cut off in its header": _jpeg(_picture())[:100],
    "cut off in its scan": _jpeg(_picture())[:-200],
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_all_else_is_left_to_pillow(name: str) -> None:
    assert plain_jpeg(UNUSUAL[name], LONGEST) is None


def _damaged(data: bytes, places: list[tuple[int, int]], end: int) -> bytes:
    damaged = bytearray(data)
    for place, value in places:
        damaged[place % len(damaged)] = value
    return bytes(damaged[: len(damaged) - end])


@given(
    places=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4),
    end=st.integers(0, 3),
    options=st.sampled_from([{}, {"comment": b"a"}, {"optimize": True}, {"restart_marker_rows": 1}]),
)
def test_what_is_broken_is_decoded_alike_or_left_to_pillow(
    places: list[tuple[int, int]], end: int, options: dict[str, Any]
) -> None:
    data = _damaged(_jpeg(_picture(size=(24, 16)), **options), places, end)
    if (read := plain_jpeg(data, LONGEST)) is not None:
        assert read.tobytes() == decode(data).tobytes()


@pytest.mark.parametrize("cut", range(1, 700, 23))
def test_a_header_that_is_cut_off_anywhere_is_left_to_pillow(cut: int) -> None:
    data = _jpeg(_picture())
    assert plain_jpeg(data[:cut], LONGEST) is None
    if cut > 2:
        with pytest.raises(CorruptImage):
            decode(data[:cut])
