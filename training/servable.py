"""A trained network as a SavedModel that TensorFlow, TensorFlow Serving and OpenVINO read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import openvino
import tensorflow as tf
from numpy.typing import NDArray

from training.locator import decoded

MATRIX = 2
"""Weights of this rank and above are kept in float16; biases and norms are too few to be worth it."""


def save(model: keras.Model, folder: Path) -> None:
    """Writes the SavedModel with the signature `serving_default`: `images` -> `probabilities`.

    `images` is float32 [n, height, width, 3] in 0..1, `probabilities` float32 [n, classes]. Weights
    are kept in float16 and computed in float32: 47 MB. Keras's own `model.export` writes each
    variable twice, in float32: 182 MB.
    """
    _save(model, folder, "images", lambda said: {"probabilities": said}, tf.float16)


def save_locator(model: keras.Model, folder: Path) -> None:
    """Writes the locator's SavedModel likewise: `photos` -> `places`, float32 [n, 5].

    It is one of its own because OpenVINO reads no signature but `serving_default`, which is the
    classifier's. It is small enough to keep in float32: 0.8 MB.
    """
    _save(model, folder, "photos", lambda said: {"places": decoded(said)}, tf.float32)


def _save(
    model: keras.Model,
    folder: Path,
    name: str,
    finish: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    dtype: tf.DType,
) -> None:
    kept = tf.Module(name=model.name)
    kept.trained = [_kept(variable, dtype) for variable in model.trainable_variables]
    kept.moving = [_kept(variable, dtype) for variable in model.non_trainable_variables]

    def answer(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = [[tf.cast(value, tf.float32) for value in part] for part in (kept.trained, kept.moving)]
        said, _ = model.stateless_call(*weights, pictures, training=False)
        return finish(said)

    pictures = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=name)
    function = tf.function(answer, input_signature=[pictures])
    tf.saved_model.save(kept, str(folder), signatures={"serving_default": function})


def _kept(variable: keras.Variable, dtype: tf.DType) -> tf.Variable:
    kept = dtype if len(variable.shape) >= MATRIX else tf.float32
    return tf.Variable(tf.cast(variable.value, kept), trainable=False)


def tensorflow_answers(folder: Path, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """What TensorFlow answers through the saved signature, float32 [n, outputs]."""
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    (answers,) = signature(**{name: tf.constant(pictures)}).values()
    return np.asarray(answers)


def openvino_answers(folder: Path, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """What OpenVINO answers in float32, float32 [n, outputs]."""
    compiled = openvino.compile_model(folder, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(pictures)[0])
