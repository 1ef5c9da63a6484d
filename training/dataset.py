"""Labelled pictures on disk -> arrays: the SIGNS files and the folders of photos."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import h5py
import numpy as np
from numpy.typing import NDArray

from app.errors import ImageError
from app.imaging import decode, fit_uint8
from app.manifest import InputSpec, Window
from training.errors import DataError

LABELS = ("0", "1", "2", "3", "4", "5")
WHENCE = (
    "The two SIGNS files come with the ResNet assignment (convolutional networks, week 2), "
    "in its `datasets` folder; digits/ is the Sign Language Digits Dataset by A. Mavi and Z. Dikle."
)
WRONG_LABELS = {("train_signs.h5", 404): "an empty wall, labelled 0"}
"""Pictures known to be labelled wrongly; they are left out of training and said so."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled pictures.

    `images` uint8 [n, 64, 64, 3]; `labels` int64 [n], an index into `LABELS`; `groups` str [n], what
    must stay on one side of a split: the person, or a picture with its exact copies; `names` str [n].
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    names: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """The examples at a mask or at indices."""
        return replace(
            self,
            images=self.images[chosen],
            labels=self.labels[chosen],
            groups=self.groups[chosen],
            names=self.names[chosen],
        )

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """All examples of all parts, in order."""
        return Examples(
            images=np.concatenate([part.images for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            groups=np.concatenate([part.groups for part in parts]),
            names=np.concatenate([part.names for part in parts]),
        )


def load_signs(folder: Path, part: str) -> Examples:
    """SIGNS as the assignment ships it; `part` is `train` or `test`. Wrong labels are kept.

    Raises `DataError` that names the file, what was expected of it and what was found.
    """
    path = folder / f"{part}_signs.h5"
    pixels_key, labels_key = f"{part}_set_x", f"{part}_set_y"
    try:
        with h5py.File(path, "r") as file:
            missing = [key for key in (pixels_key, labels_key) if key not in file]
            if missing:
                raise DataError(
                    f"{path}: expected the keys {pixels_key} and {labels_key}, "
                    f"found {', '.join(sorted(file)) or 'none'}. {WHENCE}"
                )
            if not all(isinstance(file[key], h5py.Dataset) for key in (pixels_key, labels_key)):
                raise DataError(f"{path}: expected the keys {pixels_key} and {labels_key} to hold arrays")
            images, labels = np.asarray(file[pixels_key]), np.asarray(file[labels_key]).reshape(-1)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. {WHENCE}") from None
    except OSError as error:
        raise DataError(f"{path}: not an HDF5 file ({error}). {WHENCE}") from error
    images, labels = _checked(path, images, labels)
    digests = [hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in images]
    return Examples(
        images=images,
        labels=labels,
        groups=np.array([f"signs:{digest}" for digest in digests]),
        names=np.array([f"{path.name}[{index}]" for index in range(len(labels))]),
    )


def _checked(
    path: Path, images: NDArray[np.generic], labels: NDArray[np.generic]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The arrays in their proper types, or `DataError`."""
    if images.ndim != 4 or images.shape[1:] != (64, 64, 3):
        raise DataError(f"{path}: expected pictures of shape (n, 64, 64, 3), found {images.shape}")
    if len(images) != len(labels):
        raise DataError(f"{path}: expected one label a picture, found {len(images)} and {len(labels)}")
    if images.dtype.kind not in "uif":
        raise DataError(f"{path}: expected numbers as pixels, found {images.dtype}")
    numbers = np.asarray(images, np.float64)
    if not len(images) or not np.isfinite(numbers).all() or numbers.min() < 0 or numbers.max() > 255:
        raise DataError(f"{path}: expected pixels in 0..255, found {_span(numbers)}")
    strange = sorted(set(labels.tolist()) - set(range(len(LABELS))))
    if strange:
        raise DataError(f"{path}: expected labels {', '.join(LABELS)}, found {strange}")
    if len(set(labels.tolist())) < 2:
        raise DataError(f"{path}: expected several classes, found only {set(labels.tolist())}")
    return np.asarray(images, np.uint8), np.asarray(labels, np.int64)


def _span(numbers: NDArray[np.float64]) -> str:
    return f"{numbers.min():g} to {numbers.max():g}" if numbers.size else "none"


def load_digits(folder: Path, labels: Sequence[str] = LABELS) -> Examples:
    """The class folders of the Sign Language Digits Dataset, each picture fitted as the service does.

    Labels outside `LABELS` (the digits 6-9, which are no signs of this model) get the label -1.
    """
    paths = [path for label in labels for path in sorted((folder / label).glob("*.[Jj][Pp][Gg]"))]
    present = {path.parent.name for path in paths}
    missing = [label for label in labels if label not in present]
    if missing:
        raise DataError(
            f"{folder}: expected folders of JPEGs {', '.join(labels)}; nothing in {missing}. {WHENCE}"
        )
    return Examples(
        images=np.stack([read_picture(path) for path in paths]),
        labels=np.array([label_index(path.parent.name) for path in paths], np.int64),
        groups=np.array([f"digits:{digits_person(path)}" for path in paths]),
        names=np.array([f"digits/{path.parent.name}/{path.name}" for path in paths]),
    )


def label_index(label: str) -> int:
    """The label as an index into `LABELS`; -1 where it names no sign of this model."""
    return LABELS.index(label) if label in LABELS else -1


def digits_person(path: Path) -> int:
    """Who is in a photo of `digits/`, roughly: people were photographed in turn, ten digits each."""
    if not path.stem.removeprefix("IMG_").isdecimal():
        raise DataError(f"{path}: expected a name like IMG_1118.JPG, whose number tells people apart")
    number, digit = int(path.stem.removeprefix("IMG_")), int(path.parent.name)
    return (number - 1118 - digit) // 10


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A photo as the network will see it, uint8 [64, 64, 3], by the service's own code."""
    try:
        return fit_uint8(decode(path.read_bytes()), Window(), InputSpec())
    except ImageError as error:
        raise DataError(f"{path}: {error}") from error


def without_wrong_labels(examples: Examples) -> tuple[Examples, list[str]]:
    """The examples that are labelled rightly, and a sentence for each one left out."""
    wrong = {f"{file}[{index}]": why for (file, index), why in WRONG_LABELS.items()}
    left_out = [name for name in examples.names.tolist() if name in wrong]
    kept = ~np.isin(examples.names, left_out)
    return examples.take(kept), [f"left out {name}: {wrong[name]}" for name in left_out]


def one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """int64 [n] -> float32 [n, 6]; the label -1 (no sign) becomes the uniform distribution."""
    rows = np.eye(len(LABELS), dtype=np.float32)[labels]
    rows[labels < 0] = 1 / len(LABELS)
    return rows


def scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 0..255 -> float32 0..1."""
    return images.astype(np.float32) / np.float32(255)


def content_hash(examples: Examples) -> str:
    """SHA-256 over pictures and labels in order: says which data a run has seen."""
    digest = hashlib.sha256(np.ascontiguousarray(examples.images).tobytes())
    digest.update(examples.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def label_counts(examples: Examples) -> dict[str, int]:
    """How many examples there are of each label that has any."""
    counts = np.bincount(examples.labels, minlength=len(LABELS)).tolist()
    return {label: count for label, count in zip(LABELS, counts, strict=True) if count}
