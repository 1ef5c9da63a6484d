"""What a decoder takes is told from the header, and what takes too much is refused."""

from __future__ import annotations

import pytest
from PIL import Image

from app.errors import ImageTooLarge
from app.imaging import LARGE, decode, open_image
from tests.app.hostile_pictures import encode

SIDE = 64
PIXELS = SIDE * SIDE


@pytest.mark.parametrize(
    ("format", "mode", "options", "bytes_per_pixel"),
    [
        ("JPEG", "RGB", {}, 4),
        ("JPEG", "RGB", {"progressive": True}, 4),  # 3, but never less than what is decoded to
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, 6),
        ("JPEG", "CMYK", {"progressive": True, "subsampling": 0}, 8),
        ("PNG", "RGBA", {}, 4),
        ("WEBP", "RGB", {}, 16),
        ("AVIF", "RGB", {}, 12),
        ("HEIF", "RGB", {}, 8),
    ],
)
def test_cost(format: str, mode: str, options: dict[str, int], bytes_per_pixel: int) -> None:
    data = encode(Image.new(mode, (SIDE, SIDE)), format, **options)
    assert open_image(data, 10**6).cost == PIXELS * bytes_per_pixel // 4
    least = PIXELS * bytes_per_pixel // 4
    assert open_image(data, least).picture.size == (SIDE, SIDE)
    with pytest.raises(ImageTooLarge):
        open_image(data, least - 1)


def test_a_jpeg_that_hides_its_scans_costs_as_much() -> None:
    data = encode(Image.new("RGB", (SIDE, SIDE)), "JPEG", subsampling=0)
    start = data.index(b"\xff\xda")
    one_component = data[: start + 4] + b"\x01" + data[start + 5 :]
    assert open_image(one_component, 10**6).cost == PIXELS * 6 // 4
    assert open_image(data + data[start:], 10**6).cost == PIXELS * 6 // 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16"])
def test_a_large_picture_is_shrunk_in_bands_as_it_would_be_at_once(mode: str) -> None:
    ramp = Image.linear_gradient("L").resize((2500, 2000))
    image = (
        ramp.convert("I").point(lambda value: value * 257).convert(mode)
        if mode == "I;16"
        else ramp.convert(mode)
    )
    data = encode(image, "PNG", compress_level=1)
    assert image.width * image.height > LARGE
    shrunk = decode(data, least_side=256)
    assert shrunk.size == (358, 286)  # by 7, rounded up
    expected = decode(data).reduce(7)
    assert max(abs(a - b) for a, b in zip(shrunk.tobytes(), expected.tobytes(), strict=True)) <= 1


def test_no_side_of_a_large_picture_stays_too_long() -> None:
    assert decode(encode(Image.new("L", (50_000, 100)), "PNG"), least_side=256).size == (7143, 100)
