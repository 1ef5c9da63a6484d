"""Makes pictures that are broken, lie, or mean harm: from nothing but a seed, without outside files."""

from __future__ import annotations

import io
import itertools
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pillow_heif
from PIL import Image

from app.imaging import FORMATS

pillow_heif.register_heif_opener()

MODES = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"),
    "HEIF": ("L", "RGB", "RGBA"),
    "GIF": ("L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F"),
}
"""The modes in which each format stores pictures."""

SIZES = ((1, 1), (1, 700), (700, 1), (3, 2), (40, 30), (33, 65))
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")
ORIENTED = ("JPEG", "PNG", "WEBP", "AVIF")
SIDES = (0, 1, 2, 255, 13_300, 16_383, 30_000, 65_535, 2**31 - 1, 2**32 - 1)
"""What lying headers announce."""

PIECES = (
    *(b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS"),
    *(b"\xff\xc0", b"\xff\xc4", b"\xff\xd9", b"\xff\xda", b"\xff\xdb"),
    *(b"VP8", b"ALPH", b"ANMF", b"ftyp", b"meta", b"iloc", b"ipco", b"mdat", b"!\xf9", b",\0"),
)
"""What begins or names a piece of a file, in any of the formats."""

Picture = tuple[str, bytes]
"""What it is, in words, and its bytes."""


def hostile_pictures(seed: int) -> Iterator[Picture]:
    """Without end, each kind in its turn."""
    chance = random.Random(seed)
    whole = list(itertools.chain(every_mode(), every_orientation(), animations()))
    yield from whole
    yield from bombs()
    kinds: Sequence[Callable[[random.Random, bytes], bytes]] = (
        cut, cut_at_a_boundary, flip, lie, splice, with_a_tail, with_broken_exif, without_a_piece
    )  # fmt: skip
    for kind in itertools.cycle(kinds):
        name, data = chance.choice(whole)
        yield f"{kind.__name__} of {name}", kind(chance, data)


def every_mode() -> Iterator[Picture]:
    """Each format in each of its modes, in plain and in odd sizes."""
    for format in FORMATS:
        for mode, size in itertools.product(MODES[format], SIZES):
            yield f"{format} {mode} {size[0]}x{size[1]}", encode(_image(mode, size), format)
    cmyk = encode(_image("CMYK", (40, 30)), "JPEG")
    yield "JPEG CMYK without Adobe's marker", cmyk[:2] + cmyk[18:]
    yield "JPEG progressive", encode(_image("RGB", (40, 30)), "JPEG", progressive=True)


def every_orientation() -> Iterator[Picture]:
    """All that EXIF knows, and three that it does not."""
    for format, orientation in itertools.product(ORIENTED, (*range(1, 9), 0, 9, 65_535)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"{format} turned {orientation}", encode(_image("RGB", (40, 30)), format, exif=exif.tobytes())


def animations() -> Iterator[Picture]:
    """Several frames in one file."""
    frames = [_image("RGB", (40, 30), grey) for grey in range(0, 250, 25)]
    for format in ANIMATED:
        yield f"{format} animated", encode(frames[0], format, save_all=True, append_images=frames[1:])


def bombs() -> Iterator[Picture]:
    """Small files that would become large."""
    yield "PNG bomb", png(13_300, 13_300)
    yield "PNG bomb within the limit", png(7_000, 7_000)
    yield "PNG text bomb", _png_with(b"zTXt", b"a\0\0" + zlib.compress(bytes(64 * 2**20), 9))
    yield "PNG texts bomb", _png_with(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20), 9), 100)
    yield "PNG profile bomb", _png_with(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 * 2**20), 9))
    yield (
        "GIF bomb",
        b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0",
    )
    yield "BMP bomb", b"BM" + struct.pack("<IHHIIiiHH", 100, 0, 0, 54, 40, 60_000, 60_000, 1, 1) + bytes(24)
    yield "TIFF bomb", _set(_small("TIFF"), struct.pack("<HHI", 0x0100, 4, 1), struct.pack("<I", 65_535), 0)
    yield "JPEG bomb", _set(_small("JPEG"), b"\xff\xc0", struct.pack(">HH", 65_500, 65_500), 3)
    yield "WEBP bomb", _set(_small("WEBP", exif=b"Exif"), b"VP8X", b"\xff\x3f\0\xff\x3f\0", 8)
    for format in ("AVIF", "HEIF"):
        yield f"{format} bomb", _set(_small(format), b"ispe", struct.pack(">II", 60_000, 60_000), 4)
        large = encode(_image("L", (3000, 3000)), format)
        yield f"{format} larger than it says", _set(large, b"ispe", struct.pack(">II", 40, 30), 4)


