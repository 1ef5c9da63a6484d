"""A made-up SIGNS data set, and a tiny run trained on it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

TINY_RECIPE = """
name = "tiny"
batch_size = 8
[data]
sources = ["signs"]
validation_fraction = 0.25
[optimizer]
name = "sgd"
learning_rate = 0.01
warmup_epochs = 1
[[phases]]
size = 32
epochs = 1
[[phases]]
size = 64
epochs = 1
"""


def made_up_pictures(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise of one brightness a class: uint8 [count, 64, 64, 3] and its labels in turn."""
    labels = np.arange(count, dtype=np.int64) % 6
    noise = np.random.default_rng(seed).integers(0, 40, (count, 64, 64, 3))
    return (noise + 40 * labels[:, None, None, None]).clip(0, 255).astype(np.uint8), labels


def write_signs(folder: Path, part: str, images: object, labels: object) -> Path:
    """A file of the shape that the assignment ships."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{part}_signs.h5"
    with h5py.File(path, "w") as file:
        file[f"{part}_set_x"], file[f"{part}_set_y"] = images, labels
    return path


@pytest.fixture(scope="session")
def made_up_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a made-up SIGNS: 32 training pictures, 12 test pictures of which one is a twin."""
    data = tmp_path_factory.mktemp("data")
    train_images, train_labels = made_up_pictures(32, seed=1)
    test_images, test_labels = made_up_pictures(12, seed=2)
    test_images[0] = train_images[0]
    write_signs(data / "signs", "train", train_images, train_labels)
    write_signs(data / "signs", "test", test_images, test_labels)
    return data


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of two epochs, one at either size."""
    path = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return path


@pytest.fixture(scope="session")
def tiny_run(made_up_data: Path, tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed after its first epoch, taken up again and finished. Tests only read it."""
    import keras

    from training.fit import fit

    class Killed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    out = tmp_path_factory.mktemp("runs") / "tiny"
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_recipe, made_up_data, out, say=lambda _: None, extra_callbacks=[Killed()])
    return fit(tiny_recipe, made_up_data, out, say=lambda _: None)
