"""What is recorded is the gradient; what is said of it is read off the data."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from training.cli import main
from training.errors import TrainingError
from training.gradient_figures import draw_by_depth, draw_by_step, shown_steps
from training.gradient_report import findings, vanishes
from training.gradient_study import Recording, read_recordings, record, write_recordings
from training.gradients import VARIANTS, Recorder, RecordingModel, depths, find_variants, recording_twin


def tiny() -> RecordingModel:
    """Two weighted layers behind batch normalisation."""
    keras.utils.set_random_seed(3)
    picture = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(2, 3, name="first")(picture)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    return RecordingModel(picture, keras.layers.Dense(3, activation="softmax", name="last")(x))


def batch() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    return rng.random((4, 6, 6, 1)).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]


def by_hand() -> tuple[list[float], list[float]]:
    """The norms of the kernels' gradients and of their share of update after a step of plain descent."""
    model, (x, y) = tiny(), batch()
    kernels = [model.get_layer(name).kernel for name in ("first", "last")]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(y, model(x, training=True)))
    gradients = [np.asarray(g, np.float64) for g in tape.gradient(loss, [k.value for k in kernels])]
    norms = [float(np.sqrt((g**2).sum())) for g in gradients]
    sizes = [float(np.linalg.norm(keras.ops.convert_to_numpy(k).ravel())) for k in kernels]
    return norms, [0.1 * norm / size for norm, size in zip(norms, sizes, strict=True)]


def test_the_recorded_norm_is_the_one_computed_by_hand() -> None:
    model, recorder = tiny(), Recorder()
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    model.fit(*batch(), batch_size=4, epochs=1, callbacks=[recorder], verbose=0)
    norms, ratios = by_hand()
    np.testing.assert_allclose(recorder.rows[0][0], norms, rtol=1e-4)
    np.testing.assert_allclose(recorder.rows[0][1], ratios, rtol=1e-3)


def test_recording_does_not_change_the_training() -> None:
    recording, plain = tiny(), tiny()
    plain = keras.Model(plain.inputs, plain.outputs)
    for model in (recording, plain):
        model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
        model.fit(*batch(), batch_size=2, epochs=3, shuffle=False, verbose=0)
    for one, other in zip(recording.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_sample_weights_scale_the_recorded_gradient() -> None:
    model, (x, y) = tiny(), batch()
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    model.train_on_batch(x, y, np.full(len(x), 2, np.float32))
    np.testing.assert_allclose(model.recorded.numpy()[0], 2 * np.array(by_hand()[0]), rtol=1e-4)


def test_a_step_that_is_no_number_ends_the_recording() -> None:
    model, recorder = tiny(), Recorder()
    model.compile(keras.optimizers.SGD(1.0), "categorical_crossentropy")
    x, y = batch()
    model.fit(x * np.inf, y, batch_size=1, epochs=5, callbacks=[recorder], verbose=0)
    assert recorder.diverged == 1
    assert len(recorder.rows) == 1


@pytest.mark.parametrize("name", VARIANTS)
def test_fifty_layers_and_projections_are_recorded(name: str) -> None:
    model = recording_twin(VARIANTS[name], 32)
    layers = [layer.name for layer in model.layers if hasattr(layer, "kernel")]
    found = depths(layers)
    assert (found.min(), found.max()) == (1, 50)
    assert model.recorded.shape == (2, 54 if VARIANTS[name].shortcuts else 50)


def test_a_projection_is_as_deep_as_its_end() -> None:
    names = ["conv1", "res2a_branch2a", "res2a_branch2b", "res2a_branch2c", "res2a_branch1", "fc6"]
    assert depths(names).tolist() == [1, 2, 3, 4, 4, 5]


def test_unknown_networks_and_layers_list_the_choices() -> None:
    with pytest.raises(TrainingError, match=r"among residual, plain, .* received deep"):
        find_variants(["plain", "deep"])
    with pytest.raises(TrainingError, match=r"among conv1, fc6, received fc7"):
        recording_of("plain", [1.0]).layer("fc7")


def recording_of(network: str, shares: list[float], loss: float = 1.0) -> Recording:
    """A made-up recording of two layers whose first-to-last shares are given, step by step."""
    norms = np.array([[share, 1.0] for share in shares])
    return Recording(
        network, ("conv1", "fc6"), np.array([1, 2]), norms, norms / 10, np.full(len(shares), loss)
    )


def test_the_sentences_follow_the_data() -> None:
    gone, there = [0.5, 1e-5], [0.5, 0.4]
    holds = findings([recording_of("plain", gone), recording_of("residual", there)])
    assert "plain: the first layer's gradient vanishes. It is 0.5, 1e-05" in holds[0]
    assert holds[2].startswith("With batch normalisation the claim holds here")
    fails = findings([recording_of("plain-without-bn", there, 2), recording_of("residual-without-bn", there)])
    assert fails[2].startswith("Without batch normalisation the claim does not hold here")
    assert "It learns more slowly: its loss ended at 2.00" in fails[2]
    both = findings([recording_of("plain", gone), recording_of("residual", gone)])
    assert "vanishes in both" in both[2]
    assert not vanishes(recording_of("plain", there))
    assert "learnt nothing" not in holds[0]
    assert "1.79: so far it has learnt nothing." in findings([recording_of("plain", there, 1.79)])[0]
    assert "explodes at first, and does not vanish" in findings([recording_of("plain", [2000.0, 0.5])])[0]


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = tiny()
    written = record("residual", model, *batch(), epochs=2, batch_size=2)
    write_recordings(tmp_path, [written, recording_of("plain", [0.1, 0.2, 0.3])])
    first, second = read_recordings(tmp_path)
    assert (first.layers, first.steps, second.network) == (("first", "last"), 4, "plain")
    np.testing.assert_allclose(first.norms, written.norms, rtol=1e-3)
    np.testing.assert_allclose(second.norms[:, 0], [0.1, 0.2, 0.3])
    (tmp_path / "gradients.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TrainingError, match="not a table of gradients"):
        read_recordings(tmp_path)


def test_the_steps_shown_are_those_there_are() -> None:
    assert shown_steps(recording_of("plain", [0.1] * 5)) == [1, 5]
    assert shown_steps(recording_of("plain", [0.1] * 120)) == [1, 10, 100, 120]


def test_figures_draw_even_a_gradient_of_zero(tmp_path: Path) -> None:
    recordings = [recording_of("plain", [0.0, 0.0]), recording_of("residual", [0.2, 0.1])]
    draw_by_step(recordings, tmp_path / "gradients.png")
    draw_by_depth(recordings, tmp_path / "depth.png")
    for name in ("gradients.png", "depth.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_command_draws_a_study_and_goes_on_from_it(
    made_up_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "gradients",
        "--data",
        str(made_up_data),
        "--out",
        str(tmp_path),
        "--epochs",
        "1",
        "--size",
        "32",
    ]
    assert main([*arguments, "--networks", "residual"]) == 0
    report = (tmp_path / "report.html").read_text()
    assert "residual: the first layer" in report
    assert "http://" not in report
    assert "https://" not in report
    capsys.readouterr()
    assert main([*arguments, "--networks", "residual"]) == 0
    assert "residual: already in" in capsys.readouterr().out
