"""Bad data are refused in one line before anything is trained, and no run folder is begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.training.conftest import made_up_pictures, write_signs
from training.cli import main

RECIPE = """
name = "bad-data"
[data]
sources = ["{source}"]
[[phases]]
epochs = 1
"""


def write(images: object, labels: object) -> Callable[[Path], object]:
    return lambda data: write_signs(data / "signs", "train", images, labels)


def write_text(data: Path) -> None:
    (data / "signs").mkdir()
    (data / "signs" / "train_signs.h5").write_text("no HDF5")


def write_ragged(data: Path) -> None:
    (data / "signs").mkdir()
    with h5py.File(data / "signs" / "train_signs.h5", "w") as file:
        pixels = file.create_dataset("train_set_x", (2,), h5py.vlen_dtype(np.uint8))
        pixels[0], pixels[1] = np.zeros(12), np.zeros(27)
        file["train_set_y"] = [0, 1]


def write_groups(data: Path) -> None:
    (data / "signs").mkdir()
    with h5py.File(data / "signs" / "train_signs.h5", "w") as file:
        file.create_group("train_set_x")
        file.create_group("train_set_y")


PICTURES, LABELS = made_up_pictures(12, seed=1)


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda data: None, "no such file"),
    "no HDF5": (write_text, "not an HDF5 file"),
    "unequal shapes": (write_ragged, "expected pictures of shape (n, 64, 64, 3)"),
    "no arrays": (write_groups, "expected the keys train_set_x and train_set_y to hold arrays"),
    "one class": (write(PICTURES, np.full(12, 3)), "expected several classes"),
    "a label too many": (write(PICTURES, LABELS + 1), "expected labels 0, 1, 2, 3, 4, 5, found [6]"),
    "half labels": (write(PICTURES, LABELS + 0.5), "expected labels 0, 1, 2, 3, 4, 5, found [0.5"),
    "one-hot labels": (write(PICTURES, np.eye(6)[LABELS]), "expected one label a picture, found 12 and 72"),
    "negative pixels": (write(PICTURES.astype(np.int16) - 300, LABELS), "expected pixels in 0..255"),
    "words as pixels": (write(np.full((2, 64, 64, 3), b"x"), [0, 1]), "expected numbers as pixels, found"),
    "one picture": (write(np.zeros((12, 64, 64, 3)), LABELS), "expected pictures on both sides of the split"),
}


@pytest.mark.parametrize(("prepare", "message"), CASES.values(), ids=CASES.keys())
def test_signs(
    tmp_path: Path, prepare: Callable[[Path], object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path)
    assert message in refusal(tmp_path, "signs", capsys)


def photos(data: Path, labels: str, name: str = "IMG_1118.JPG") -> Path:
    """One photo in each label's folder; returns the last one."""
    for label in labels:
        path = data / "digits" / label / name
        path.parent.mkdir(parents=True)
        Image.effect_noise((80, 60), 50).convert("RGB").save(path)
    return path


def test_photos_of_one_class_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path, "2")
    assert "nothing in ['0', '1', '3', '4', '5']" in refusal(tmp_path, "digits", capsys)


def test_a_photo_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos(tmp_path, "012345").write_bytes(b"no picture")
    assert "digits/5/IMG_1118.JPG" in refusal(tmp_path, "digits", capsys)


def test_a_photo_whose_name_does_not_tell_the_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path, "012345", "holiday.jpg")
    assert "expected a name like IMG_1118.JPG" in refusal(tmp_path, "digits", capsys)


def refusal(data: Path, source: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `fit` says of such data."""
    recipe, out = data / "recipe.toml", data / "run"
    recipe.write_text(RECIPE.format(source=source))
    assert main(["fit", str(recipe), "--data", str(data), "--out", str(out)]) == 1
    assert not out.exists()
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said
