"""Folders of photos: a manifest or class folders; split by person."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from training.errors import DataError
from training.photos import Photo, folds_by_person, list_photos, read_photo, without_left_out


def write_photo(path: Path, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "teal").save(path)


def photos_of(*people: str) -> list[Photo]:
    return [Photo(Path(f"1/{index}.jpg"), "1", person) for index, person in enumerate(people)]


def test_a_manifest_tells_label_person_pose_and_box(tmp_path: Path) -> None:
    text = "file,label,person,pose,box\n3/a.jpg,3,homes-07,palm,0.1 0.2 0.5 0.6\nnone/b.jpg,none,,,\n"
    (tmp_path / "manifest.csv").write_text(text)
    first, second = list_photos(tmp_path)
    assert (first.label, first.index, first.person, first.source) == ("3", 3, "homes-07", "homes")
    assert (first.pose, first.box, first.name) == ("palm", (0.1, 0.2, 0.5, 0.6), "3/a.jpg")
    assert (second.index, second.person, second.box) == (-1, "unknown", None)


def test_class_folders_tell_the_label(tmp_path: Path) -> None:
    for name in ("0/a.jpg", "5/b.PNG", "none/c.webp", "other/d.jpg"):
        write_photo(tmp_path / name)
    (tmp_path / "5" / "notes.txt").write_text("")
    assert [photo.name for photo in list_photos(tmp_path)] == ["0/a.jpg", "5/b.PNG", "none/c.webp"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.jpg,7", "line 2: expected a file and a label among 0, 1, 2, 3, 4, 5, none, received 'a.jpg'"),
        (",3", "received '' and '3'"),
        ("a.jpg,3,me,palm,0.1 0.2 x 0.4", "line 2: expected a box"),
        ("a.jpg,3,me,palm,0.1 0.2", "line 2: expected a box"),
        ("a.jpg,3,me,palm,0.5 0.2 0.1 0.4", "line 2: expected a box"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "manifest.csv").write_text(f"file,label,person,pose,box\n{row}\n")
    with pytest.raises(DataError, match=reason):
        list_photos(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a manifest\.csv .* or folders 0, 1"):
        list_photos(tmp_path)


def test_photos_are_read_upright_and_small(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 300)).save(tmp_path / "a.jpg", exif=exif)
    assert read_photo(Photo(tmp_path / "a.jpg", "1"), 100).size == (75, 100)


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\.jpg: the file is a text; send a JPEG"):
        read_photo(Photo(tmp_path / "a.jpg", "1"))


def test_folds_part_people_and_are_of_like_size() -> None:
    photos = photos_of(*"aaaaa", *"bbbb", *"ccc", *"dd", *"e")
    folds = folds_by_person(photos, 3)
    pairs = {(photo.person, fold) for photo, fold in zip(photos, folds.tolist(), strict=True)}
    assert len(pairs) == 5
    assert sorted((folds == number).sum() for number in range(3)) == [5, 5, 5]


def test_people_and_collections_can_be_left_out() -> None:
    photos = photos_of("homes-01", "homes-02", "frames-1")
    assert [p.person for p in without_left_out(photos, ["homes-02", "frames"])] == ["homes-01"]
