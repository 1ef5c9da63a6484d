"""Photos of rooms with hands in them: a folder with a `manifest.csv`, or one folder for each class."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import ImageError
from app.imaging import decode
from training.dataset import LABELS, label_index
from training.errors import DataError

Box = tuple[float, float, float, float]

NO_SIGN = "none"
CLASSES = (*LABELS, NO_SIGN)
SUFFIXES = (".avif", ".bmp", ".gif", ".heic", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo; `box` is the hand's place, x0 y0 x1 y1 as fractions, where it is known."""

    path: Path
    label: str
    person: str = "unknown"
    pose: str = ""
    box: Box | None = None

    @property
    def name(self) -> str:
        """Its class folder and file name."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def source(self) -> str:
        """The collection it comes from: what stands before the person's number."""
        return self.person.rsplit("-", 1)[0]

    @property
    def index(self) -> int:
        """The label as an index into `LABELS`; -1 where it shows no sign."""
        return label_index(self.label)


def list_photos(folder: Path) -> list[Photo]:
    """The photos of `manifest.csv` (columns file, label; person, pose and box if known), or of class folders.

    Raises `DataError` that names what was expected.
    """
    photos = _from_manifest(folder) if (folder / "manifest.csv").exists() else _from_folders(folder)
    if not photos:
        raise DataError(
            f"{folder}: expected a manifest.csv (file,label,person) or folders {', '.join(CLASSES)} of photos"
        )
    return photos


def _from_manifest(folder: Path) -> list[Photo]:
    path = folder / "manifest.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_photo(folder, row, f"{path}, line {line}") for line, row in enumerate(rows, start=2)]


def _photo(folder: Path, row: dict[str, str], where: str) -> Photo:
    file, label = row.get("file"), row.get("label")
    if not file or label not in CLASSES:
        raise DataError(
            f"{where}: expected a file and a label among {', '.join(CLASSES)}, "
            f"received {file!r} and {label!r}"
        )
    box = _box(row.get("box") or "", where)
    return Photo(folder / file, label, row.get("person") or "unknown", row.get("pose") or "", box)


def _box(text: str, where: str) -> Box | None:
    if not text:
        return None
    try:
        x0, y0, x1, y1 = map(float, text.split())
    except ValueError:
        x0 = y0 = x1 = y1 = float("nan")
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise DataError(f"{where}: expected a box of fractions x0 y0 x1 y1, received {text!r}")
    return x0, y0, x1, y1


def _from_folders(folder: Path) -> list[Photo]:
    return [
        Photo(path, label)
        for label in CLASSES
        for path in sorted((folder / label).glob("*"))
        if path.suffix.lower() in SUFFIXES
    ]


def read_photo(photo: Photo, longest: int | None = None) -> Image.Image:
    """The upright picture by the service's own code, shrunk to `longest` pixels; raises `DataError`."""
    try:
        picture = decode(photo.path.read_bytes())
    except (ImageError, OSError) as error:
        raise DataError(f"{photo.path}: {error}") from error
    if longest is not None:
        picture.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    return picture


def folds_by_person(photos: Sequence[Photo], count: int) -> NDArray[np.int64]:
    """A fold for each photo, int64 [n] in 0..count-1: nobody is in two, and the folds are of like size."""
    sizes = dict.fromkeys(sorted({photo.person for photo in photos}), 0)
    for photo in photos:
        sizes[photo.person] += 1
    filled = [0] * count
    fold_of = {}
    for person in sorted(sizes, key=lambda name: (-sizes[name], name)):
        fold_of[person] = filled.index(min(filled))
        filled[fold_of[person]] += sizes[person]
    return np.array([fold_of[photo.person] for photo in photos], np.int64)


def without_left_out(photos: Iterable[Photo], left_out: Iterable[str]) -> list[Photo]:
    """The photos of all but some people or whole collections."""
    names = set(left_out)
    return [photo for photo in photos if not {photo.person, photo.source} & names]
