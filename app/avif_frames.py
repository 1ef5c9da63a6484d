"""How large the frames inside an AVIF may be: the container says so too, but decoders believe the frames.

Boxes are those of ISO/IEC 14496-12, OBUs and their fields those of the AV1 specification (5.3 and 5.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

SEQUENCE_HEADER: Final = 1  # AV1, section 6.2.2
DESCENDED: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
"""The boxes on the way to a track's samples."""
MOST: Final = 1000
"""Boxes in one box, and OBUs of one picture; grids of tiles have some hundred boxes, pictures a few OBUs."""
LONGEST_LIST: Final = 2**16
"""Bytes of what lists the items, for the same reason: nobody may keep this reader busy."""


class Malformed(ValueError):
    """The boxes or the OBUs are not as the standards say."""


class Box(NamedTuple):
    """A box's type, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


class Fields:
    """Reads big-endian numbers of so many bytes or bits, in turn; raises `Malformed` at the end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._bits = 0
        """How many have been read."""

    def bits(self, count: int) -> int:
        """The next `count` bits."""
        first, self._bits = self._bits, self._bits + count
        if self._bits > 8 * len(self._data):
            raise Malformed("a box or an OBU ends too early")
        covering = int.from_bytes(self._data[first // 8 : (self._bits + 7) // 8])
        return covering >> -self._bits % 8 & (1 << count) - 1

    def bytes(self, count: int) -> int:
        """The next `count` bytes."""
        return self.bits(8 * count)

    def leb128(self) -> int:
        """A number of seven bits a byte, the lowest first (section 4.10.5)."""
        value = 0
        for index in range(8):
            byte = self.bytes(1)
            value |= (byte & 127) << 7 * index
            if byte < 128:
                break
        return value

    def uvlc(self) -> int:
        """A number after as many zeros as it has bits (section 4.10.3)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
        return (1 << zeros) - 1 + self.bits(zeros) if zeros < 32 else 2**32 - 1

    @property
    def position(self) -> int:
        """Bytes read."""
        return (self._bits + 7) // 8


def most_pixels(file: bytes) -> int:
    """The most pixels that a frame of the first picture has by its own sequence header.

    Raises `Malformed`. A frame may still override that (section 5.9.5), which no encoder of pictures does.
    """
    found = [pixels for unit in _coded(memoryview(file)) for pixels in _frames(unit)]
    if not found:
        raise Malformed("there is no AV1 sequence header")
    return max(found)


def _coded(data: memoryview) -> Iterator[memoryview]:
    """The AV1 data of every item, and of the first sample of every track."""
    for box in _boxes(data, 0, len(data)):
        if box.kind == b"meta":
            yield from _items(data, box)
        elif box.kind == b"moov":
            yield from _first_samples(data, box)


def _boxes(data: memoryview, start: int, end: int) -> Iterator[Box]:
    for _ in range(MOST):
        if start >= end:
            return
        fields = Fields(data[start : start + 16])
        size, kind = fields.bytes(4), fields.bytes(4).to_bytes(4)
        if size == 1:
            size = fields.bytes(8)
        size = size or end - start  # 0: to the end
        if size < fields.position or start + size > end:
            raise Malformed(f"the box {kind!r} does not fit into what it lies in")
        yield Box(kind, start + fields.position, start + size)
        start += size
    raise Malformed(f"more than {MOST} boxes in one")


def _items(data: memoryview, meta: Box) -> Iterator[memoryview]:
    inner = {box.kind: box for box in _boxes(data, meta.start + 4, meta.end)}
    if b"iloc" not in inner or b"iinf" not in inner:
        return
    if any(inner[kind].end - inner[kind].start > LONGEST_LIST for kind in (b"iloc", b"iinf")):
        raise Malformed(f"the list of the items has more than {LONGEST_LIST} bytes")
    coded = set(_coded_items(data, inner[b"iinf"]))
    stored = inner.get(b"idat", Box(b"idat", 0, 0))
    sources = {0: data, 1: data[stored.start : stored.end]}
    for item, method, extents in _locations(Fields(data[inner[b"iloc"].start : inner[b"iloc"].end])):
        if item not in coded:
            continue
        if method not in sources:
            raise Malformed(f"the item {item} is made of others")
        source = sources[method]
        parts = [source[start : start + length if length else None] for start, length in extents]
        yield parts[0] if len(parts) == 1 else memoryview(b"".join(parts))


def _coded_items(data: memoryview, iinf: Box) -> Iterator[int]:
    """The items that are AV1 pictures."""
    wide = data[iinf.start] > 0
    for box in _boxes(data, iinf.start + (8 if wide else 6), iinf.end):
        fields = Fields(data[box.start : box.end])
        version = fields.bytes(1)
        fields.bytes(3)
        item, _ = fields.bytes(4 if version > 2 else 2), fields.bytes(2)
        if version > 1 and fields.bytes(4).to_bytes(4) == b"av01":
            yield item


def _locations(fields: Fields) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Each item with its way of being stored, and where its parts begin and how long they are."""
    version = fields.bytes(1)
    fields.bytes(3)
    offset_size, length_size, base_size, index_size = (fields.bits(4) for _ in range(4))
    wide = 4 if version > 1 else 2
    for _ in range(fields.bytes(wide)):
        item, method = fields.bytes(wide), fields.bytes(2) & 15 if version else 0
        fields.bytes(2)
        base, extents = fields.bytes(base_size), list[tuple[int, int]]()
        for _ in range(fields.bytes(2)):
            if version:
                fields.bytes(index_size)
            extents.append((base + fields.bytes(offset_size), fields.bytes(length_size)))
        yield item, method, extents


def _first_samples(data: memoryview, box: Box, depth: int = 0) -> Iterator[memoryview]:
    inner = list(_boxes(data, box.start, box.end))
    for each in inner:
        if each.kind in DESCENDED and depth < len(DESCENDED):
            yield from _first_samples(data, each, depth + 1)
    tables = {each.kind: Fields(data[each.start + 4 : each.end]) for each in inner}
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        if kind in tables and b"stsz" in tables and tables[kind].bytes(4):
            start, sizes = tables[kind].bytes(width), tables[b"stsz"]
            size, count = sizes.bytes(4), sizes.bytes(4)
            yield data[start : start + (size or (sizes.bytes(4) if count else 0))]


def _frames(coded: memoryview) -> Iterator[int]:
    """For each sequence header the most pixels of a frame."""
    start = 0
    for _ in range(MOST):
        if start >= len(coded):
            return
        fields = Fields(coded[start:])
        _, kind, extended, sized, _ = (fields.bits(count) for count in (1, 4, 1, 1, 1))
        fields.bytes(extended)
        size = fields.leb128() if sized else len(coded) - start - fields.position
        content = start + fields.position
        if kind == SEQUENCE_HEADER:
            yield _largest(Fields(coded[content : content + size]))
        start = content + size
    raise Malformed(f"more than {MOST} OBUs")


def _largest(fields: Fields) -> int:
    """The pixels of the largest frame by a sequence header (section 5.5.1)."""
    fields.bits(3 + 1)
    if fields.bits(1):  # of a still picture, reduced
        fields.bits(5)
    else:
        _skip_operating_points(fields)
    width_bits, height_bits = fields.bits(4) + 1, fields.bits(4) + 1
    return (fields.bits(width_bits) + 1) * (fields.bits(height_bits) + 1)


def _skip_operating_points(fields: Fields) -> None:
    delay_bits = 0
    if fields.bits(1):  # timing_info_present_flag
        fields.bits(32 + 32)
        if fields.bits(1):
            fields.uvlc()
        if fields.bits(1):  # decoder_model_info_present_flag
            delay_bits = fields.bits(5) + 1
            fields.bits(32 + 5 + 5)
    delayed = fields.bits(1)
    for _ in range(fields.bits(5) + 1):
        fields.bits(12)
        if fields.bits(5) > 7:  # levels above 3.3 have a tier
            fields.bits(1)
        if delay_bits and fields.bits(1):
            fields.bits(2 * delay_bits + 1)
        if delayed and fields.bits(1):
            fields.bits(4)
