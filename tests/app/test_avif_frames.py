"""What the frames of an AVIF say of themselves, whatever its container says."""

from __future__ import annotations

import random
import struct
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from app.avif_frames import LONGEST_LIST, MOST, Malformed, most_pixels
from app.errors import CorruptImage
from app.imaging import decode


def avif(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    """A grey picture as Pillow writes it; several frames with `frames`."""
    frames = [Image.new(mode, size, 3 * index) for index in range(options.pop("frames", 1))]
    buffer = BytesIO()
    frames[0].save(buffer, "AVIF", save_all=len(frames) > 1, append_images=frames[1:], **options)
    return buffer.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


@pytest.mark.parametrize("size", [(64, 64), (65, 33), (300, 200), (1000, 1)])
@pytest.mark.parametrize("options", [{}, {"mode": "RGBA"}, {"frames": 3}, {"quality": 100}], ids=str)
def test_what_an_encoder_writes_is_read(size: tuple[int, int], options: dict[str, Any]) -> None:
    data = avif(size, **options)
    width, height = size
    assert width * height <= most_pixels(data) <= (width + 7) * (height + 7)
    assert decode(data).size == size


@pytest.mark.parametrize("options", [{}, {"frames": 2}], ids=str)
def test_a_container_that_lies_is_refused(options: dict[str, Any]) -> None:
    data = avif((1500, 1000), **options)
    place = data.index(b"ispe") + 8
    lying = data[:place] + struct.pack(">II", 40, 30) + data[place + 8 :]
    # The track of several frames has a size of its own, in whole pixels and as 16.16.
    lying = lying.replace(struct.pack(">HH", 1500, 1000), struct.pack(">HH", 40, 30))
    lying = lying.replace(struct.pack(">II", 1500 << 16, 1000 << 16), struct.pack(">II", 40 << 16, 30 << 16))
    assert most_pixels(lying) == 1500 * 1000
    with pytest.raises(CorruptImage, match="frames of 1,500,000 pixels, but tells of 1,200"):
        decode(lying)


def test_whatever_is_wrong_is_told_in_time() -> None:
    data, chance = avif((40, 30), "RGBA"), random.Random(0)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(min(500, len(data)))] = chance.randrange(256)
        with suppress(Malformed):  # and nothing else
            most_pixels(bytes(damaged[: chance.randint(0, 2 * len(data))]))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no AV1 sequence header"),
        (avif((40, 30))[:-1], "does not fit"),
        (box(b"free", b"") * (MOST + 1), f"more than {MOST} boxes"),
        (
            box(b"meta", bytes(4) + box(b"iinf", bytes(6)) + box(b"iloc", bytes(LONGEST_LIST + 1))),
            f"more than {LONGEST_LIST} bytes",
        ),
        (box(b"meta", bytes(4) + box(b"iinf", b"") + box(b"iloc", b"")), "ends too early"),
    ],
)
def test_each_fault_has_its_words(data: bytes, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        most_pixels(data)


def with_item(obus: bytes) -> bytes:
    """One AV1 item, stored within the list of items."""
    entry = box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", 1, 0, b"av01"))
    listed = box(b"iinf", bytes(4) + struct.pack(">H", 1) + entry)
    # Version 1: offsets and lengths of four bytes, the item 1 in the box `idat`, from 0 on.
    located = box(b"iloc", b"\1\0\0\0\x44\0" + struct.pack(">HHHHHII", 1, 1, 1, 0, 1, 0, len(obus)))
    return box(b"meta", bytes(4) + listed + located + box(b"idat", obus))


def bits(*fields: tuple[int, int]) -> bytes:
    """Values, each in so many bits."""
    text = "".join(f"{value:0{count}b}" for value, count in fields)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8))


SIZE = ((9, 4), (8, 4), (599, 10), (299, 9))  # 600 x 300
REDUCED = bits((0, 3), (1, 1), (1, 1), (5, 5), *SIZE)
FULL = bits((0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (9, 5), (1, 1), *SIZE)
TIMED = bits(
    *((0, 3), (0, 1), (0, 1), (1, 1), (1, 32), (30, 32), (1, 1), (0b00100, 5), (1, 1), (3, 5), (1, 32)),
    *((3, 5), (3, 5), (1, 1), (0, 5), (0, 12), (5, 5), (1, 1), (7, 4), (9, 4), (0, 1), (1, 1), (9, 4)),
    *SIZE,
)


@pytest.mark.parametrize("header", [REDUCED, FULL, TIMED])
def test_every_way_to_the_size_is_known(header: bytes) -> None:
    """By the syntax of AV1, section 5.5.1; in the second and third there is what encoders rarely write."""
    sequence = bytes([1 << 3 | 2, len(header)]) + header
    delimiter = bytes([2 << 3 | 2, 0])
    extended = bytes([5 << 3 | 4 | 2, 0, 0x83, 0, *b"abc"])  # metadata, its size in a byte too many
    assert most_pixels(with_item(delimiter + extended + sequence)) == 600 * 300
    assert most_pixels(with_item(bytes([1 << 3]) + header)) == 600 * 300  # without a size: to the end


def test_a_picture_of_obus_without_end_is_refused() -> None:
    with pytest.raises(Malformed, match=f"more than {MOST} OBUs"):
        most_pixels(with_item(bytes([2 << 3 | 2, 0]) * (MOST + 1)))
