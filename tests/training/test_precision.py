"""The recipe's precision is that of the training alone."""

from __future__ import annotations

from pathlib import Path

import keras

from training.config import read_recipe
from training.fit import build


def test_mixed_precision_computes_in_bfloat16_and_answers_in_float32(tiny_recipe: Path) -> None:
    recipe = read_recipe(tiny_recipe).model_copy(update={"precision": "mixed_bfloat16"})
    model = build(recipe, 32, steps_per_epoch=1)
    assert model.get_layer("res2a_branch2a").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32", "what is built next is not concerned"
