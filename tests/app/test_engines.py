"""Both engines on one tiny SavedModel, and the constant engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engines import ENGINES, load_engine
from app.engines.base import Engine, Float32Array
from app.engines.constant import ConstantEngine, constant_manifest
from app.engines.signature import IMAGES, Tensor, check_signature
from app.errors import ModelError
from app.manifest import golden_input


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(engine_name: str, saved_model: Path) -> Engine:
    return load_engine(engine_name, saved_model, 1, "float32")


def _pictures(count: int) -> Float32Array:
    return np.concatenate([golden_input(seed, constant_manifest().input) for seed in range(count)])


def test_answers_are_those_of_the_formula(engine: Engine, weights: Float32Array) -> None:
    images = _pictures(5)
    powers = np.exp(images.mean(axis=(1, 2), dtype=np.float64) @ weights)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(engine.run(images), expected, atol=1e-5)


def test_each_row_is_its_single_answer(engine: Engine) -> None:
    images = _pictures(7)
    singles = np.concatenate([engine.run(images[i : i + 1]) for i in range(len(images))])
    np.testing.assert_allclose(engine.run(images), singles, atol=1e-6)


def test_an_answer_survives_the_next_run(engine: Engine) -> None:
    images = _pictures(2)
    first = engine.run(images[:1])
    kept = first.copy()
    engine.run(images[1:])
    np.testing.assert_array_equal(first, kept)


def test_names_itself_and_its_precision(engine: Engine, engine_name: str) -> None:
    images = _pictures(1)
    assert (engine.name, engine.precision) == (engine_name, "float32")
    assert engine.run(images).dtype == np.float32


def test_auto_is_a_precision_that_a_manifest_may_have_a_tolerance_for(
    engine_name: str, saved_model: Path
) -> None:
    chosen = load_engine(engine_name, saved_model, 1, "auto").precision
    assert chosen in constant_manifest().golden.tolerance


def test_bfloat16_is_reported_or_refused(saved_model: Path) -> None:
    # A CPU without it computes in float32, and must say so.
    assert load_engine("openvino", saved_model, 1, "bfloat16").precision in ("bfloat16", "float32")
    for precision in ("bfloat16", "int8"):
        with pytest.raises(ModelError, match=f"expected auto or float32, received {precision}"):
            load_engine("tensorflow", saved_model, 1, precision)


def test_threads_are_honoured(saved_model: Path) -> None:
    from openvino import properties

    from app.engines.openvino import OpenVinoEngine

    engine = OpenVinoEngine(saved_model, 1, "float32")
    request: Any = engine._free[0]
    assert request.get_compiled_model().get_property(properties.inference_num_threads) == 1


def test_folder_without_a_saved_model(engine_name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"reads no (SavedModel|network) there"):
        load_engine(engine_name, tmp_path, 1, "auto")


def test_saved_model_of_noise(engine_name: str, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x99 not a protobuf")
    with pytest.raises(ModelError):
        load_engine(engine_name, tmp_path, 1, "auto")


def test_other_signature_is_refused(engine_name: str, tmp_path: Path) -> None:
    import tensorflow as tf

    class Other(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32, name="pixels")])  # type: ignore[untyped-decorator]
        def serve(self, pixels: Any) -> Any:
            return {"probabilities": tf.reduce_mean(pixels, [1, 2])}

    other = Other()
    tf.saved_model.save(other, str(tmp_path), signatures={"serving_default": other.serve})
    with pytest.raises(
        ModelError, match=r"expected the input images float32 \[-1, 64, 64, 3\], received pixels"
    ):
        load_engine(engine_name, tmp_path, 1, "auto")


@pytest.mark.parametrize(
    ("outputs", "received"),
    [
        ([], "none"),
        ([Tensor("logits", "float32", (-1, 6))], "logits"),
        ([Tensor("probabilities", "float16", (-1, 6))], "float16"),
        ([Tensor("probabilities", "float32", (6,))], r"\[6\]"),
        ([Tensor("probabilities", "float32", (-1, -1))], r"\[-1, -1\]"),
        ([Tensor("probabilities", "float32", (-1, 6)), Tensor("more", "float32", (1,))], "more"),
    ],
)
def test_signature_of_outputs(outputs: list[Tensor], received: str) -> None:
    with pytest.raises(ModelError, match=f"received .*{received}"):
        check_signature([IMAGES], outputs)


@pytest.mark.parametrize(("name", "precision"), [("onnx", "auto"), ("openvino", "int4")])
def test_unknown_choice_lists_the_choices(name: str, precision: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one of .*, received '(onnx|int4)'"):
        load_engine(name, tmp_path, 1, precision)


def test_openvino_needs_no_tensorflow(saved_model: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.engines import load_engine;"
        "load_engine('openvino', Path(sys.argv[1]), 1, 'auto');"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(saved_model)], check=False).returncode == 0


def test_constant_engine_tells_brightness() -> None:
    images = np.stack([np.full((64, 64, 3), level / 5, np.float32) for level in range(6)])
    engine = ConstantEngine()
    rows = engine.run(images)
    assert rows.argmax(axis=1).tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    engine.close()
    assert (engine.batch_sizes, engine.closed) == ([6], True)


def test_constant_engine_with_given_probabilities() -> None:
    rows = ConstantEngine([0.25, 0.75]).run(np.zeros((2, 64, 64, 3), np.float32))
    assert rows.tolist() == [[0.25, 0.75]] * 2


def test_constant_engine_shows_each_batch_before_its_run() -> None:
    seen: list[Float32Array] = []
    record: Callable[[Float32Array], None] = seen.append
    ConstantEngine(before_run=record).run(np.zeros((3, 64, 64, 3), np.float32))
    assert [batch.shape for batch in seen] == [(3, 64, 64, 3)]
