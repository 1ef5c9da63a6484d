"""What a model version must show before it serves: its files, its labels, its answers; then it is warm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.engines.base import Engine, Float32Array
from app.errors import ModelError
from app.manifest import InputSpec, Manifest, check_files, golden_input, read_manifest


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version that serves or may serve: what it says of itself, and the network."""

    manifest: Manifest
    engine: Engine


def load_proven(folder: Path, load: Callable[[Path], Engine], max_batch: int) -> LoadedVersion:
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
    except BaseException:
        engine.close()
        raise
    return LoadedVersion(manifest, engine)


def check_golden(engine: Engine, manifest: Manifest) -> None:
    """Raises `ModelError` unless the engine gives the manifest's golden probabilities for its labels."""
    tolerance = manifest.golden.tolerance.get(engine.precision)
    if tolerance is None:
        known = ", ".join(manifest.golden.tolerance)
        raise ModelError(f"golden outputs: expected a precision of {known}, received {engine.precision}")
    for pair in manifest.golden.pairs:
        row = _run(engine, golden_input(pair.seed, manifest.input))[0]
        if len(row) != len(manifest.labels):
            raise ModelError(f"labels: expected {len(row)}, one a class, received {len(manifest.labels)}")
        difference = float(np.abs(row - np.array(pair.probabilities)).max())
        if not difference <= tolerance:  # so that NaN fails
            raise ModelError(
                f"golden outputs: expected at most {tolerance:g} from those of seed {pair.seed} "
                f"in {engine.precision}, received {difference:g}"
            )


def warm_up(engine: Engine, spec: InputSpec, max_batch: int) -> None:
    """Runs batches of 1, 2, 4, ... and `max_batch`, so that no user waits until kernels are made ready."""
    for size in sorted({max_batch, *(2**power for power in range(max_batch.bit_length()))}):
        _run(engine, np.repeat(golden_input(0, spec), size, axis=0))


def _run(engine: Engine, images: Float32Array) -> Float32Array:
    """The engine's rows; whatever it raises becomes a `ModelError`."""
    try:
        return engine.run(images)
    except Exception as error:
        raise ModelError(f"the network does not run on a batch of {len(images)}: {error}") from error
