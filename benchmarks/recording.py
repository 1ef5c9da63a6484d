"""What recording gradients costs: steps of the recording network beside steps of the plain one."""

from __future__ import annotations

import statistics
import time

import keras
import numpy as np

from training.gradients import VARIANTS, recording_twin
from training.network import ResNet50

BATCH, ROUNDS, WARM_UP = 32, 15, 3


def main() -> None:
    """Prints the median seconds of a step of either network, and the median ratio of pairs."""
    rng = np.random.default_rng(0)
    x = rng.random((BATCH, 64, 64, 3)).astype(np.float32)
    y = np.eye(6, dtype=np.float32)[np.arange(BATCH) % 6]
    models = {"plain step": ResNet50(), "recording step": recording_twin(VARIANTS["residual"], 64)}
    for model in models.values():
        model.compile(keras.optimizers.Adam(), "categorical_crossentropy", jit_compile=False)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS + WARM_UP):
        for name, model in models.items():
            begun = time.perf_counter()
            model.train_on_batch(x, y)
            seconds[name].append(time.perf_counter() - begun)
    counted = {name: times[WARM_UP:] for name, times in seconds.items()}
    for name, times in counted.items():
        print(f"{name}: {statistics.median(times):.3f} s")
    pairs = zip(counted["recording step"], counted["plain step"], strict=True)
    print(f"median ratio of {ROUNDS} pairs: {statistics.median(a / b for a, b in pairs):.3f}")


if __name__ == "__main__":
    main()
