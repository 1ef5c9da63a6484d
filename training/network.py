"""ResNet-50 as the ResNet assignment teaches it, and its plain twin without shortcuts."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

STAGES: tuple[tuple[int, tuple[int, int, int], str, int], ...] = (
    (2, (64, 64, 256), "abc", 1),
    (3, (128, 128, 512), "abcd", 2),
    (4, (256, 256, 1024), "abcdef", 2),
    (5, (512, 512, 2048), "abc", 2),
)
"""(stage, filters, blocks, stride of the first block), He et al. 2015, table 1, 50 layers."""


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, place: str, padding: str, bn: bool
) -> keras.KerasTensor:
    """A convolution and, where wanted, its batch normalisation; `place` is e.g. `2a_branch2a`."""
    # The stem is called conv1/bn_conv1 and every other layer res<place>/bn<place>, as in Caffe's original.
    name, bn_name = ("conv1", "bn_conv1") if place == "stem" else (f"res{place}", f"bn{place}")
    x = layers.Conv2D(filters, kernel, stride, padding, kernel_initializer="glorot_uniform", name=name)(x)
    return layers.BatchNormalization(axis=3, name=bn_name)(x) if bn else x


def _main_path(
    x: keras.KerasTensor, f: int, filters: Sequence[int], place: str, stride: int, bn: bool
) -> keras.KerasTensor:
    """1x1 -> f x f -> 1x1; the last convolution is left without activation."""
    f1, f2, f3 = filters
    x = _conv(x, f1, 1, stride, f"{place}_branch2a", "valid", bn)
    x = layers.Activation("relu", name=f"relu{place}_branch2a")(x)
    x = _conv(x, f2, f, 1, f"{place}_branch2b", "same", bn)
    x = layers.Activation("relu", name=f"relu{place}_branch2b")(x)
    return _conv(x, f3, 1, 1, f"{place}_branch2c", "valid", bn)


def identity_block(
    x: keras.KerasTensor,
    f: int,
    filters: Sequence[int],
    stage: int,
    block: str,
    *,
    shortcut: bool = True,
    batch_norm: bool = True,
) -> keras.KerasTensor:
    """A bottleneck block whose shortcut is the identity.

    `x` is float32 [n, h, w, filters[2]]; so is the result. `f` is the kernel size of the middle
    convolution. Without `shortcut` the block is plain: three convolutions in a row.
    """
    place = f"{stage}{block}"
    y = _main_path(x, f, filters, place, 1, batch_norm)
    if shortcut:
        y = layers.Add(name=f"add{place}")([y, x])
    return layers.Activation("relu", name=f"relu{place}")(y)


def convolutional_block(
    x: keras.KerasTensor,
    f: int,
    filters: Sequence[int],
    stage: int,
    block: str,
    s: int = 2,
    *,
    shortcut: bool = True,
    batch_norm: bool = True,
) -> keras.KerasTensor:
    """A bottleneck block that changes the shape: stride `s` on its first 1x1 and on its shortcut.

    `x` is float32 [n, h, w, c]; the result float32 [n, ceil(h/s), ceil(w/s), filters[2]].
    """
    place = f"{stage}{block}"
    y = _main_path(x, f, filters, place, s, batch_norm)
    if shortcut:
        projected = _conv(x, filters[2], 1, s, f"{place}_branch1", "valid", batch_norm)
        y = layers.Add(name=f"add{place}")([y, projected])
    return layers.Activation("relu", name=f"relu{place}")(y)


def ResNet50(
    input_shape: tuple[int, int, int] = (64, 64, 3),
    classes: int = 6,
    *,
    shortcuts: bool = True,
    batch_norm: bool = True,
    name: str | None = None,
) -> keras.Model:
    """The 50-layer network: float32 [n, 64, 64, 3] in 0..1 -> float32 [n, classes] probabilities.

    `shortcuts=False` gives the plain twin (the same convolutions in a row, no projections) and
    `batch_norm=False` leaves batch normalisation out. Weights do not depend on the picture's size
    down to 32x32, so the trunk may be trained on small pictures first.
    Source: He et al. 2015, "Deep Residual Learning for Image Recognition".
    """
    picture = keras.Input(input_shape, name="images")
    x = layers.ZeroPadding2D((3, 3), name="pad_conv1")(picture)
    x = _conv(x, 64, 7, 2, "stem", "valid", batch_norm)
    x = layers.Activation("relu", name="relu_conv1")(x)
    x = layers.MaxPooling2D((3, 3), strides=(2, 2), name="pool1")(x)
    switches = {"shortcut": shortcuts, "batch_norm": batch_norm}
    for stage, filters, blocks, stride in STAGES:
        x = convolutional_block(x, 3, filters, stage, blocks[0], stride, **switches)
        for block in blocks[1:]:
            x = identity_block(x, 3, filters, stage, block, **switches)
    # A 32x32 picture arrives here as 1x1, which a 2x2 window would not fit.
    window = min(2, int(x.shape[1]))
    x = layers.AveragePooling2D((window, window), name="avg_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        classes,
        activation="softmax",
        kernel_initializer="glorot_uniform",
        name=f"fc{classes}",
        dtype="float32",
    )(x)
    kind = ("residual" if shortcuts else "plain") + ("" if batch_norm else "_without_bn")
    return keras.Model(picture, x, name=name or f"resnet50_{kind}")
