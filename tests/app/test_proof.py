"""What a version must show before it serves, with constant engines and with the real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.batch_sizes import batch_sizes
from app.engines import ENGINES, load_engine
from app.engines.base import Engine, Float32Array
from app.engines.constant import ConstantEngine
from app.errors import ModelError
from app.manifest import InputSpec
from app.proof import load_proven, warm_up

MakeVersion = Callable[..., Path]


def _load_by(name: str, precision: str = "auto") -> Callable[[Path], Engine]:
    return lambda folder: load_engine(name, folder, 1, precision)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_true_version_is_proven(engine: str, make_version: MakeVersion, tmp_path: Path) -> None:
    folder = make_version(tmp_path, 3)
    version = load_proven(folder, _load_by(engine), max_batch=4)
    assert (version.manifest.version, version.engine.name) == (3, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_other_golden_outputs_are_refused(engine: str, make_version: MakeVersion, tmp_path: Path) -> None:
    wrong = {"pairs": [{"seed": 0, "probabilities": [1, 0, 0, 0, 0, 0]}]}
    folder = make_version(tmp_path, 1, golden=wrong)
    with pytest.raises(ModelError, match=r"golden outputs: expected at most 0.001 .* received 0\.\d+"):
        load_proven(folder, _load_by(engine, "float32"), 4)


def test_a_missing_variable_file_is_refused(make_version: MakeVersion, tmp_path: Path) -> None:
    folder = make_version(tmp_path, 1)
    (folder / "variables" / "variables.index").unlink()
    with pytest.raises(ModelError, match=r"files missing: variables/variables\.index"):
        load_proven(folder, _load_by("openvino"), 4)


def test_a_surplus_file_is_refused(make_version: MakeVersion, tmp_path: Path) -> None:
    folder = make_version(tmp_path, 1)
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(ModelError, match=r"files not in the manifest: notes\.txt"):
        load_proven(folder, _load_by("openvino"), 4)


def test_more_labels_than_classes_are_refused(make_version: MakeVersion, tmp_path: Path) -> None:
    golden = {"pairs": [{"seed": 0, "probabilities": [1, 0, 0]}]}
    folder = make_version(tmp_path, 1, labels=("a", "b", "c"), golden=golden)
    with pytest.raises(ModelError, match="labels: expected 6, one a class, received 3"):
        load_proven(folder, _load_by("openvino"), 4)


def test_a_precision_without_tolerance_is_refused(make_version: MakeVersion, tmp_path: Path) -> None:
    class Coarse(ConstantEngine):
        precision = "int8"

    folder = make_version(tmp_path, 1)
    engine = Coarse()
    with pytest.raises(ModelError, match="expected a precision of float32, bfloat16, received int8"):
        load_proven(folder, lambda _: engine, 4)
    assert engine.closed


def test_an_engine_that_does_not_run_is_refused_and_closed(make_version: MakeVersion, tmp_path: Path) -> None:
    def fail(images: Float32Array) -> None:
        raise RuntimeError("no such kernel")

    folder = make_version(tmp_path, 1)
    engine = ConstantEngine(before_run=fail)
    with pytest.raises(ModelError, match="the network does not run on a batch of 1: no such kernel"):
        load_proven(folder, lambda _: engine, 4)
    assert engine.closed


def test_nan_is_no_golden_output(make_version: MakeVersion, tmp_path: Path) -> None:
    folder = make_version(tmp_path, 1)
    with pytest.raises(ModelError, match="received nan"):
        load_proven(folder, lambda _: ConstantEngine([np.nan] * 6), 4)


@pytest.mark.parametrize(
    ("max_batch", "sizes"),
    [
        (1, [1]),
        (2, [1, 2]),
        (6, [1, 2, 3, 4, 6]),
        (32, [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]),
    ],
)
def test_warm_up_runs_every_size_that_will_be_run(max_batch: int, sizes: list[int]) -> None:
    engine = ConstantEngine()
    warm_up(engine, InputSpec(), max_batch)
    assert engine.batch_sizes == sizes
    assert tuple(sizes) == batch_sizes(max_batch)
