"""Data are read by their keys, checked before anything is trained, and refused in words."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from app.imaging import decode, fit
from tests.training.conftest import made_up_pictures, write_signs
from training.dataset import (
    Examples,
    digits_person,
    label_counts,
    load_digits,
    load_signs,
    one_hot,
    read_picture,
    scaled,
    without_wrong_labels,
)
from training.errors import DataError


def test_signs_are_read_by_their_keys(made_up_data: Path) -> None:
    train = load_signs(made_up_data / "signs", "train")
    images, labels = made_up_pictures(32, seed=1)
    np.testing.assert_array_equal(train.images, images)
    np.testing.assert_array_equal(train.labels, labels)
    assert train.names[7] == "train_signs.h5[7]"


def test_exact_copies_share_a_group(tmp_path: Path) -> None:
    images, labels = made_up_pictures(8, seed=3)
    images[5] = images[2]
    write_signs(tmp_path, "train", images, labels)
    groups = load_signs(tmp_path, "train").groups
    assert groups[5] == groups[2]
    assert len(set(groups.tolist())) == 7


def test_a_missing_file_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train_signs\.h5: no such file.*ResNet assignment"):
        load_signs(tmp_path, "train")


def test_a_file_that_is_no_hdf5_is_named(tmp_path: Path) -> None:
    (tmp_path / "train_signs.h5").write_bytes(b"a picture of a hand")
    with pytest.raises(DataError, match=r"train_signs\.h5: not an HDF5 file"):
        load_signs(tmp_path, "train")


def test_missing_keys_are_named_beside_those_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "test_signs.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(DataError, match="expected the keys test_set_x and test_set_y, found images"):
        load_signs(tmp_path, "test")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            np.zeros((4, 32, 32, 3)),
            np.arange(4),
            r"expected pictures of shape \(n, 64, 64, 3\), found \(4, 32",
        ),
        (np.zeros((4, 64, 64, 3)), np.arange(3), "one label a picture, found 4 and 3"),
        (np.full((4, 64, 64, 3), 256.0), np.arange(4), "pixels in 0..255, found 256 to 256"),
        (np.full((4, 64, 64, 3), np.nan), np.arange(4), "pixels in 0..255, found nan"),
        (np.zeros((4, 64, 64, 3)), np.array([0, 1, 2, 6]), r"expected labels 0, 1, 2, 3, 4, 5, found \[6\]"),
        (np.zeros((4, 64, 64, 3)), np.array([2, 2, 2, 2]), "expected several classes"),
        (np.zeros((0, 64, 64, 3)), np.zeros(0), "found none"),
    ],
)
def test_malformed_arrays_are_refused(tmp_path: Path, images: object, labels: object, message: str) -> None:
    write_signs(tmp_path, "train", images, labels)
    with pytest.raises(DataError, match=message):
        load_signs(tmp_path, "train")


def test_the_wrong_label_is_left_out_and_said_so() -> None:
    images, labels = made_up_pictures(3, seed=4)
    names = np.array(["train_signs.h5[403]", "train_signs.h5[404]", "train_signs.h5[405]"])
    kept, sentences = without_wrong_labels(Examples(images, labels, names, names))
    assert kept.names.tolist() == ["train_signs.h5[403]", "train_signs.h5[405]"]
    assert sentences == ["left out train_signs.h5[404]: an empty wall, labelled 0"]


def test_photos_are_seen_as_the_service_sees_them(tmp_path: Path) -> None:
    photo = Image.effect_noise((300, 200), 80).convert("RGB")
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    (tmp_path / "photo.png").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(
        scaled(read_picture(tmp_path / "photo.png")), fit(decode(buffer.getvalue()))
    )


def test_a_broken_photo_is_named(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0broken")
    with pytest.raises(DataError, match=r"photo\.jpg"):
        read_picture(tmp_path / "photo.jpg")


def test_digits_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected folders of JPEGs 0, 1, 2, 3, 4, 5"):
        load_digits(tmp_path)


def test_people_were_photographed_in_turn() -> None:
    assert digits_person(Path("0/IMG_1118.JPG")) == 0
    assert digits_person(Path("7/IMG_1125.JPG")) == 0
    assert digits_person(Path("3/IMG_1131.JPG")) == 1


def test_one_hot_spreads_no_sign_over_all() -> None:
    rows = one_hot(np.array([2, -1]))
    assert rows[0].tolist() == [0, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(rows[1], 1 / 6)


def test_the_real_files_hold_what_is_said_of_them(data_folder: Path) -> None:
    train, test = (load_signs(data_folder / "signs", part) for part in ("train", "test"))
    assert (len(train), len(test)) == (1080, 120)
    assert np.bincount(train.labels).tolist() == [180] * 6
    digits = load_digits(data_folder / "digits")
    assert len(digits) == 1237
    assert digits.images.dtype == np.uint8


def test_labels_are_counted(made_up_data: Path) -> None:
    train = load_signs(made_up_data / "signs", "train")
    counts = label_counts(train.take(train.labels != 3))
    assert "3" not in counts
    assert counts["0"] == (train.labels == 0).sum()
    assert sum(counts.values()) == (train.labels != 3).sum()
