"""Pictures in archives: read one after the other, whatever their names, and never more than is allowed."""

from __future__ import annotations

import gzip
import os
import tarfile
from itertools import islice
from pathlib import Path

import pytest

from app.bulk.items import Item
from app.bulk.sources import Sources
from tests.app.packing import COMPRESS, Members, pack, tar_of

MAX_BYTES = 20_000
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def items(*paths: str, listing: bool = False) -> list[Item]:
    return list(Sources(paths).items(MAX_BYTES, listing))


def errors(*paths: str) -> dict[str, str | None]:
    return {item.path: item.error for item in items(*paths)}


PICTURES: Members = {"b.png": os.urandom(600), "a/c.JPG": os.urandom(1024), "empty.webp": b""}
OTHERS: Members = {"notes.txt": b"no picture", "inner.zip": b"PK", "long.mov": os.urandom(3 * MAX_BYTES)}


@pytest.mark.parametrize("ending", ENDINGS)
def test_pictures_come_in_the_archives_order(inside: Path, ending: str) -> None:
    pack(f"x{ending}", {"notes.txt": b"", **PICTURES, **OTHERS, "last.png": b"z"})
    expected = [(f"x{ending}!/{name}", data) for name, data in [*PICTURES.items(), ("last.png", b"z")]]
    assert [(item.path, item.read(MAX_BYTES)) for item in items(f"x{ending}")] == expected
    counted = items(f"x{ending}", listing=True)
    assert [item.path for item in counted] == [path for path, _ in expected]
    assert not any(item.data for item in counted)


def test_archives_are_told_by_their_names_and_compression_by_the_first_bytes(inside: Path) -> None:
    Path("photos.tar").write_bytes(gzip.compress(tar_of(PICTURES)))
    assert len(items("photos.tar")) == len(PICTURES)
    pack("photos.ZIP.zip", PICTURES)
    Path("photos.ZIP.zip").rename("photos.ZIP")
    assert len(items("*.ZIP")) == len(PICTURES)
    Path("folder.zip").mkdir()
    Path("folder.zip/a.png").write_bytes(b"")
    assert [item.path for item in items("folder.zip")] == ["folder.zip/a.png"]


@pytest.mark.parametrize("compression", COMPRESS)
def test_streams_that_were_compressed_in_parts_are_whole(inside: Path, compression: str) -> None:
    compress = COMPRESS[compression]
    whole = tar_of(PICTURES)
    Path("x.tar").write_bytes(
        b"".join(compress(whole[start : start + 700]) for start in range(0, len(whole), 700))
    )
    assert [item.data for item in items("x.tar")] == list(PICTURES.values())


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_an_archive_is_read_only_as_far_as_it_is_asked_for(inside: Path, ending: str) -> None:
    pack(f"x{ending}", {f"{number}.png": os.urandom(15_000) for number in range(40)})
    found = Sources((f"x{ending}",)).items(MAX_BYTES)
    first = list(islice(found, 2))
    assert [len(item.data or b"") for item in first] == [15_000] * 2
    with Path(f"x{ending}").open("r+b") as file:  # whatever lies further back was not read yet
        file.seek(20 * 15_000)
        file.write(b"\xff" * 15_000)
    assert any(item.error for item in found)


@pytest.mark.parametrize("ending", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["../../etc/a.png", "/etc/a.png", "a/../../b.png", r"c:\a.png", "ä\n\t.png"])
def test_names_are_labels_only(inside: Path, ending: str, name: str) -> None:
    pack(f"x{ending}", {name: b"data"})
    before = sorted(inside.rglob("*"))
    (item,) = items(f"x{ending}")
    assert (item.path, item.data, item.file) == (f"x{ending}!/{name}", b"data", None)
    assert sorted(inside.rglob("*")) == before


def test_names_that_are_no_utf_8_are_shown(inside: Path) -> None:
    Path("x.tar").write_bytes(tar_of({os.fsdecode(b"\xff.png"): b"data"}))
    assert [item.path for item in items("x.tar")] == [r"x.tar!/\udcff.png"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_that_is_none_is_an_error(inside: Path, ending: str) -> None:
    for content in (b"", b"no archive at all" * 100, b"\x1f\x8b\x08", b"PK\x05\x06", b"\xfd7zXZ\0", b"BZh9"):
        Path(f"x{ending}").write_bytes(content)
        ((path, error),) = errors(f"x{ending}").items()
        assert path == f"x{ending}"
        assert error is not None
        assert error.startswith("the archive cannot be read, or not any further: ")


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_that_is_cut_off_is_never_silently_shorter(inside: Path, ending: str) -> None:
    members = {f"{number}.png": os.urandom(700) for number in range(8)}
    pictures = list(members.values())
    pack(f"x{ending}", {"notes.txt": os.urandom(2000)} | members)
    whole = Path(f"x{ending}").read_bytes()
    end = len(whole) - (tarfile.RECORDSIZE if ending == ".tar" else 0)  # tars are filled up with zeros
    for size in range(0, end, 97):
        Path(f"x{ending}").write_bytes(whole[:size])
        found = items(f"x{ending}")
        good = [item.data for item in found if not item.error]
        assert good == pictures[: len(good)]
        told = [item for item in found if item.path == f"x{ending}" and item.error]
        assert told or len(good) == len(pictures), size  # the very last bytes hold none of them


def test_a_broken_header_is_not_the_end_of_a_tar(inside: Path) -> None:
    whole = bytearray(tar_of({"a.png": b"1", "b.png": b"2", "c.png": b"3"}))
    whole[1024] ^= 1
    Path("x.tar").write_bytes(whole)
    assert errors("x.tar") == {
        "x.tar!/a.png": None,
        "x.tar": "the archive cannot be read, or not any further: bad checksum",
    }


def test_a_member_that_breaks_off_is_told_with_its_archive(inside: Path) -> None:
    Path("x.tar").write_bytes(tar_of({"a.png": bytes(10_000)})[:5_000])
    assert errors("x.tar") == {
        "x.tar!/a.png": "unexpected end of data",
        "x.tar": "the archive cannot be read, or not any further: unexpected end of data",
    }


def test_a_broken_member_of_a_zip_harms_no_other(inside: Path) -> None:
    pack("x.zip", {"a.png": os.urandom(500), "b.png": os.urandom(500), "c.png": b""})
    whole = bytearray(Path("x.zip").read_bytes())
    whole[100] ^= 1
    Path("x.zip").write_bytes(whole)
    broken, *kept = items("x.zip")
    assert broken.error
    assert "CRC" in broken.error
    assert [item.error for item in kept] == [None, None]


def test_links_and_devices_in_a_tar_are_not_followed(inside: Path) -> None:
    with tarfile.open("x.tar", "w") as archive:
        for name, kind in (
            ("a.png", tarfile.SYMTYPE),
            ("b.png", tarfile.LNKTYPE),
            ("c.png", tarfile.CHRTYPE),
        ):
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/passwd"
            archive.addfile(header)
        folder = tarfile.TarInfo("d.png")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    told = errors("x.tar")
    assert list(told) == ["x.tar!/a.png", "x.tar!/b.png", "x.tar!/c.png"]
    assert set(told.values()) == {"expected a file, received a link or device, which is not followed"}


def test_an_encrypted_member_is_an_error(inside: Path) -> None:
    pack("x.zip", {"a.png": b"data", "b.png": b"data"})
    whole = bytearray(Path("x.zip").read_bytes())
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    Path("x.zip").write_bytes(whole)
    told = errors("x.zip")
    assert "password" in (told["x.zip!/a.png"] or "")
    assert told["x.zip!/b.png"] is None
