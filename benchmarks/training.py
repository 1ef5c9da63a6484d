"""How fast the network trains under each setting: `python -m benchmarks.training` writes training.md.

Each measurement has a process of its own, for oneDNN and threads are chosen when TensorFlow is first
imported. The settings take turns, round by round, so that whatever else the machine does falls on all
of them alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

SIGNS_PICTURES = 1080
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
"""The CPU's abilities that decide between the kernels."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to train; the defaults are Keras's and TensorFlow's own."""

    name: str
    onednn: bool = False
    xla: bool = False
    batch_size: int = 32
    precision: str = "float32"
    size: int = 64
    threads: int = 0
    augmented: bool = False
    """Whether batches are augmented while the step before them runs, or plain arrays in memory."""


PLAIN = Setting("plain `model.fit`: float32, batch 32, 64x64")
BEFORE, AFTER, AFTER_SMALL = (
    PLAIN,
    Setting("as the recipe: oneDNN, batch 64, augmented", onednn=True, batch_size=64, augmented=True),
    Setting(
        "as the recipe's first phase: the same at 32x32", onednn=True, batch_size=64, augmented=True, size=32
    ),
)
SETTINGS = (
    PLAIN,
    Setting("XLA", xla=True),
    Setting("oneDNN", onednn=True),
    Setting("oneDNN, XLA", onednn=True, xla=True),
    Setting("oneDNN, one thread", onednn=True, threads=1),
    Setting("oneDNN, batch 16", onednn=True, batch_size=16),
    Setting("oneDNN, batch 64", onednn=True, batch_size=64),
    Setting("oneDNN, batch 128", onednn=True, batch_size=128),
    Setting("oneDNN, mixed_bfloat16", onednn=True, precision="mixed_bfloat16"),
    Setting("oneDNN, 48x48", onednn=True, size=48),
    Setting("oneDNN, 32x32", onednn=True, size=32),
    Setting("oneDNN, augmented beside the step", onednn=True, augmented=True),
    AFTER,
    AFTER_SMALL,
)


def rates(setting: Setting, pictures: int, epochs: int) -> list[float]:
    """Images a second of each epoch after a first one to warm up; for a fresh process."""
    epoch = trainer(setting, pictures)
    epoch()
    return [pictures / seconds(epoch) for _ in range(epochs)]


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def trainer(setting: Setting, pictures: int) -> Callable[[], object]:
    """A function that trains one epoch of so many made-up pictures."""
    import training  # noqa: F401  (asks for oneDNN)

    if not setting.onednn:
        os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
    import tensorflow as tf

    from training.fit import build

    tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
    recipe = recipe_of(setting)
    model = build(recipe, setting.size, steps_per_epoch=pictures // setting.batch_size)
    if setting.xla:
        model.compile(optimizer=model.optimizer, loss=model.loss, metrics=["accuracy"], jit_compile=True)
    batches = batches_of(setting, recipe, pictures)
    return lambda: model.fit(**batches, epochs=1, verbose=0)


def recipe_of(setting: Setting) -> Any:
    """The committed recipe with the setting's batch and precision."""
    from training.config import RECIPES, read_recipe

    changes = {"batch_size": setting.batch_size, "precision": setting.precision}
    return read_recipe(RECIPES / "signs.toml").model_copy(update=changes)


def batches_of(setting: Setting, recipe: Any, pictures: int) -> dict[str, Any]:
    """What `model.fit` is given: noise, for the time of a step does not hang on what is seen."""
    import numpy as np

    from training.batches import AugmentedBatches, plain_batch
    from training.dataset import LABELS, Examples

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (pictures, 64, 64, 3), np.uint8)
    names = np.array([str(index) for index in range(pictures)])
    examples = Examples(images, np.arange(pictures) % len(LABELS), names, names)
    if setting.augmented:
        return {"x": AugmentedBatches(examples, recipe.augmentation, setting.size, setting.batch_size, 0, 0)}
    x, y = plain_batch(examples, setting.size)
    return {"x": x, "y": y, "batch_size": setting.batch_size}


def measure(settings: Sequence[Setting], rounds: int, pictures: int, epochs: int) -> dict[str, list[float]]:
    """Images a second, by setting, of each epoch of each round."""
    measured: dict[str, list[float]] = {setting.name: [] for setting in settings}
    turns = [setting for _ in range(rounds) for setting in settings]
    for setting in tqdm(turns, unit="turn"):
        # One process a turn: memory that a setting holds would slow the others.
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            measured[setting.name] += fresh.submit(rates, setting, pictures, epochs).result()
    return measured


def table(measured: dict[str, list[float]]) -> str:
    """Medians, spans and ratios to plain `model.fit`, as Markdown."""
    medians = {name: statistics.median(values) for name, values in measured.items()}
    lines = ["| setting | images a second | lowest to highest | ratio |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {medians[name]:.1f} | {min(values):.1f} to {max(values):.1f} "
        f"| {medians[name] / medians[PLAIN.name]:.2f} |"
        for name, values in measured.items()
    ]
    return "\n".join(lines)


def epoch_times(measured: dict[str, list[float]]) -> str:
    """Seconds of one epoch of SIGNS before and after the tuning."""
    before, after, small = (
        SIGNS_PICTURES / statistics.median(measured[setting.name]) for setting in (BEFORE, AFTER, AFTER_SMALL)
    )
    return (
        f"One epoch of SIGNS ({SIGNS_PICTURES:,} pictures) takes {before:.0f} s with plain `model.fit`, "
        f"{after:.0f} s as the committed recipe trains, and {small:.0f} s in its first phase at 32x32."
    )


def cpu() -> tuple[str, list[str]]:
    """The CPU's name, and those of `FLAGS` that it has; nothing where the system does not tell."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    found = fields.get("flags", "").split()
    return fields.get("model name", platform.processor()), [flag for flag in FLAGS if flag in found]


def main() -> None:
    """Measures every setting and writes what came out beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=2, help="timed in each turn, after one to warm up")
    parser.add_argument("--pictures", type=int, default=128, help="an epoch's, a multiple of 128")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    measured = measure(SETTINGS, arguments.rounds, arguments.pictures, arguments.epochs)
    name, flags = cpu()
    text = (Path(__file__).parent / "training.template.md").read_text(encoding="utf-8")
    text = text.format(
        table=table(measured),
        epochs=epoch_times(measured),
        cpu=name,
        flags=", ".join(flags) or "none",
        cores=len(os.sched_getaffinity(0)),
        tensorflow=version("tensorflow"),
        keras=version("keras"),
        rounds=arguments.rounds,
        epochs_timed=arguments.epochs,
        pictures=arguments.pictures,
    )
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
