"""A run's network -> the next model version: a SavedModel and its manifest, proven before it counts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from app.manifest import (
    Acceptance,
    Golden,
    GoldenPair,
    GoldenPlace,
    InputSpec,
    Manifest,
    Quantised,
    Score,
    TrainingRecord,
    file_hashes,
    golden_input,
    write_manifest,
)
from training.config import Recipe
from training.dataset import LABELS
from training.errors import ExportError
from training.evaluate import read_evaluation
from training.locate import load_locator
from training.locator import decoded
from training.quantise import GOLDEN_TOLERANCE, add_int8, check_golden_in_int8
from training.reader import recipe_views
from training.run import load_network, run_recipe
from training.servable import openvino_answers, save, save_locator, tensorflow_answers

NAME = "signs"
TOLERANCE = 1e-3
LARGEST_BYTES = 50_000_000
LARGEST_BYTES_WITH_INT8 = 80_000_000
GOLDEN_SEEDS = range(8)


def export(run: Path, to: Path, *, int8_data: Path | None = None, say: Callable[[str], None] = print) -> Path:
    """Writes the run's network as the next version below `to`, and returns that version's folder.

    The version is written beside its place and renamed into it only after Keras, TensorFlow and
    OpenVINO have given the same answers. With `int8_data`, the folder of the data sets, the network in
    int8 is put beside the SavedModel: see `add_int8`. Raises `ExportError` where answers differ, int8
    reads worse, or the folder would be over 50 MB (80 MB with int8), and `RunError` where the run is not
    fitted and evaluated; nothing is replaced then.
    """
    recipe, evaluation, model = run_recipe(run), read_evaluation(run), load_network(run)
    version = next_version(to)
    beside = to / f".new-{version}"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        save(model, beside)
        golden = Golden(pairs=_proven(beside, model, say), places=_proven_places(beside, run, recipe, say))
        _check_size(beside, LARGEST_BYTES, say)
        quantised = None
        if int8_data is not None:
            quantised = add_int8(beside, run, int8_data, evaluation["acceptance"]["threshold"], say)
            golden = _with_int8(golden, beside, say)
            _check_size(beside, LARGEST_BYTES_WITH_INT8, say)
        write_manifest(beside, _manifest(run, recipe, version, evaluation, golden, quantised, beside))
        beside.replace(to / str(version))
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    say(f"exported {to / str(version)}")
    return to / str(version)


def next_version(to: Path) -> int:
    """One above the highest version below a folder; 1 where there is none."""
    numbers = [int(child.name) for child in to.glob("*") if child.name.isdecimal()]
    return max(numbers, default=0) + 1


def _proven(folder: Path, model: keras.Model, say: Callable[[str], None]) -> tuple[GoldenPair, ...]:
    """The golden pairs, once every engine has given them as Keras does."""
    inputs = np.concatenate([golden_input(seed, InputSpec()) for seed in GOLDEN_SEEDS])
    expected = np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)))
    for engine, answers in (
        ("TensorFlow", tensorflow_answers(folder, inputs)),
        ("OpenVINO", openvino_answers(folder, inputs)),
    ):
        say(f"{engine} and Keras differ by at most {check_agreement(engine, answers, expected):.1e}")
    # What is kept is what the file answers, so that a later check measures the engine alone.
    golden = tensorflow_answers(folder, inputs).astype(np.float64).round(6)
    return tuple(
        GoldenPair(seed=seed, probabilities=tuple(row))
        for seed, row in zip(GOLDEN_SEEDS, golden.tolist(), strict=True)
    )


def _proven_places(
    folder: Path, run: Path, recipe: Recipe, say: Callable[[str], None]
) -> tuple[GoldenPlace, ...]:
    """The locator, where the run has one, put into the version and proven the same way."""
    locating = recipe_views(recipe).locating
    if locating is None:
        return ()
    model, place = load_locator(run), folder / locating.folder
    place.parent.mkdir(exist_ok=True)
    save_locator(model, place)
    spec = InputSpec(height=locating.side, width=locating.side)
    inputs = np.concatenate([golden_input(seed, spec) for seed in GOLDEN_SEEDS])
    expected = np.asarray(decoded(model(inputs, training=False)))
    found = tensorflow_answers(place, inputs)
    for engine, answers in (("TensorFlow", found), ("OpenVINO", openvino_answers(place, inputs))):
        say(f"{engine} and Keras place a hand within {check_agreement(engine, answers, expected):.1e}")
    rounded = found.astype(np.float64).round(6).tolist()
    return tuple(
        GoldenPlace(seed=seed, place=tuple(row)) for seed, row in zip(GOLDEN_SEEDS, rounded, strict=True)
    )


def check_agreement(engine: str, answers: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest difference between two sets of probabilities; `ExportError` above `TOLERANCE`."""
    difference = float(np.abs(answers - expected).max())
    if not difference <= TOLERANCE:
        raise ExportError(
            f"{engine} answers otherwise than Keras: expected a difference of at most {TOLERANCE}, "
            f"found {difference:.2e}; nothing was exported"
        )
    return difference


def _with_int8(golden: Golden, folder: Path, say: Callable[[str], None]) -> Golden:
    """The golden pairs with a tolerance for int8 too, once int8 has kept to it."""
    say(f"int8 and the SavedModel differ by at most {check_golden_in_int8(folder, golden.pairs):.1e}")
    return golden.model_copy(update={"tolerance": golden.tolerance | {"int8": GOLDEN_TOLERANCE}})


def _check_size(folder: Path, largest: int, say: Callable[[str], None]) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > largest:
        raise ExportError(f"expected at most {largest:,} bytes, the version has {size:,}")
    say(f"{size / 1e6:.1f} MB")


def _manifest(
    run: Path,
    recipe: Recipe,
    version: int,
    evaluation: dict[str, Any],
    golden: Golden,
    quantised: Quantised | None,
    folder: Path,
) -> Manifest:
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    acceptance = {name: evaluation["acceptance"].get(name) for name in Acceptance.model_fields}
    return Manifest(
        name=NAME,
        version=version,
        created=datetime.now(UTC).replace(microsecond=0),
        labels=LABELS,
        views=recipe_views(recipe),
        acceptance=Acceptance(**acceptance),
        scores={
            name: Score(
                n=score["n"], accuracy=score["accuracy"], calibration_error=score["calibration_error"]
            )
            for name, score in evaluation["scores"].items()
        },
        training=TrainingRecord(
            recipe=recipe.name,
            seed=recipe.seed,
            packages=environment["packages"],
            data=environment["data"],
            labels=environment.get("labels", {}),  # runs of earlier days have not counted them
            commit=_commit(),
        ),
        quantised=quantised,
        sha256=file_hashes(folder),
        golden=golden,
    )


def _commit() -> str:
    """The commit this is run from; empty outside a git checkout."""
    command = ["git", "rev-parse", "HEAD"]
    here = Path(__file__).parent
    try:
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
