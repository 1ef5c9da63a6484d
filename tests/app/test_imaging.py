"""From bytes to upright RGB: every format, mode and orientation looks as it looks to people."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.imaging import FORMATS, UPRIGHT, decode, load_upright

Encode = Callable[..., bytes]

FAITHFUL: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 98, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "HEIF": {"quality": -1, "chroma": 444},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
}
"""How each format is asked to keep colours; what it still loses stays below 6 of 255."""


def _corners() -> Image.Image:
    """72 x 48 upright, with a colour in each corner, so that no two orientations look the same."""
    picture = Image.new("RGB", (72, 48), (255, 255, 255))
    for box, colour in (
        ((0, 0, 36, 24), (255, 0, 0)),
        ((36, 0, 72, 24), (0, 200, 0)),
        ((0, 24, 36, 48), (0, 0, 255)),
    ):
        picture.paste(colour, box)
    return picture


def _assert_alike(received: Image.Image, expected: Image.Image, tolerance: int = 6) -> None:
    assert (received.mode, received.size) == ("RGB", expected.size)
    difference = np.abs(np.asarray(received).astype(int) - np.asarray(expected.convert("RGB")).astype(int))
    # The edge between two colours may bleed in a lossy format.
    assert np.percentile(difference, 90) <= tolerance


def test_every_format_has_a_test() -> None:
    assert set(FAITHFUL) == set(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_format(format: str, encode: Encode) -> None:
    _assert_alike(decode(encode(_corners(), format, **FAITHFUL[format])), _corners())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
def test_orientation(format: str, orientation: int, encode: Encode) -> None:
    stored = _stored_as(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, format, exif=exif.tobytes(), **FAITHFUL[format])
    _assert_alike(decode(data), _corners())


def _stored_as(orientation: int) -> Image.Image:
    """What a camera stores with this orientation: row 0 and column 0 as EXIF 2.32 names their sides."""
    upright = np.asarray(_corners())
    stored = {
        1: upright,  # top, left
        2: upright[:, ::-1],  # top, right
        3: upright[::-1, ::-1],  # bottom, right
        4: upright[::-1],  # bottom, left
        5: upright.transpose(1, 0, 2),  # left, top
        6: upright.transpose(1, 0, 2)[::-1],  # right, top
        7: upright.transpose(1, 0, 2)[::-1, ::-1],  # right, bottom
        8: upright.transpose(1, 0, 2)[:, ::-1],  # left, bottom
    }[orientation]
    return Image.fromarray(np.ascontiguousarray(stored))


def test_orientation_of_a_jpeg_decoded_at_reduced_scale(encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(_stored_as(6).resize((960, 1440), 0), "JPEG", exif=exif.tobytes(), **FAITHFUL["JPEG"])
    _assert_alike(decode(data, least_side=120), _corners().resize((180, 120), 0))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientation_that_does_not_exist_is_upright(value: int, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    _assert_alike(decode(encode(_corners(), "JPEG", exif=exif.tobytes(), quality=98)), _corners())


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of what it cannot read there
@given(block=st.binary(max_size=64))
def test_broken_exif_is_no_rotation(block: bytes, encode: Encode) -> None:
    # The start of a directory whose entries are noise; an orientation could not come out of it by chance.
    noise = b"Exif\0\0II*\0\x08\0\0\0" + bytes(byte for byte in block if byte != 0x12)
    header = b"\xff\xe1" + struct.pack(">H", len(noise) + 2) + noise
    jpeg = encode(_corners(), "JPEG")
    assert decode(jpeg[:2] + header + jpeg[2:]).size == (72, 48)


def test_first_frame_of_an_animation(encode: Encode) -> None:
    frames = [_corners(), Image.new("RGB", (72, 48), "black")]
    for format in ("GIF", "PNG", "WEBP", "AVIF", "TIFF"):
        options = FAITHFUL[format] | {"save_all": True, "append_images": frames[1:]}
        _assert_alike(decode(encode(frames[0], format, **options)), frames[0])


def test_multi_picture_jpeg_of_a_phone(encode: Encode) -> None:
    data = encode(_corners(), "MPO", save_all=True, append_images=[Image.new("RGB", (72, 48))], quality=98)
    _assert_alike(decode(data), _corners())


def test_progressive_and_grey_jpeg(encode: Encode) -> None:
    _assert_alike(decode(encode(_corners(), "JPEG", progressive=True, quality=98)), _corners(), 8)
    grey = _corners().convert("L")
    _assert_alike(decode(encode(grey, "JPEG", quality=98)), grey)


@pytest.mark.parametrize("marked", [True, False], ids=["adobe", "unmarked"])
def test_cmyk_jpeg_looks_as_in_chromium(marked: bool, encode: Encode) -> None:
    stored = Image.new("CMYK", (64, 16))
    for place, ink in enumerate([(200, 30, 60, 20), (10, 180, 90, 0), (0, 0, 0, 128), (255, 255, 0, 40)]):
        stored.paste(ink, (16 * place, 0, 16 * place + 16, 16))
    data = encode(stored, "JPEG", quality=100, subsampling=0)
    assert data[2:4] == b"\xff\xee"
    picture = decode(data if marked else data[:2] + data[18:])  # cuts the 16 bytes of Adobe's segment
    # Read off a screenshot of Chromium, which inverts with the marker and without.
    seen = [(50, 207, 179), (245, 75, 165), (127, 127, 127), (0, 0, 215)]
    shown = [picture.getpixel((16 * place + 8, 8)) for place in range(4)]
    np.testing.assert_allclose(np.array(shown), np.array(seen), atol=2)


def _of_mode(mode: str, value: Any) -> Image.Image:
    if mode.startswith("I;16"):
        order = ">" if mode.endswith("B") else "<"
        return Image.frombytes(mode, (2, 2), np.full(4, value, f"{order}u2").tobytes())
    picture = Image.new(mode, (2, 2), value)
    if mode in ("P", "PA"):
        picture.putpalette([0, 0, 0, 10, 20, 30])
    return picture


@pytest.mark.parametrize(
    ("mode", "value", "seen"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (0, 51), (204, 204, 204)),
        ("La", (0, 51), (204, 204, 204)),
        ("P", 1, (10, 20, 30)),
        ("PA", (1, 0), (255, 255, 255)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("RGBa", (51, 0, 0, 51), (255, 204, 204)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),  # red by JFIF's matrix, ITU-R BT.601
        ("HSV", (85, 255, 255), (0, 255, 0)),
        ("LAB", (138, 209, 198), (255, 0, 0)),  # sRGB's red in CIELAB of D50: 54, 81, 70
        ("I", 65535, (255, 255, 255)),
        ("I", 257 * 100, (100, 100, 100)),
        ("I", -5, (0, 0, 0)),
        ("I;16", 257 * 100, (100, 100, 100)),
        ("I;16L", 257 * 100, (100, 100, 100)),
        ("I;16B", 257 * 100, (100, 100, 100)),
        ("I;16N", 257 * 100, (100, 100, 100)),
        ("F", 77.0, (77, 77, 77)),
    ],
)
def test_mode(mode: str, value: Any, seen: tuple[int, int, int]) -> None:
    received = np.asarray(load_upright(_of_mode(mode, value)))[0, 0]
    # CIELAB in 8 bits is coarse, and the colour tables of its conversion coarser.
    np.testing.assert_allclose(received, seen, atol=5 if mode == "LAB" else 0)


def test_every_mode_of_pillow_has_a_test() -> None:
    tested = {arguments[0] for arguments in test_mode.pytestmark[0].args[1]}
    assert tested == set(Image.MODES)


def test_16_bit_grey_png_is_not_white(encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256)
    picture = decode(encode(Image.fromarray(ramp), "PNG"))
    np.testing.assert_allclose(np.asarray(picture)[0, :, 0], np.arange(256), atol=1)


def test_transparency_is_white_in_every_way_to_say_it(encode: Encode) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0])
    for data in (
        *(encode(clear, format) for format in ("PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF")),
        encode(palette, "PNG", transparency=0),
        encode(Image.new("RGB", (8, 8), (255, 0, 0)), "PNG", transparency=(255, 0, 0)),
        encode(Image.new("L", (8, 8), 7), "PNG", transparency=7),
    ):
        assert np.asarray(decode(data)).min() >= 250


def test_an_rgb_picture_is_not_copied() -> None:
    picture = Image.new("RGB", (8, 8))
    assert load_upright(picture) is picture


def test_upright_table_covers_the_standard() -> None:
    assert sorted(UPRIGHT) == [2, 3, 4, 5, 6, 7, 8]
