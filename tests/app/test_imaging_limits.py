"""Limits hold before pixels are decoded, broken bytes are told apart, and the shrink is SIGNS' own."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.errors import CorruptImage, EmptyImage, ImageError, ImageTooLarge, UnsupportedImage
from app.imaging import FORMATS, decode, fit, fit_uint8, open_image
from app.manifest import Window

Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def noise() -> Image.Image:
    """100 x 80 of random colours, which no format can make much smaller."""
    return Image.fromarray(np.random.RandomState(1).randint(0, 256, (80, 100, 3)).astype(np.uint8))


def _png(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel: small however many pixels it announces."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def test_no_bytes() -> None:
    with pytest.raises(EmptyImage, match="received none"):
        decode(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"\0",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"8BPS" + bytes(40),
        b"P6 1 1 255 abc",
    ],
)
def test_bytes_of_no_supported_format_list_the_choices(data: bytes) -> None:
    with pytest.raises(
        UnsupportedImage, match="send a JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF picture"
    ):
        decode(data)


@pytest.mark.parametrize("format", FORMATS)
def test_truncated_anywhere(format: str, encode: Encode, noise: Image.Image) -> None:
    data = encode(noise, format)
    for end in {16, 30, 100, *range(200, len(data) - 200, len(data) // 12), len(data) * 9 // 10}:
        with pytest.raises(CorruptImage, match="truncated or corrupt"):
            decode(data[:end])


@given(data=st.data())
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_damaged_bytes_give_a_picture_or_an_image_error(
    format: str, data: st.DataObject, encode: Encode, noise: Image.Image
) -> None:
    original = encode(noise.resize((16, 12)), format)
    damaged = bytearray(original)
    for place in data.draw(st.lists(st.integers(0, len(original) - 1), min_size=1, max_size=6)):
        damaged[place] = data.draw(st.integers(0, 255))
    try:
        picture = decode(bytes(damaged), max_pixels=1_000_000)
    except ImageError:
        return
    assert picture.mode == "RGB"


def test_one_pixel_too_many(encode: Encode) -> None:
    data = encode(Image.new("L", (10, 10)))
    assert decode(data, max_pixels=100).size == (10, 10)
    with pytest.raises(ImageTooLarge, match="at most 99 pixels, received 10 x 10"):
        decode(data, max_pixels=99)


def test_the_limit_holds_before_the_pixels_are_there(encode: Encode) -> None:
    with pytest.raises(ImageTooLarge):
        decode(encode(Image.new("L", (100, 100)), "PNG")[:60], max_pixels=100)


def test_beyond_the_limits_of_pillow_too() -> None:
    with pytest.raises(ImageTooLarge):
        decode(_png(20_000, 20), max_pixels=100_000)
    with pytest.raises(ImageTooLarge):
        decode(_png(200_000, 1000)[:100], max_pixels=10**12)


def test_a_decompression_bomb_costs_no_memory() -> None:
    code = (
        "import resource, sys; from app.errors import ImageTooLarge; from app.imaging import decode\n"
        "data = sys.stdin.buffer.read(); peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: decode(data)\n"
        "except ImageTooLarge: sys.exit(peak() - before > 4096)\n"
        "sys.exit(2)"
    )
    bomb = _png(13_300, 13_300)
    assert len(bomb) < 200_000
    assert subprocess.run([sys.executable, "-c", code], input=bomb, check=False).returncode == 0


def test_zero_sized() -> None:
    gif = b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b";"
    for data in (_png(1, 1).replace(struct.pack(">II", 1, 1), bytes(8), 1), gif):
        with pytest.raises(CorruptImage):
            decode(data)


@pytest.mark.parametrize(
    ("size", "decoded"), [((4000, 3000), (500, 375)), ((900, 600), (450, 300)), ((300, 260), (300, 260))]
)
def test_a_jpeg_is_decoded_no_larger_than_the_shrink_needs(
    size: tuple[int, int], decoded: tuple[int, int], encode: Encode
) -> None:
    data = encode(Image.new("RGB", size), "JPEG")
    assert open_image(data, 50_000_000, least_side=256).picture.size == decoded


def test_reduced_scale_changes_the_input_little(encode: Encode) -> None:
    smooth = Image.effect_noise((30, 40), 80).resize((1200, 1600), Image.Resampling.BICUBIC).convert("RGB")
    data = encode(smooth, "JPEG", quality=90)
    full, reduced = fit(decode(data)), fit(decode(data, least_side=256))
    assert np.abs(full - reduced).mean() < 0.01


def test_fit_is_pillows_antialiased_bilinear_over_255(noise: Image.Image) -> None:
    expected = np.asarray(noise.resize((64, 64), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(fit_uint8(noise), expected)
    np.testing.assert_array_equal(fit(noise), expected.astype(np.float32) / np.float32(255))
    assert fit(noise).dtype == np.float32


def test_fit_averages_when_it_shrinks() -> None:
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 512))).convert("RGB")
    assert np.abs(fit(stripes) - 0.5).max() < 0.05


def test_a_picture_of_the_right_size_is_kept_as_it_is(noise: Image.Image) -> None:
    square = noise.resize((64, 64))
    np.testing.assert_array_equal(fit_uint8(square), np.asarray(square))


def test_fit_looks_at_the_window_only(noise: Image.Image) -> None:
    window = Window(x0=0.5, y0=0.25, x1=1.0, y1=0.75)
    expected = np.asarray(noise.crop((50, 20, 100, 60)).resize((64, 64), Image.Resampling.BILINEAR))
    inside = fit_uint8(noise, window)
    np.testing.assert_array_equal(inside[8:-8, 8:-8], expected[8:-8, 8:-8])


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (63, 65)])
def test_any_shape_fits(size: tuple[int, int]) -> None:
    assert fit(Image.new("RGB", size, (255, 255, 255))).min() == 1.0


def test_golden_pixels() -> None:
    # Pinned from Pillow 13: another version, library or filter would be seen here.
    ramp = np.add.outer(np.arange(150) * 7 % 256, np.arange(200) * 5 % 256).astype(np.uint8)
    shrunk = fit_uint8(Image.fromarray(ramp).convert("RGB"))
    assert shrunk[[0, 0, 31, 63], [0, 63, 31, 63], 0].tolist() == [13, 226, 232, 233]
