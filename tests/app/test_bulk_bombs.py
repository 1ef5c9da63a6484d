"""Archives made to fill memory or time: refused by what they declare, and held by what they really give."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from app.bulk import zips
from app.bulk.items import Item
from app.bulk.sources import Sources
from app.bulk.unpacking import RATIO, SLACK
from tests.app.packing import COMPRESS, pack, tar_of

MAX_BYTES = 100_000
MEGABYTE = 2**20


def frugally(path: str, megabytes: float) -> list[Item]:
    """What an archive gives, in so much memory at most."""
    tracemalloc.start()
    try:
        found = list(Sources((path,)).items(MAX_BYTES))
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()
    return found


@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_a_member_that_declares_too_much_is_not_unpacked(inside: Path, ending: str) -> None:
    pack(f"x{ending}", {"a.png": b"1", "bomb.png": bytes(MAX_BYTES + 1), "b.png": b"2"})
    first, bomb, last = frugally(f"x{ending}", 10)
    assert bomb.error == f"expected at most {MAX_BYTES} bytes, received {MAX_BYTES + 1}"
    assert (first.data, last.data) == (b"1", b"2")


def test_a_zip_that_declares_too_little_gives_no_more_than_that(inside: Path) -> None:
    pack("x.zip", {"bomb.png": bytes(50 * MEGABYTE)})
    whole = Path("x.zip").read_bytes()
    declared, lie = struct.pack("<L", 50 * MEGABYTE), struct.pack("<L", 1000)
    Path("x.zip").write_bytes(whole.replace(declared, lie))
    (bomb,) = frugally("x.zip", 2)
    assert "CRC" in (bomb.error or "")


def test_a_zip_whose_members_share_their_bytes_is_left_at_its_allowance(inside: Path) -> None:
    """After David Fifield's: a small file that unpacks to any number of large members."""
    members = 200
    pack("x.zip", {f"{number:03}.png": b"" for number in range(members)} | {"all.png": bytes(MAX_BYTES)})
    with zipfile.ZipFile("x.zip") as archive:
        shared = archive.infolist()[-1]
        directory = archive.start_dir
    whole = bytearray(Path("x.zip").read_bytes())
    place = directory
    for _ in range(members):
        # Each entry of the list is made to lead to the last member, under that one's own name and sizes.
        whole[place + 16 : place + 28] = struct.pack(
            "<LLL", shared.CRC, shared.compress_size, shared.file_size
        )
        whole[place + 42 : place + 46] = struct.pack("<L", shared.header_offset)
        whole[place + 10 : place + 12] = struct.pack("<H", zipfile.ZIP_DEFLATED)
        whole[place + 46 : place + 53] = b"all.png"
        place += 53
    Path("x.zip").write_bytes(whole)
    *good, last = frugally("x.zip", 50)
    most = RATIO * len(whole) + SLACK * MAX_BYTES
    assert len(good) == most // MAX_BYTES < members
    assert last.path == "x.zip"
    assert f"at most {most} bytes" in (last.error or "")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_limit_are_refused(inside: Path, method: int) -> None:
    with zipfile.ZipFile("x.zip", "w", method) as archive:
        archive.writestr("a.png", b"data")
    (member,) = frugally("x.zip", 2)
    assert member.error == f"expected a member stored or deflated, received zip's method {method}"


def test_the_list_of_a_zips_members_has_a_limit(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "LONGEST_LIST", 1000)
    pack("x.zip", {f"{number}.png": b"" for number in range(15)})
    assert len(list(Sources(("x.zip",)).items(MAX_BYTES))) == 15
    pack("x.zip", {f"{number}.png": b"" for number in range(30)})
    (refused,) = Sources(("x.zip",)).items(MAX_BYTES)
    assert "expected a list of members of at most 1000 bytes" in (refused.error or "")


@pytest.mark.parametrize("compression", ["gz", "xz"])
def test_a_tar_unpacks_to_so_many_times_its_size(inside: Path, compression: str) -> None:
    Path("x.tar").write_bytes(
        COMPRESS[compression](tar_of({"a.png": b"1", "zeros.mov": bytes(40 * MEGABYTE), "b.png": b"2"}))
    )
    most = RATIO * Path("x.tar").stat().st_size + SLACK * MAX_BYTES
    first, end = frugally("x.tar", 10)
    assert first.data == b"1"
    assert f"at most {most} bytes" in (end.error or "")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_without_end_is_refused(inside: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("name")
    header.type, header.size = kind, 60 * MEGABYTE
    Path("x.tar").write_bytes(header.tobuf() + bytes(60 * MEGABYTE))
    (refused,) = frugally("x.tar", 5)
    assert "a header is longer than any honest one" in (refused.error or "")


def test_headers_within_headers_are_refused(inside: Path) -> None:
    header = tarfile.TarInfo("name")
    header.type = tarfile.XHDTYPE
    Path("x.tar").write_bytes(header.tobuf() * 1500 + tar_of({"a.png": b""}))
    (refused,) = frugally("x.tar", 10)
    assert refused.error


def test_a_map_of_holes_without_end_is_refused(inside: Path) -> None:
    header = tarfile.TarInfo("a.png")
    header.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[482] = 1  # more of the map follows
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    more = (b"00000000001\0" * 42).ljust(504, b"\0") + b"\x01" + bytes(7)
    Path("x.tar").write_bytes(bytes(block) + more * 8000)
    (refused,) = frugally("x.tar", 60)
    assert "a header is longer than any honest one" in (refused.error or "")


def test_a_negative_size_is_refused(inside: Path) -> None:
    block = bytearray(tarfile.TarInfo("a.png").tobuf())
    block[124:136] = b"\xff" * 11 + b"\x00"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    Path("x.tar").write_bytes(bytes(block) + bytes(10240))
    (refused,) = frugally("x.tar", 2)
    assert "expected a size, received -256" in (refused.error or "")


def test_holes_count_as_bytes(inside: Path) -> None:
    """A sparse member of a few bytes that stands for very many."""
    header = tarfile.TarInfo("a.png")
    header.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(MAX_BYTES + 1)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(header)
    Path("x.tar").write_bytes(buffer.getvalue())
    (refused,) = frugally("x.tar", 2)
    assert refused.error == f"expected at most {MAX_BYTES} bytes, received {MAX_BYTES + 1}"


def test_an_xz_file_gets_no_more_memory_than_others(inside: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 * MEGABYTE}]
    small = tar_of({"a.png": b"1"})
    Path("x.tar.xz").write_bytes(lzma.compress(small, filters=filters))
    (refused,) = frugally("x.tar.xz", 2)
    assert "Memory usage limit exceeded" in (refused.error or "")
    Path("x.tar.xz").write_bytes(lzma.compress(small, preset=9))
    assert [item.data for item in frugally("x.tar.xz", 100)] == [b"1"]
