"""A trained network as a SavedModel that TensorFlow, TensorFlow Serving and OpenVINO read."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import openvino
import tensorflow as tf
from numpy.typing import NDArray

MATRIX = 2
"""Weights of this rank and above are kept in float16; biases and norms are too few to be worth it."""


def save(model: keras.Model, folder: Path) -> None:
    """Writes the SavedModel with the signature `serving_default`: `images` -> `probabilities`.

    `images` is float32 [n, height, width, 3] in 0..1, `probabilities` float32 [n, classes]. Weights
    are kept in float16 and computed in float32: 47 MB. Keras's own `model.export` writes each
    variable twice, in float32: 182 MB.
    """
    kept = tf.Module(name=model.name)
    kept.trained = [_kept(variable) for variable in model.trainable_variables]
    kept.moving = [_kept(variable) for variable in model.non_trainable_variables]

    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        weights = [[tf.cast(value, tf.float32) for value in part] for part in (kept.trained, kept.moving)]
        probabilities, _ = model.stateless_call(*weights, images, training=False)
        return {"probabilities": probabilities}

    images = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="images")
    function = tf.function(answer, input_signature=[images])
    tf.saved_model.save(kept, str(folder), signatures={"serving_default": function})


def _kept(variable: keras.Variable) -> tf.Variable:
    dtype = tf.float16 if len(variable.shape) >= MATRIX else tf.float32
    return tf.Variable(tf.cast(variable.value, dtype), trainable=False)


def tensorflow_answers(folder: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """What TensorFlow answers through the saved signature, float32 [n, classes]."""
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return np.asarray(signature(images=tf.constant(images))["probabilities"])


def openvino_answers(folder: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """What OpenVINO answers in float32, float32 [n, classes]."""
    compiled = openvino.compile_model(folder, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(images)[0])
