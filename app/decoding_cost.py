"""How much memory a decoder takes, told from the picture's header."""

from __future__ import annotations

from PIL import Image, JpegImagePlugin

BYTES_PER_PIXEL = 4
"""What a decoded pixel takes in Pillow, and so what decoding takes at least."""

DECODERS = {"WEBP": 16, "AVIF": 12, "HEIF": 8}
"""Bytes a pixel of decoders that hold several copies at their peak, measured at 12 megapixels."""

COEFFICIENT = 2
"""Bytes of each sample of a JPEG in several scans, all of which are kept until the last (libjpeg)."""


START_OF_SCAN = b"\xff\xda"  # ITU-T T.81, table B.1; it cannot occur within a scan


def bytes_per_pixel(picture: Image.Image, data: bytes) -> float:
    """Bytes that decoding `picture`, read from `data`, takes at its peak for each pixel of its header.

    At least `BYTES_PER_PIXEL`, although a JPEG at reduced scale takes less.
    """
    if isinstance(picture, JpegImagePlugin.JpegImageFile) and _has_scans(picture, data):
        return max(BYTES_PER_PIXEL, COEFFICIENT * _samples(picture))
    return DECODERS.get(picture.format or "", BYTES_PER_PIXEL)


def _has_scans(picture: JpegImagePlugin.JpegImageFile, data: bytes) -> bool:
    """Whether a JPEG comes in several scans; also where another JPEG is embedded before it."""
    first = data.find(START_OF_SCAN) + 4
    return (
        "progressive" in picture.info
        or data.count(START_OF_SCAN) > 1
        or data[first : first + 1] != bytes([picture.layers])
    )


def _samples(picture: JpegImagePlugin.JpegImageFile) -> float:
    """How many samples a pixel has: 3 for full colour, 1.5 where both colours are halved twice."""
    sizes = [(across, down) for _, across, down, _ in picture.layer]
    across, down = max(size[0] for size in sizes), max(size[1] for size in sizes)
    return sum(size[0] * size[1] for size in sizes) / (across * down)
