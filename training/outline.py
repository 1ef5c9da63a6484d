"""A network told by its blocks instead of its 170 layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import keras

PLACE = re.compile(r"(?:res|bn|relu|add)(\d[a-z])(?:_branch.*)?$")


@dataclass(frozen=True, slots=True)
class Block:
    """A residual or plain block, or a single layer outside the blocks.

    `convolutions` are (kernel size, filters) along the main path; `output` is (height, width,
    channels), or (features,) after the pooling.
    """

    name: str
    convolutions: tuple[tuple[int, int], ...]
    stride: int
    shortcut: Literal["identity", "projection"] | None
    output: tuple[int, ...]
    parameters: int


def outline(model: keras.Model) -> list[Block]:
    """The network's blocks from input to answer, read off its layers."""
    return [
        _block(place, list(layers))
        for place, layers in groupby(model.layers, key=_place)
        if place not in ("images", "flatten")
    ]


def _place(layer: keras.layers.Layer) -> str:
    """`2a` for every layer of that block; the stem is one block, other layers stand for themselves."""
    found = PLACE.match(layer.name)
    if found:
        return found[1]
    return "conv1" if layer.name.endswith("conv1") else str(layer.name)


def _block(place: str, layers: list[keras.layers.Layer]) -> Block:
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    main_path = [layer for layer in convolutions if not layer.name.endswith("_branch1")]
    adds = any(isinstance(layer, keras.layers.Add) for layer in layers)
    projects = len(convolutions) > len(main_path)
    return Block(
        name=place,
        convolutions=tuple((layer.kernel_size[0], layer.filters) for layer in main_path),
        stride=max((layer.strides[0] for layer in layers if hasattr(layer, "strides")), default=1),
        shortcut=("projection" if projects else "identity") if adds else None,
        output=tuple(layers[-1].output.shape[1:]),
        parameters=sum(layer.count_params() for layer in layers),
    )


def outline_text(model: keras.Model) -> Iterator[str]:
    """The outline as lines of a table, and the sum."""
    yield f"{model.name}: {model.input_shape[1]}x{model.input_shape[2]}x{model.input_shape[3]} in"
    yield f"{'block':<10}{'convolutions':<24}{'stride':>7}  {'shortcut':<12}{'output':<14}{'parameters':>12}"
    for block in outline(model):
        kernels = " ".join(f"{size}x{size},{filters}" for size, filters in block.convolutions)
        output = "x".join(map(str, block.output))
        yield (
            f"{block.name:<10}{kernels or '-':<24}{block.stride:>7}  {block.shortcut or '-':<12}"
            f"{output:<14}{block.parameters:>12,}"
        )
    frozen = sum(int(weight.value.numpy().size) for weight in model.non_trainable_weights)
    yield f"{model.count_params():,} parameters, {frozen:,} of them not trainable"
