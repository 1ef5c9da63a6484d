"""A small JPEG as most are written, decoded past Pillow's reading of its header, which takes as long again.

All others are left to `imaging`, which knows every kind and says what is wrong.
"""

from __future__ import annotations

from typing import Final

from PIL import Image

from app.decoding_cost import START_OF_SCAN

# Markers of ITU-T T.81, table B.1, each after a byte 0xFF.
START_OF_IMAGE: Final = b"\xff\xd8"
BASELINE_FRAME: Final = 0xC0
HARMLESS: Final = frozenset({0xC4, 0xDB, 0xDD, 0xE0, 0xFE})
"""Tables, restart interval, JFIF, comment: no word of an orientation, of a profile or of other pictures."""
COLOURS: Final = 3


def plain_jpeg(data: bytes, longest: int) -> Image.Image | None:
    """The RGB picture in a baseline JPEG of one scan, in colour, whose sides are at most `longest` pixels.

    None where it is not as plain as that, or does not decode: no error.
    """
    try:
        size = _size(data)
    except IndexError:  # the header is cut off
        return None
    if size is None or not 0 < min(size) <= max(size) <= longest:
        return None
    try:
        return Image.frombytes("RGB", size, data, "jpeg", "RGB", "")
    except (OSError, ValueError):
        return None


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height as the frame's header tells them; None where anything unusual is before the scan."""
    if not data.startswith(START_OF_IMAGE):
        return None
    size = None
    place = len(START_OF_IMAGE)
    while data[place] == 0xFF:
        kind, begin = data[place + 1], place + 4
        if kind == BASELINE_FRAME and size is None and data[begin + 5] == COLOURS:
            size = _number(data, begin + 3), _number(data, begin + 1)
        elif kind == START_OF_SCAN[1]:
            further = data.find(START_OF_SCAN, begin)
            return size if data[begin] == COLOURS and further < 0 else None
        elif kind not in HARMLESS:
            return None
        place = begin - 2 + _number(data, begin - 2)
    return None


def _number(data: bytes, place: int) -> int:
    return data[place] << 8 | data[place + 1]
