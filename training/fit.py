"""Trains a recipe into a run folder, and takes up again a run that was stopped."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import keras

from training.batches import AugmentedBatches, plain_batch
from training.checkpoint import Checkpoint, Progress, copy_state, read_progress, write_progress
from training.config import Optimizer, Phase, Recipe, read_recipe
from training.dataset import Examples, content_hash
from training.errors import RunError
from training.network import ResNet50
from training.plots import draw_curves
from training.run import calibrate, run_history
from training.schedule import learning_rate
from training.split import load_split

PACKAGES = ("keras", "tensorflow", "numpy", "pillow", "h5py")


def fit(
    recipe_file: Path,
    data: Path,
    out: Path,
    *,
    say: Callable[[str], None] = print,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Path:
    """Trains a recipe on the data folder into the run folder `out`, and returns `out`.

    The folder gets `recipe.toml`, `environment.json`, `history.csv`, `best.weights.h5` (lowest
    validation loss of the last phase), `calibration.json`, `curves.png`, and `last.keras`, from which a
    second call goes on.
    Raises `DataError`, and `RunError` where the folder belongs to another recipe or the loss is no
    number any more.
    """
    recipe = read_recipe(recipe_file)
    train, validation = load_split(data, recipe.data, recipe.seed, say)
    _claim(out, recipe_file, {"train": content_hash(train), "validation": content_hash(validation)})
    keras.utils.set_random_seed(recipe.seed)
    progress = read_progress(out)
    if progress.epoch:
        say(f"taking up {out} after epoch {progress.epoch} of {recipe.epochs}")
    first_epoch = 0
    for phase in recipe.phases:
        last_epoch = first_epoch + phase.epochs
        if progress.epoch < last_epoch:
            progress = _fit_phase(
                recipe, phase, train, validation, out, progress, first_epoch, extra_callbacks
            )
        first_epoch = last_epoch
    say(f"calibrated on validation data: temperature {calibrate(out, validation):.3f}")
    draw_curves(run_history(out), out / "curves.png")
    return out


def _fit_phase(
    recipe: Recipe,
    phase: Phase,
    train: Examples,
    validation: Examples,
    out: Path,
    progress: Progress,
    first_epoch: int,
    extra_callbacks: Sequence[keras.callbacks.Callback],
) -> Progress:
    """The phase's epochs that are still to do."""
    batches = AugmentedBatches(
        train, recipe.augmentation, phase.size, recipe.batch_size, recipe.seed, progress.epoch
    )
    model = build(recipe, phase.size, steps_per_epoch=len(batches))
    copy_state(out, model)
    # Losses at another size do not compare: the best of this phase is sought anew.
    best = progress.best if progress.epoch > first_epoch else float("inf")
    checkpoint = Checkpoint(out, Progress(progress.epoch, best), recipe.early_stopping_epochs)
    model.fit(
        batches,
        validation_data=plain_batch(validation, phase.size),
        initial_epoch=progress.epoch,
        epochs=first_epoch + phase.epochs,
        callbacks=[*extra_callbacks, checkpoint],
        verbose="auto",
    )
    if checkpoint.failure:
        raise RunError(checkpoint.failure)
    # A phase that stopped early is over all the same.
    done = Progress(first_epoch + phase.epochs, checkpoint.progress.best)
    write_progress(out, done)
    return done


def tensorboard(out: Path) -> keras.callbacks.Callback:
    """Logs each epoch's measures into `out/tensorboard`; `tensorboard --logdir out` shows them."""
    return keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False)


def build(recipe: Recipe, size: int, steps_per_epoch: int) -> keras.Model:
    """The recipe's network for pictures of `size`, compiled."""
    # Only what trains is in the recipe's precision; calibration and scores are float32, as the export is.
    keras.config.set_dtype_policy(recipe.precision)
    try:
        model = ResNet50(
            (size, size, 3), shortcuts=recipe.network.shortcuts, batch_norm=recipe.network.batch_norm
        )
    finally:
        keras.config.set_dtype_policy("float32")
    if recipe.network.zero_last_gamma:
        for layer in model.layers:
            if layer.name.startswith("bn") and layer.name.endswith("_branch2c"):
                layer.gamma.assign(keras.ops.zeros_like(layer.gamma))
    model.compile(
        optimizer=build_optimizer(recipe.optimizer, recipe.epochs, steps_per_epoch),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.optimizer.label_smoothing),
        metrics=["accuracy"],
        # XLA on a CPU trains this network at two thirds of the speed (`python -m benchmarks.training`).
        jit_compile=False,
    )
    return model


def build_optimizer(chosen: Optimizer, epochs: int, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimizer with its schedule over the whole run; biases and norms are not decayed."""
    rate = learning_rate(chosen, epochs, steps_per_epoch)
    decay = chosen.weight_decay or None
    if chosen.name == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=decay)
    elif chosen.name == "adam":
        optimizer = keras.optimizers.Adam(rate)
    else:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=chosen.weight_decay)
    if decay and chosen.name != "adam":
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _claim(out: Path, recipe_file: Path, data: dict[str, str]) -> None:
    """Makes the run folder this recipe's, or raises `RunError` where it is another's."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.toml"
    if path.exists() and not read_recipe(path).trains_as(read_recipe(recipe_file)):
        raise RunError(f"{out}: holds a run of another recipe; expected an empty folder or this recipe's")
    path.write_bytes(recipe_file.read_bytes())
    environment = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: version(name) for name in PACKAGES},
        "data": data,
    }
    (out / "environment.json").write_text(json.dumps(environment, indent=2) + "\n", encoding="utf-8")
