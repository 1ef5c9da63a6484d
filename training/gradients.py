"""Records how large each layer's gradient is while a network learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import TrainingError
from training.network import ResNet50


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the four 50-layer networks."""

    shortcuts: bool
    batch_norm: bool


VARIANTS = {
    "residual": Variant(shortcuts=True, batch_norm=True),
    "plain": Variant(shortcuts=False, batch_norm=True),
    "residual-without-bn": Variant(shortcuts=True, batch_norm=False),
    "plain-without-bn": Variant(shortcuts=False, batch_norm=False),
}


def find_variants(names: list[str]) -> dict[str, Variant]:
    """The variants of these names, in order; raises `TrainingError` that lists the choices."""
    unknown = [name for name in names if name not in VARIANTS]
    if unknown or not names:
        raise TrainingError(
            f"expected networks among {', '.join(VARIANTS)}, received {', '.join(unknown) or 'none'}"
        )
    return {name: VARIANTS[name] for name in names}


class RecordingModel(keras.Model):
    """A functional model whose training step also measures every kernel's gradient and update.

    After each step `recorded`, float32 [2, kernels], holds the L2 norm of each kernel's gradient, and
    the norm of its update as a share of the norm of the kernel itself.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.recorded = tf.Variable(tf.zeros((2, len(kernel_layers(self)))), trainable=False)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of Keras's own (TensorFlow back end), with the norms taken on the way."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            answers = self(x, training=True)
            loss = self.compute_loss(x, y, answers, sample_weight)
        weights = self.trainable_weights
        gradients = dict(zip([w.path for w in weights], tape.gradient(loss, weights), strict=True))
        kernels = [layer.kernel for layer in kernel_layers(self)]
        before = [tf.identity(kernel.value) for kernel in kernels]
        self.optimizer.apply(list(gradients.values()), weights)
        norms = [tf.norm(gradients[kernel.path]) for kernel in kernels]
        ratios = [
            tf.norm(kernel.value - old) / tf.norm(old) for kernel, old in zip(kernels, before, strict=True)
        ]
        self.recorded.assign([norms, ratios])
        self._loss_tracker.update_state(loss)
        told: dict[str, Any] = self.compute_metrics(x, y, answers, sample_weight)
        return told


def kernel_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The convolutions and dense layers, shallowest first."""
    return [layer for layer in model.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))]


def depths(names: list[str]) -> NDArray[np.int64]:
    """How many weighted layers lie before each layer and in it, int64 [n].

    A projection (`res2a_branch1`) leads past its block's main path, and counts as deep as its end.
    """
    main_path = [name for name in names if not name.endswith("_branch1")]
    place = {name: depth for depth, name in enumerate(main_path, start=1)}
    return np.array([place[name.replace("_branch1", "_branch2c")] for name in names], np.int64)


def recording_twin(variant: Variant, size: int) -> RecordingModel:
    """The variant's network, built to record."""
    model = ResNet50((size, size, 3), shortcuts=variant.shortcuts, batch_norm=variant.batch_norm)
    return RecordingModel(model.inputs, model.outputs[0], name=model.name)


class Recorder(keras.callbacks.Callback):
    """Keeps what a `RecordingModel` has recorded, step by step.

    Stops when the loss is no number any more; `diverged` then says at which step, from 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[NDArray[np.float32]] = []
        self.losses: list[float] = []
        self.diverged: int | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps one step: float32 [2, kernels]."""
        self.rows.append(self.model.recorded.numpy())
        self.losses.append(float((logs or {})["loss"]))
        # Keras's loss is the epoch's mean so far: a single step that is no number makes it none.
        if not np.isfinite(self.rows[-1]).all() or not np.isfinite(self.losses[-1]):
            self.diverged = len(self.rows)
            self.model.stop_training = True
