"""The network in 8 bits: smaller, close to the SavedModel, and refused where it is worse."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from app.engines import load_engine
from app.errors import ModelError
from app.manifest import INT8_PATH, GoldenPair, InputSpec, PrecisionScore, golden_input
from training.errors import ExportError
from training.quantise import check_golden_in_int8, check_scores, write_int8
from training.servable import save, tensorflow_answers

SEEDS = range(4)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolutional network's SavedModel with its int8 twin; quantising ResNet-50 takes minutes."""
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            keras.layers.Input((64, 64, 3)),
            keras.layers.Conv2D(64, 5, strides=4, activation="relu"),
            keras.layers.Conv2D(64, 5, strides=4, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="softmax"),
        ]
    )
    folder = tmp_path_factory.mktemp("version")
    save(network, folder)
    write_int8(folder, _inputs())
    return folder


def _inputs() -> NDArray[np.float32]:
    return np.concatenate([golden_input(seed, InputSpec()) for seed in SEEDS])


def _golden(version: Path) -> tuple[GoldenPair, ...]:
    rows = tensorflow_answers(version, _inputs()).astype(float).clip(0, 1).tolist()
    return tuple(
        GoldenPair(seed=seed, probabilities=tuple(row)) for seed, row in zip(SEEDS, rows, strict=True)
    )


def test_weights_are_kept_in_8_bits(version: Path) -> None:
    weights = 5 * 5 * 3 * 64 + 5 * 5 * 64 * 64
    assert (version / INT8_PATH).with_suffix(".bin").stat().st_size < 1.2 * weights


def test_int8_answers_nearly_as_the_saved_model_and_says_so(version: Path) -> None:
    engine = load_engine("openvino", version, 1, "int8")
    assert engine.precision == "int8"
    np.testing.assert_allclose(engine.run(_inputs()), tensorflow_answers(version, _inputs()), atol=0.05)
    assert check_golden_in_int8(version, _golden(version)) < 0.05


def test_auto_takes_int8_where_the_version_has_it(version: Path) -> None:
    assert load_engine("openvino", version, 1, "auto").precision == "int8"
    assert load_engine("openvino", version, 1, "float32").precision == "float32"


def test_int8_is_refused_where_the_version_has_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected the network in int8 at assets\.extra/int8/network\.xml"):
        load_engine("openvino", tmp_path, 1, "int8")


def test_other_golden_outputs_are_no_export(version: Path) -> None:
    wrong = tuple(
        pair.model_copy(update={"probabilities": pair.probabilities[::-1]}) for pair in _golden(version)
    )
    wrong = (*wrong[1:], wrong[0].model_copy(update={"probabilities": (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)}))
    with pytest.raises(ExportError, match="int8 answers the golden inputs otherwise"):
        check_golden_in_int8(version, wrong)


def _score(accuracy: float = 0.98, right: float = 0.97, wrong: float | None = 0.3) -> PrecisionScore:
    return PrecisionScore(accuracy=accuracy, true_acceptance_rate=right, false_acceptance_rate=wrong)


@pytest.mark.parametrize("int8", [_score(), _score(0.9775), _score(0.99, 0.961, 0.309), _score(wrong=None)])
def test_int8_that_reads_as_well_is_accepted(int8: PrecisionScore) -> None:
    check_scores(_score(), int8)


@pytest.mark.parametrize(
    ("int8", "what"),
    [
        (_score(accuracy=0.976), "accuracy: expected a loss of at most 0.3%, found 0.4%"),
        (_score(right=0.955), "acceptance of right answers"),
        (_score(wrong=0.32), "refusal of no signs"),
    ],
)
def test_int8_that_is_worse_is_refused(int8: PrecisionScore, what: str) -> None:
    with pytest.raises(ExportError, match=what):
        check_scores(_score(), int8)
