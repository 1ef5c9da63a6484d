"""What folders, patterns and lists lead to, found as it is asked for."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from app.bulk import folders, sources
from app.bulk.items import SUFFIXES, Item, is_picture, label
from app.bulk.sources import Sources
from app.errors import UnsupportedImage

MAX_BYTES = 1000


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())


def items(*paths: str, lists: tuple[str, ...] = ()) -> list[Item]:
    return list(Sources(paths, lists).items(MAX_BYTES))


def found(*paths: str, lists: tuple[str, ...] = ()) -> list[str]:
    """The paths of what can be read, all of which must be."""
    seen = items(*paths, lists=lists)
    assert [item.error for item in seen] == [None] * len(seen)
    return [item.path for item in seen]


def test_suffixes_are_lower_case_and_names_of_any_case_are_pictures() -> None:
    assert {suffix.lower() for suffix in SUFFIXES} == SUFFIXES
    assert is_picture("a.b.JPG")
    assert not is_picture("jpg")


def test_a_folder_is_searched_to_the_bottom_by_name(inside: Path) -> None:
    touch("photos/b.png", "photos/a/2.jpg", "photos/a/10.jpg", "photos/.hidden/c.webp", "photos/notes.txt")
    expected = ["photos/.hidden/c.webp", "photos/a/10.jpg", "photos/a/2.jpg", "photos/b.png"]
    assert found("photos") == expected


def test_a_larger_folder_is_sorted_in_runs(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "SORTED_AT_ONCE", 4)
    names = [f"photos/{number:02}.png" for number in range(10)]
    touch(*names)
    seen = found("photos")
    assert sorted(seen) == names
    assert all(seen[start : start + 4] == sorted(seen[start : start + 4]) for start in (0, 4, 8))


def test_a_folder_is_listed_only_as_far_as_it_is_asked_for(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "SORTED_AT_ONCE", 10)
    touch(*(f"photos/{number:03}.png" for number in range(300)))
    listed = 0

    def count(entries: Iterator[os.DirEntry[str]], size: int) -> Iterator[os.DirEntry[str]]:
        nonlocal listed
        for entry in islice(entries, size):
            listed += 1
            yield entry

    monkeypatch.setattr(folders, "islice", count)
    assert len(list(islice(Sources(("photos",)).items(MAX_BYTES), 5))) == 5
    assert listed == 10


def test_links_to_folders_are_followed_once(inside: Path) -> None:
    touch("photos/a/1.png", "elsewhere/2.png")
    Path("photos/a/up").symlink_to(inside / "photos")
    Path("photos/b").symlink_to(inside / "elsewhere")
    Path("photos/c").symlink_to(inside / "elsewhere")
    Path("elsewhere/itself").symlink_to(inside / "elsewhere")
    assert found("photos") == ["photos/a/1.png", "photos/b/2.png"]
    Path("way").symlink_to("photos")
    assert found("way") == ["way/a/1.png", "way/b/2.png"]


def test_links_that_lead_nowhere_are_errors(inside: Path) -> None:
    touch("photos/a.png")
    Path("photos/b.png").symlink_to("nothing")
    Path("photos/round").symlink_to("round")
    broken, kept = items("photos")[1:][::-1], items("photos")[0]
    assert kept.path == "photos/a.png"
    assert [item.path for item in broken] == ["photos/round", "photos/b.png"]
    assert broken[0].error == "Too many levels of symbolic links"
    with pytest.raises(FileNotFoundError):
        broken[1].read(MAX_BYTES)


def test_a_folder_that_cannot_be_listed_is_an_error(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch("photos/a/1.png", "photos/b/2.png")
    scan = os.scandir

    def refuse(path: str) -> object:
        if path == "photos/a":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    closed, kept = items("photos")
    assert (closed.path, closed.error) == ("photos/a", "Permission denied")
    assert kept.path == "photos/b/2.png"


def test_a_deep_folder_needs_no_deep_stack(inside: Path) -> None:
    deepest = Path(*["d"] * 400)
    deepest.mkdir(parents=True)
    (deepest / "a.png").write_bytes(b"")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 200)
    try:
        seen = [item.path for pattern in ("d", "**/*.png") for item in Sources((pattern,)).items(MAX_BYTES)]
    finally:
        sys.setrecursionlimit(limit)
    assert seen == [f"{deepest}/a.png"] * 2


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/*.png", ["photos/1.png", "photos/2.png"]),
        ("photos/[!1]*.png", ["photos/2.png"]),
        ("photos/?/3.png", ["photos/a/3.png"]),
        ("*/a/3.png", ["photos/a/3.png"]),
        ("photos/?", ["photos/a/3.png", "photos/a/deep/4.png"]),
        ("photos/**/*.png", ["photos/1.png", "photos/2.png", "photos/a/3.png", "photos/a/deep/4.png"]),
        ("photos/**/4.png", ["photos/a/deep/4.png"]),
        ("**/deep/*", ["photos/a/deep/4.png"]),
        ("photos/a/**", ["photos/a/3.png", "photos/a/deep/4.png"]),
        ("photos/.*/*", ["photos/.hidden/5.png"]),
    ],
)
def test_patterns_match_as_in_a_shell(inside: Path, pattern: str, expected: list[str]) -> None:
    touch("photos/1.png", "photos/2.png", "photos/a/3.png", "photos/a/deep/4.png", "photos/.hidden/5.png")
    assert found(pattern) == expected
    absolute = [str(inside / path) for path in expected]
    assert found(str(inside / pattern)) == absolute


def test_a_pattern_that_matches_nothing_is_an_error(inside: Path) -> None:
    touch("photos/1.png")
    (nothing,) = items("photos/*.jpg")
    assert (nothing.path, nothing.error) == ("photos/*.jpg", "nothing matches this pattern")


def test_a_name_that_looks_like_a_pattern_is_a_name_where_it_exists(inside: Path) -> None:
    touch("a[1].png", "a1.png")
    assert found("a[1].png") == ["a[1].png"]


def test_lists_hold_whatever_may_be_named(inside: Path) -> None:
    touch("photos/1.png", "photos/2.png", "notes.txt", "last.png")
    Path("all.txt").write_bytes(b"notes.txt\r\n\nphotos/*2.png\n./photos\nlast.png")
    assert found("last.png", lists=("all.txt",)) == [
        "last.png",
        "notes.txt",
        "photos/2.png",
        "photos/1.png",
        "photos/2.png",
        "last.png",
    ]


def test_a_list_is_read_line_by_line(inside: Path) -> None:
    os.mkfifo("pipe")
    with os.fdopen(os.open("pipe", os.O_RDWR), "wb", buffering=0) as writer:
        found = Sources((), ("pipe",)).items(MAX_BYTES)
        for name in ("a.png", "b.png"):
            writer.write(f"{name}\n".encode())
            assert next(found).path == name


def test_a_list_that_cannot_be_read_is_an_error(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LONGEST_LINE", 20)
    touch("a.png")
    Path("binary.txt").write_bytes(b"a.png\n" + b"x" * 100)
    missing, kept, broken = items(lists=("missing.txt", "binary.txt"))
    assert (missing.path, missing.error) == ("missing.txt", "No such file or directory")
    assert kept.path == "a.png"
    assert (broken.path, broken.error) == (
        "binary.txt",
        "expected a path a line, received 20 bytes without an end",
    )


def test_lines_that_are_no_path_are_errors(inside: Path) -> None:
    Path("odd.txt").write_bytes(b"a\0b.png\n" + b"y" * 5000 + b"\n\xff.png\n")
    nul, long, foreign = items(lists=("odd.txt",))
    with pytest.raises(ValueError, match="null byte"):
        nul.read(MAX_BYTES)
    assert long.error == "File name too long"
    assert foreign.path == r"\udcff.png"
    Path(os.fsdecode(b"\xff.png")).write_bytes(b"there")
    assert foreign.read(MAX_BYTES) == b"there"


def test_labels_are_utf_8() -> None:
    assert label("hände.png") == "hände.png"
    assert label(os.fsdecode(b"a\xff")).encode() == rb"a\udcff"


def test_pipes_and_devices_are_not_waited_for(inside: Path) -> None:
    os.mkfifo("pipe.png")
    for path in ("pipe.png", "/dev/zero"):
        with pytest.raises(UnsupportedImage, match="expected a file, received a pipe, socket or device"):
            Item.of_file(path).read(MAX_BYTES)
    os.mkfifo("pipe.zip")
    (archive,) = items("pipe.zip")
    assert "expected a file" in (archive.error or "")


def test_a_pipe_as_a_list_is_not_read_twice(inside: Path) -> None:
    os.mkfifo("pipe")
    touch("list.txt")
    assert not Sources((), ("list.txt", "pipe")).can_be_read_twice
    assert Sources(("pipe",), ("list.txt",)).can_be_read_twice


def test_counting_finds_the_same(inside: Path) -> None:
    touch("photos/1.png", "photos/a/2.png", "notes.txt")
    asked = Sources(("photos", "notes.txt", "none/*"))
    assert list(asked.items(MAX_BYTES, listing=True)) == list(asked.items(MAX_BYTES))
