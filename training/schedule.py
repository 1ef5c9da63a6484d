"""The learning rate over a whole run."""

from __future__ import annotations

import keras

from training.config import Optimizer


def learning_rate(
    chosen: Optimizer, epochs: int, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The rate, or its schedule by step: warm-up from zero, then constant or a half cosine to zero.

    Source of the cosine: Loshchilov & Hutter 2017 (SGDR), equation 5, without restarts.
    """
    warmup = round(chosen.warmup_epochs * steps_per_epoch)
    if chosen.schedule == "constant" and not warmup:
        return chosen.learning_rate
    if chosen.schedule == "constant":
        return keras.optimizers.schedules.PolynomialDecay(0.0, warmup, chosen.learning_rate)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else chosen.learning_rate,
        decay_steps=max(1, epochs * steps_per_epoch - warmup),
        warmup_target=chosen.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