def cut(chance: random.Random, data: bytes) -> bytes:
    """The beginning only."""
    return data[: chance.randrange(len(data))]


def cut_at_a_boundary(chance: random.Random, data: bytes) -> bytes:
    """Ends where a piece of the format begins, or a byte beside that."""
    return data[: max(0, chance.choice(_boundaries(data)) + chance.randint(-1, 1))]


def without_a_piece(chance: random.Random, data: bytes) -> bytes:
    """What lies between two boundaries is missing, or comes twice."""
    begin, end = sorted(chance.choices(_boundaries(data), k=2))
    return data[:begin] + chance.choice((b"", data[begin:end] * 2)) + data[end:]


def flip(chance: random.Random, data: bytes) -> bytes:
    """1 to 16 bits changed, most of them near the beginning."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 16)):
        place = int(len(data) * chance.random() ** 2)
        damaged[place] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def lie(chance: random.Random, data: bytes) -> bytes:
    """A number of the header, such as a side, replaced by one that is not true."""
    width, side = chance.choice((2, 4)), chance.choice(SIDES)
    number: bytes = (side % (1 << 8 * width)).to_bytes(width, chance.choice(("big", "little")))
    true = [size.to_bytes(width, order) for size in (30, 39, 40) for order in ("big", "little")]
    places = [place for value in true if (place := data.find(value)) >= 0]
    place = chance.choice([*places, chance.randrange(max(1, min(len(data), 64)))])
    return data[:place] + number + data[place + width :]


def splice(chance: random.Random, data: bytes) -> bytes:
    """The head of one format on the body of another."""
    head = chance.choice(
        (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\xff\0\0WEBPVP8X", b"II*\0")
    )
    return head + data[chance.randrange(min(len(data), 64)) :]


def with_a_tail(chance: random.Random, data: bytes) -> bytes:
    """A polyglot: a picture that is a program, page or archive as well."""
    return data + chance.choice(
        (b"<script>alert(1)</script>", b"PK\x05\x06" + bytes(18), b"%PDF-1.7\n", data)
    )


def with_broken_exif(chance: random.Random, data: bytes) -> bytes:
    """Noise where a JPEG's EXIF block should be; other formats get noise in the middle."""
    noise = (
        b"Exif\0\0"
        + chance.choice((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"))
        + chance.randbytes(chance.randrange(200))
    )
    place = 2 if data[:2] == b"\xff\xd8" else len(data) // 2
    return data[:place] + b"\xff\xe1" + struct.pack(">H", len(noise) + 2) + noise + data[place:]


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    """The picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel: small however many pixels it announces."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _small(format: str, **options: Any) -> bytes:
    return encode(_image("RGB", (40, 30)), format, **options)


def _set(data: bytes, name: bytes, value: bytes, gap: int) -> bytes:
    """`value` in place of what stands `gap` bytes after the first `name`."""
    place = data.index(name) + len(name) + gap
    return data[:place] + value + data[place + len(value) :]


def _png_with(name: bytes, body: bytes, times: int = 1) -> bytes:
    whole = png(40, 30)
    return whole[:33] + _chunk(name, body) * times + whole[33:]


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _image(mode: str, size: tuple[int, int], grey: int = 90) -> Image.Image:
    """A shade that runs across, in any mode."""
    ramp = Image.linear_gradient("L").resize(size).point(lambda value: (value + grey) % 256)
    if mode in ("I", "I;16", "F"):
        return ramp.convert("I").point(lambda value: value * 257).convert(mode)
    if mode == "LAB":
        return Image.merge("LAB", (ramp, ramp, ramp))
    return ramp.convert("RGB").convert(mode)


def _boundaries(data: bytes) -> list[int]:
    """Where pieces begin: after chunk and box names, markers and separators of any of the formats."""
    found = (data.find(name) for name in PIECES)
    return [place for place in found if place >= 0] or [len(data) // 2]
