"""An export counts only when every engine agrees on it; a failed one replaces nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from app.manifest import InputSpec, check_files, golden_input, read_manifest
from training import export as exporting
from training.errors import ExportError, RunError
from training.evaluate import evaluate, read_evaluation
from training.export import check_agreement, export, next_version
from training.run import load_network
from training.servable import tensorflow_answers


@pytest.fixture(scope="module")
def evaluated_run(tiny_run: Path, made_up_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("evaluated") / "tiny"
    shutil.copytree(tiny_run, run)
    evaluate(run, made_up_data, say=lambda _: None)
    return run


@pytest.fixture(scope="module")
def exported(evaluated_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(evaluated_run, tmp_path_factory.mktemp("signs"), say=lambda _: None)


def test_an_evaluation_counts_the_test_set_twice(evaluated_run: Path) -> None:
    scores = read_evaluation(evaluated_run)["scores"]
    assert scores["signs_test"]["n"] == 12
    assert scores["signs_test_without_twins"]["n"] == 11
    assert scores["signs_validation"]["n"] == 8
    assert sum(map(sum, scores["signs_test"]["confusion"])) == 12
    for picture in ("confusion-signs_test.png", "mistakes-signs_test.png"):
        assert (evaluated_run / picture).read_bytes().startswith(b"\x89PNG")


def test_the_test_set_can_be_left_alone(tiny_run: Path, made_up_data: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run, tmp_path / "run")
    report = evaluate(tmp_path / "run", made_up_data, test=False, say=lambda _: None)
    assert list(report["scores"]) == ["signs_validation"]


def test_an_exported_version_is_what_its_manifest_says(exported: Path) -> None:
    manifest = read_manifest(exported)
    check_files(exported, manifest)
    assert exported.name == "1"
    assert manifest.labels == ("0", "1", "2", "3", "4", "5")
    assert manifest.training.recipe == "tiny"
    assert set(manifest.training.labels) <= set(manifest.labels)
    assert sum(manifest.training.labels.values()) == 24
    assert manifest.scores["signs_test"].n == 12
    for pair in manifest.golden.pairs:
        answers = tensorflow_answers(exported, golden_input(pair.seed, InputSpec()))
        np.testing.assert_allclose(answers[0], pair.probabilities, atol=1e-5)


def test_an_export_answers_as_the_trained_network(exported: Path, tiny_run: Path) -> None:
    images = np.random.default_rng(0).random((5, 64, 64, 3)).astype(np.float32)
    trained = load_network(tiny_run).predict(images, verbose=0)
    np.testing.assert_allclose(tensorflow_answers(exported, images), trained, atol=1e-3)


def test_weights_are_written_once_and_halved(exported: Path) -> None:
    assert sum(path.stat().st_size for path in exported.rglob("*")) < 50_000_000


def test_an_export_that_disagrees_replaces_nothing(
    evaluated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "openvino_answers", lambda folder, images: np.zeros((len(images), 6)))
    with pytest.raises(ExportError, match="OpenVINO answers otherwise than Keras"):
        export(evaluated_run, tmp_path, say=lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_answers_that_are_no_numbers_never_agree() -> None:
    with pytest.raises(ExportError):
        check_agreement("an engine", np.full((1, 6), np.nan, np.float32), np.zeros((1, 6), np.float32))


def test_a_run_is_evaluated_before_it_is_exported(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not evaluated yet"):
        export(tiny_run, tmp_path)


def test_versions_count_up(tmp_path: Path) -> None:
    assert next_version(tmp_path) == 1
    for name in ("2", "10", "notes"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == 11
