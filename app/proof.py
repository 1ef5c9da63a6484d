"""What a model version must show before it serves: its files, its labels, its answers; then it is warm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.batch_sizes import batch_sizes
from app.engines.base import Engine, Float32Array, Locator
from app.errors import ModelError
from app.manifest import InputSpec, Manifest, check_files, golden_input, read_manifest

Result = TypeVar("Result")

PLACE_TOLERANCE = 5e-3
"""For the locator, which is computed in float32 always; half a pixel of a small photo."""


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version that serves or may serve: what it says of itself, and the network."""

    manifest: Manifest
    engine: Engine
    locator: Locator | None = None


def load_proven(
    folder: Path,
    load: Callable[[Path], Engine],
    max_batch: int,
    load_locator: Callable[[Path, int], Locator] | None = None,
) -> LoadedVersion:
    """Loads the version in `folder`, named by its number; raises `ModelError` where it fails a proof."""
    manifest = read_manifest(folder)
    if str(manifest.version) != folder.name:
        raise ModelError(
            f"{folder}: expected version {folder.name} in the manifest, received {manifest.version}"
        )
    check_files(folder, manifest)
    engine = load(folder)
    try:
        check_golden(engine, manifest)
        warm_up(engine, manifest.input, max_batch)
        locator = _proven_locator(folder, manifest, load_locator)
    except BaseException:
        engine.close()
        raise
    return LoadedVersion(manifest, engine, locator)


def check_golden(engine: Engine, manifest: Manifest) -> None:
    """Raises `ModelError` unless the engine gives the manifest's golden probabilities for its labels."""
    tolerance = manifest.golden.tolerance.get(engine.precision)
    if tolerance is None:
        known = ", ".join(manifest.golden.tolerance)
        raise ModelError(f"golden outputs: expected a precision of {known}, received {engine.precision}")
    for pair in manifest.golden.pairs:
        row = _tried(engine.run, golden_input(pair.seed, manifest.input))[0]
        if len(row) != len(manifest.labels):
            raise ModelError(f"labels: expected {len(row)}, one a class, received {len(manifest.labels)}")
        difference = float(np.abs(row - np.array(pair.probabilities)).max())
        if not difference <= tolerance:  # so that NaN fails
            raise ModelError(
                f"golden outputs: expected at most {tolerance:g} from those of seed {pair.seed} "
                f"in {engine.precision}, received {difference:g}"
            )


def _proven_locator(
    folder: Path, manifest: Manifest, load: Callable[[Path, int], Locator] | None
) -> Locator | None:
    """The version's locator, where it has one and one is wanted; it too must give its golden answers."""
    locating = manifest.views.locating
    if locating is None or load is None:
        return None
    locator = load(folder / locating.folder, locating.side)
    spec = InputSpec(height=locating.side, width=locating.side)
    for pair in manifest.golden.places:
        difference = float(np.abs(_found(locator, golden_input(pair.seed, spec)[0]) - pair.place).max())
        if not difference <= PLACE_TOLERANCE:
            raise ModelError(
                f"golden places: expected at most {PLACE_TOLERANCE:g} from that of seed {pair.seed}, "
                f"received {difference:g}"
            )
    return locator


def _found(locator: Locator, photo: Float32Array) -> Float32Array:
    """The locator's answer; whatever it raises becomes a `ModelError`."""
    try:
        return locator.find(photo)
    except Exception as error:
        raise ModelError(f"the locator does not run: {error}") from error


def warm_up(engine: Engine, spec: InputSpec, max_batch: int) -> None:
    """Runs a batch of each size that will be run, so that no user waits until kernels are made ready."""
    for size in batch_sizes(max_batch):
        _tried(engine.warm_up, np.repeat(golden_input(0, spec), size, axis=0))


def _tried(run: Callable[[Float32Array], Result], images: Float32Array) -> Result:
    """What `run` gives; whatever it raises becomes a `ModelError`."""
    try:
        return run(images)
    except Exception as error:
        raise ModelError(f"the network does not run on a batch of {len(images)}: {error}") from error
