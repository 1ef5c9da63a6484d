"""What a model version says of itself: `assets.extra/manifest.json` beside the SavedModel."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import ModelError

MANIFEST_PATH = Path("assets.extra") / "manifest.json"
INT8_PATH = Path("assets.extra") / "int8" / "network.xml"
"""Where a version keeps its network in 8 bits, in OpenVINO's own format; its weights lie beside it."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputSpec(_Part):
    """How a window of a picture becomes the network's input."""

    height: Annotated[int, Field(gt=0)] = 64
    width: Annotated[int, Field(gt=0)] = 64
    scale: Literal["x/255"] = "x/255"
    resize: Literal["bilinear"] = "bilinear"


class Window(_Part):
    """A rectangle of the upright picture, in fractions of its width (x) and height (y)."""

    x0: Fraction = 0.0
    y0: Fraction = 0.0
    x1: Fraction = 1.0
    y1: Fraction = 1.0

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if self.x0 >= self.x1 or self.y0 >= self.y1:
            raise ValueError(f"expected x0 < x1 and y0 < y1, received {self}")
        return self


class Locating(_Part):
    """How the hand is found before it is looked at: by a small network in a SavedModel of its own.

    The whole picture, shrunk to `side` pixels square, gives the place of the likeliest hand. Squares
    about its box, each so many times the box's longer side as `closeness` says, are then the windows.
    Below `least_score` the windows of `Views` are looked at instead.
    """

    folder: Annotated[str, Field(pattern=r"^assets\.extra/[a-z]+$")] = "assets.extra/locator"
    side: Annotated[int, Field(gt=0)]
    least_score: Fraction
    closeness: Annotated[tuple[Annotated[float, Field(ge=0.5, le=4)], ...], Field(min_length=1)]


class Views(_Part):
    """Which windows of a picture are looked at, and how their probabilities become one answer.

    With `mirror` each window is looked at both ways round: the signs do not depend on the hand. With
    `alternate` every second window is, in place of as it is; a lone one is looked at both ways round.
    `geometric` is the mean of the logits, `mean` that of the probabilities. A picture with no side above
    `as_is_to` pixels is looked at once and as it is, as a tensor would be: who sends so few has cut it out.
    """

    windows: Annotated[tuple[Window, ...], Field(min_length=1)] = (Window(),)
    locating: Locating | None = None
    mirror: bool = False
    alternate: bool = False
    combine: Literal["mean", "geometric"] = "mean"
    as_is_to: Annotated[int, Field(ge=0)] = 0

    @property
    def most(self) -> int:
        """The most inputs of the network that one picture can become."""
        windows = max(len(self.windows), len(self.locating.closeness) if self.locating else 0)
        return windows * 2 if self.mirror else max(windows, 2 if self.alternate else 1)


class Acceptance(_Part):
    """When an answer counts as a sign: `max_probability` accepts from `threshold` on."""

    rule: Literal["max_probability"] = "max_probability"
    threshold: Fraction
    true_acceptance_rate: Fraction | None = None
    false_acceptance_rate: Fraction | None = None
    measured_on: str = ""


class Score(_Part):
    """How the exported network did on one data set; `calibration_error` is Guo et al. 2017's ECE."""

    n: Annotated[int, Field(gt=0)]
    accuracy: Fraction
    calibration_error: Fraction


class TrainingRecord(_Part):
    """Enough to train the version again."""

    recipe: str
    seed: int
    packages: dict[str, str] = {}
    data: dict[str, Sha256] = {}
    labels: dict[str, Annotated[int, Field(gt=0)]] = {}
    """How many training pictures there were of each label."""
    commit: str = ""


class PrecisionScore(_Part):
    """How the network did in one precision, at the version's threshold of acceptance."""

    accuracy: Fraction
    true_acceptance_rate: Fraction
    false_acceptance_rate: Fraction | None = None


class Quantised(_Part):
    """The network at `INT8_PATH`: how it was made, and what it cost on the same validation pictures."""

    calibrated_on: Annotated[int, Field(gt=0)]
    """So many training pictures gave the ranges of its activations."""
    n: Annotated[int, Field(gt=0)]
    float32: PrecisionScore
    int8: PrecisionScore


class GoldenPair(_Part):
    """The made-up input of `golden_input(seed)` and the probabilities expected of it."""

    seed: Annotated[int, Field(ge=0)]
    probabilities: tuple[Fraction, ...]


class GoldenPlace(_Part):
    """The made-up input of `golden_input(seed)` and the place expected of it: score, x0, y0, x1, y1."""

    seed: Annotated[int, Field(ge=0)]
    place: tuple[Fraction, Fraction, Fraction, Fraction, Fraction]


class Golden(_Part):
    """Pairs that prove a loaded version, within a tolerance for the precision in use."""

    tolerance: dict[str, Annotated[float, Field(gt=0)]] = {"float32": 1e-3, "bfloat16": 2e-2}
    pairs: Annotated[tuple[GoldenPair, ...], Field(min_length=1)]
    places: tuple[GoldenPlace, ...] = ()


class Manifest(_Part):
    """With the SavedModel, everything between a decoded picture and an answer."""

    name: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(gt=0)]
    created: datetime
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    input: InputSpec = InputSpec()
    views: Views = Views()
    acceptance: Acceptance
    scores: dict[str, Score] = {}
    training: TrainingRecord
    quantised: Quantised | None = None
    sha256: dict[str, Sha256]
    golden: Golden

    @model_validator(mode="after")
    def _golden_fits_labels(self) -> Self:
        for pair in self.golden.pairs:
            if len(pair.probabilities) != len(self.labels):
                raise ValueError(
                    f"golden pair {pair.seed}: expected {len(self.labels)} probabilities, "
                    f"received {len(pair.probabilities)}"
                )
        return self


def golden_input(seed: int, spec: InputSpec) -> NDArray[np.float32]:
    """A made-up picture, float32 [1, height, width, 3] in 0..1: an 8x8 mosaic of random colours.

    `RandomState` is used because numpy has frozen its streams for ever (NEP 19).
    """
    tiles = np.random.RandomState(seed).randint(0, 256, (8, 8, 3)).astype(np.float32) / np.float32(255)
    rows = np.arange(spec.height) * 8 // spec.height
    columns = np.arange(spec.width) * 8 // spec.width
    return tiles[rows][:, columns][np.newaxis]


def file_hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a version folder, the manifest itself left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder) != MANIFEST_PATH
    }


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the version in `folder`; raises `ModelError` where it is missing or malformed."""
    path = folder / MANIFEST_PATH
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"{path}: expected the version's manifest, found no such file") from None
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path}: not a valid manifest: {error}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest to its place below a version folder."""
    path = folder / MANIFEST_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises `ModelError` unless exactly the files that the manifest names are there, unaltered."""
    found = file_hashes(folder)
    missing = sorted(manifest.sha256.keys() - found.keys())
    surplus = sorted(found.keys() - manifest.sha256.keys())
    altered = sorted(name for name, digest in manifest.sha256.items() if found.get(name, digest) != digest)
    for what, names in (("missing", missing), ("not in the manifest", surplus), ("altered", altered)):
        if names:
            raise ModelError(f"{folder}: files {what}: {', '.join(names)}")
