"""A run that is stopped goes on; one that goes wrong says so and keeps the last good weights."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from training.batches import AugmentedBatches
from training.checkpoint import BEST, LAST, Checkpoint, Progress, read_progress, replace_file
from training.config import Augmentation, Optimizer, read_recipe
from training.dataset import load_signs
from training.errors import RunError
from training.fit import fit
from training.run import load_network, run_history, run_recipe
from training.schedule import learning_rate


def test_a_killed_run_is_taken_up_where_it_stopped(tiny_run: Path) -> None:
    assert [row["epoch"] for row in run_history(tiny_run)] == [1, 2]
    assert read_progress(tiny_run).epoch == 2
    last = keras.models.load_model(tiny_run / LAST)
    assert last.input_shape == (None, 64, 64, 3)
    assert int(last.optimizer.iterations) == 2 * 3, "two epochs of 24 pictures in batches of eight"


def test_a_run_folder_holds_what_names_it(tiny_run: Path, tiny_recipe: Path) -> None:
    assert {"recipe.toml", "environment.json", "history.csv", "curves.png", "calibration.json", BEST} <= {
        path.name for path in tiny_run.iterdir()
    }
    assert run_recipe(tiny_run) == read_recipe(tiny_recipe)
    environment = json.loads((tiny_run / "environment.json").read_text())
    assert set(environment["data"]) == {"train", "validation"}
    assert "keras" in environment["packages"]
    assert sum(environment["labels"].values()) == 24


def test_a_run_of_another_recipe_is_left_alone(
    tiny_run: Path, tiny_recipe: Path, made_up_data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(tiny_recipe.read_text().replace('"tiny"', '"other"'))
    with pytest.raises(RunError, match="holds a run of another recipe"):
        fit(other, made_up_data, tiny_run, say=lambda _: None)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"expected a recipe\.toml"):
        load_network(tmp_path)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_weights(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 1)), np.ones((4, 1))
    good = Checkpoint(tmp_path, Progress())
    model.fit(x, y, validation_data=(x, y), epochs=1, callbacks=[good], verbose=0)
    kept = (tmp_path / LAST).read_bytes()
    bad = Checkpoint(tmp_path, good.progress)
    model.fit(x, y * np.nan, validation_data=(x, y), initial_epoch=1, epochs=5, callbacks=[bad], verbose=0)
    assert bad.failure is not None
    assert "the loss is nan at epoch 2" in bad.failure
    assert (tmp_path / LAST).read_bytes() == kept
    assert read_progress(tmp_path).epoch == 1


def test_early_stopping_waits_its_patience(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = np.ones((4, 1)), np.ones((4, 1))
    checkpoint = Checkpoint(tmp_path, Progress(), patience=2)
    model.fit(x, y, validation_data=(x, y), epochs=9, callbacks=[checkpoint], verbose=0)
    assert checkpoint.progress.epoch == 3, "one epoch that is the best so far, then two without a better one"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_text("good")

    def full_disk(beside: Path) -> None:
        beside.write_text("ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        replace_file(path, full_disk)
    assert path.read_text() == "good"


def test_batches_hang_on_seed_and_epoch_alone(made_up_data: Path) -> None:
    examples = load_signs(made_up_data / "signs", "train")
    ranges = Augmentation(flip=True, rotation=20, noise=0.1)

    def batches(epoch: int) -> AugmentedBatches:
        return AugmentedBatches(examples, ranges, 32, 8, seed=7, epoch=epoch)

    went_on = batches(0)
    went_on.on_epoch_end()
    for index in range(len(went_on)):
        for one, other in zip(went_on[index], batches(1)[index], strict=True):
            np.testing.assert_array_equal(one, other)
    assert (batches(0)[0][0] != batches(1)[0][0]).any()


def test_an_epoch_shows_every_picture_once(made_up_data: Path) -> None:
    examples = load_signs(made_up_data / "signs", "train")
    batches = AugmentedBatches(examples, Augmentation(), 64, 8, seed=7, epoch=0)
    seen = np.concatenate([batches[index][0] for index in range(len(batches))]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(np.sort(seen), np.sort(examples.images.mean(axis=(1, 2, 3)) / 255), rtol=1e-5)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Optimizer(learning_rate=0.1, schedule="constant"), [0.1, 0.1, 0.1]),
        (Optimizer(learning_rate=0.1, schedule="constant", warmup_epochs=1), [0.0, 0.1, 0.1]),
        (Optimizer(learning_rate=0.1, schedule="cosine"), [0.1, 0.1 * (1 + np.cos(np.pi / 4)) / 2, 0.0]),
        (Optimizer(learning_rate=0.1, schedule="cosine", warmup_epochs=1), [0.0, 0.1, 0.0]),
    ],
)
def test_the_rate_at_start_after_one_epoch_and_at_the_end(chosen: Optimizer, expected: list[float]) -> None:
    rate = learning_rate(chosen, epochs=4, steps_per_epoch=10)
    found = [rate if isinstance(rate, float) else float(rate(step)) for step in (0, 10, 40)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
