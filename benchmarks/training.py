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
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

SIGNS_PICTURES = 1080
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
"""The CPU's abilities that decide between the kernels."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to train; the defaults are Keras's and TensorFlow's own."""

    name: str
    onednn: Literal["", "0", "1"] = ""
    """TF_ENABLE_ONEDNN_OPTS; empty: as TensorFlow itself decides by the CPU."""
    xla: bool = False
    batch_size: int = 32
    precision: str = "float32"
    size: int = 64
    threads: int = 0
    ahead: bool = False
    """Whether threads of `training.batches` make the batches, or tf.data of arrays in memory."""
    augmented: bool = False
    """Whether these threads augment as well."""


PLAIN = Setting("plain `model.fit`: float32, batch 32, 64x64")
TUNED = partial(Setting, onednn="1", ahead=True)
BEFORE, AFTER, AFTER_SMALL = (
    PLAIN,
    TUNED("as signs.toml: batch 64, `auto`, augmented", batch_size=64, precision="auto", augmented=True),
    TUNED("as its first phase: the same at 32x32", batch_size=64, precision="auto", augmented=True, size=32),
)
SETTINGS = (
    PLAIN,
    Setting("batches made ahead, as in all below", ahead=True),
    TUNED("oneDNN off", onednn="0"),
    TUNED("oneDNN on, as in all below"),
    TUNED("XLA", xla=True),
    TUNED("one thread", threads=1),
    TUNED("batch 16", batch_size=16),
    TUNED("batch 64", batch_size=64),
    TUNED("batch 128", batch_size=128),
    TUNED("mixed_bfloat16", precision="mixed_bfloat16"),
    TUNED("mixed_bfloat16, batch 64", precision="mixed_bfloat16", batch_size=64),
    TUNED("mixed_bfloat16, batch 128", precision="mixed_bfloat16", batch_size=128),
    TUNED("48x48", size=48),
    TUNED("32x32", size=32),
    TUNED("augmented", augmented=True),
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

    if setting.onednn:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = setting.onednn
    else:
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

    from training.batches import AugmentedBatches, PlainBatches, plain_batch
    from training.dataset import LABELS, Examples

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (pictures, 64, 64, 3), np.uint8)
    names = np.array([str(index) for index in range(pictures)])
    examples = Examples(images, np.arange(pictures) % len(LABELS), names, names)
    if setting.augmented:
        return {"x": AugmentedBatches(examples, recipe.augmentation, setting.size, setting.batch_size, 0, 0)}
    if setting.ahead:
        return {"x": PlainBatches(examples, setting.size, setting.batch_size)}
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
        f"{after:.0f} s as signs.toml trains, and {small:.0f} s in its first phase at 32x32."
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
    # Whole epochs, for what is waited for at their end grows with them.
    signs = measure((BEFORE, AFTER, AFTER_SMALL), arguments.rounds, SIGNS_PICTURES, 1)
    name, flags = cpu()
    text = (Path(__file__).parent / "training.template.md").read_text(encoding="utf-8")
    text = text.format(
        table=table(measured),
        epochs=epoch_times(signs),
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
