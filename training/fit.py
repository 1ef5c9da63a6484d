"""Trains a recipe into a run folder, and takes up again a run that was stopped."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import keras

from training.batches import AugmentedBatches, PlainBatches
from training.checkpoint import (
    BEST,
    TUNED,
    Checkpoint,
    Progress,
    copy_state,
    read_progress,
    replace_file,
    write_progress,
)
from training.config import Optimizer, Phase, Recipe, read_recipe
from training.cross_validation import read_cross_validation
from training.dataset import Examples, content_hash, label_counts
from training.errors import DataError, RunError
from training.locate import load_locator, with_boxes
from training.materials import Materials
from training.patches import PatchBatches, Patches, close_looks
from training.photos import list_photos, without_left_out
from training.plots import draw_curves
from training.precision import dtype_policy
from training.run import SIZE, calibrate, keep_temperature, new_network, run_history
from training.schedule import learning_rate
from training.split import load_split

Source = Callable[[int, int], keras.utils.PyDataset]

PACKAGES = ("keras", "tensorflow", "numpy", "pillow", "h5py")


def fit(
    recipe_file: Path,
    data: Path,
    out: Path,
    *,
    materials: Materials | None = None,
    starts: Path | None = None,
    say: Callable[[str], None] = print,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Path:
    """Trains a recipe on the data folder into the run folder `out`, and returns `out`.

    A recipe with a mixture needs `materials`, and a locator in `out` where photos are in it; one with a
    start takes up the weights of that run in the folder `starts`, by default the one that holds `out`.

    The folder gets `recipe.toml`, `environment.json`, `history.csv`, `best.weights.h5` (those of the lowest
    validation loss of the last phase; with a mixture the last ones, or their mean with the start's),
    `calibration.json`, `curves.png`, and `last.keras`, from which a second call goes on.
    Raises `DataError`, and `RunError` where the folder belongs to another recipe or the loss is no
    number any more.
    """
    recipe = read_recipe(recipe_file)
    train, validation = load_split(data, recipe.data, recipe.seed, say)
    source = _source(recipe, data, out, materials, train, validation)
    hashes = {"train": content_hash(train), "validation": content_hash(validation)}
    _claim(out, recipe_file, hashes, label_counts(train))
    keras.utils.set_random_seed(recipe.seed)
    progress = read_progress(out)
    if progress.epoch:
        say(f"taking up {out} after epoch {progress.epoch} of {recipe.epochs}")
    first_epoch = 0
    for phase in recipe.phases:
        last_epoch = first_epoch + phase.epochs
        if progress.epoch < last_epoch:
            progress = _fit_phase(
                recipe, phase, source, validation, out, progress, first_epoch, starts, extra_callbacks
            )
        first_epoch = last_epoch
    if recipe.start_share:
        _keep_some_of_the_start(recipe, out, starts or out.parent)
    crossed = read_cross_validation(out)
    if crossed is None:
        say(f"calibrated on validation data: temperature {calibrate(out, validation):.3f}")
    else:
        keep_temperature(out, crossed.temperature, len(crossed.answers.signs.photos))
        say(f"calibrated on strangers' photos: temperature {crossed.temperature:.3f}")
    draw_curves(run_history(out), out / "curves.png")
    return out


def _fit_phase(
    recipe: Recipe,
    phase: Phase,
    source: Source,
    validation: Examples,
    out: Path,
    progress: Progress,
    first_epoch: int,
    starts: Path | None,
    extra_callbacks: Sequence[keras.callbacks.Callback],
) -> Progress:
    """The phase's epochs that are still to do."""
    batches = source(phase.size, progress.epoch)
    model = build(recipe, phase.size, steps_per_epoch=len(batches))
    copy_state(out, model)
    if recipe.start and not progress.epoch:
        # Into a network without an optimizer: that of the other run is none of ours.
        other = _start_network(recipe, starts or out.parent, phase.size)
        model.set_weights(other.get_weights())
    # Losses at another size do not compare: the best of this phase is sought anew.
    best = progress.best if progress.epoch > first_epoch else float("inf")
    # Mixed pictures are made anew for ever: nothing is learnt by heart, and the hands before pale walls
    # that are kept back say little of rooms. The schedule's end is the best there is.
    keep_last = recipe.mixture is not None
    checkpoint = Checkpoint(
        out, Progress(progress.epoch, best), recipe.early_stopping_epochs, keep_last=keep_last
    )
    model.fit(
        batches,
        validation_data=PlainBatches(validation, phase.size, recipe.batch_size),
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


def _source(
    recipe: Recipe,
    data: Path,
    out: Path,
    materials: Materials | None,
    train: Examples,
    validation: Examples,
) -> Source:
    """Where the recipe's batches come from, by size and first epoch."""
    size, seed = recipe.batch_size, recipe.seed
    if recipe.mixture is None:
        return lambda side, epoch: AugmentedBatches(train, recipe.augmentation, side, size, seed, epoch)
    if materials is None:
        raise DataError("the recipe mixes pictures: expected materials, see `python -m training materials`")
    kept, steps = materials.without(validation.groups), recipe.mixture.batches
    photos = without_left_out(list_photos(data / "photos"), recipe.left_out) if recipe.mixture.photos else []
    looks = close_looks(with_boxes(photos, load_locator(out))) if photos else []
    patches = Patches(
        train, kept.cut, kept.rendered, kept.backgrounds, recipe.augmentation, recipe.mixture, looks
    )
    return lambda side, epoch: PatchBatches(patches, side, steps, size, seed, epoch)


def _keep_some_of_the_start(recipe: Recipe, out: Path, starts: Path) -> None:
    """Replaces the run's weights by a mean with those it began with; a second call changes nothing."""
    if not (out / TUNED).exists():
        (out / BEST).replace(out / TUNED)
    begun, tuned = _start_network(recipe, starts), new_network(recipe)
    tuned.load_weights(out / TUNED)
    share = recipe.start_share
    pairs = zip(begun.get_weights(), tuned.get_weights(), strict=True)
    tuned.set_weights([share * old + (1 - share) * new for old, new in pairs])
    replace_file(out / BEST, tuned.save_weights)


def _start_network(recipe: Recipe, starts: Path, size: int = SIZE) -> keras.Model:
    """The network of the run that the recipe starts from; raises `RunError` where there is none."""
    network = new_network(recipe, size)
    network.load_weights(start_weights(starts, recipe.start))
    return network


def start_weights(folder: Path, name: str) -> Path:
    """The best weights of the run called `name` in a folder of runs; raises `RunError`."""
    path = folder / name / BEST
    if not path.exists():
        raise RunError(f"{path}: no such file; the recipe starts from the run {name}: train that first")
    return path


def tensorboard(out: Path) -> keras.callbacks.Callback:
    """Logs each epoch's measures into `out/tensorboard`; `tensorboard --logdir out` shows them."""
    return keras.callbacks.TensorBoard(out / "tensorboard", write_graph=False)


def build(recipe: Recipe, size: int, steps_per_epoch: int) -> keras.Model:
    """The recipe's network for pictures of `size`, compiled."""
    # Only what trains is in the recipe's precision; calibration and scores are float32, as the export is.
    keras.config.set_dtype_policy(dtype_policy(recipe.precision))
    try:
        model = new_network(recipe, size)
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
        # XLA on a CPU trains this network at a quarter of the speed (benchmarks/training.md).
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


def _claim(out: Path, recipe_file: Path, data: dict[str, str], labels: dict[str, int]) -> None:
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
        "labels": labels,
    }
    (out / "environment.json").write_text(json.dumps(environment, indent=2) + "\n", encoding="utf-8")
