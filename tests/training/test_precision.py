"""The recipe's precision is that of the training alone."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from training.config import read_recipe
from training.fit import build
from training.precision import dtype_policy


def test_mixed_precision_computes_in_bfloat16_and_answers_in_float32(tiny_recipe: Path) -> None:
    recipe = read_recipe(tiny_recipe).model_copy(update={"precision": "mixed_bfloat16"})
    model = build(recipe, 32, steps_per_epoch=1)
    assert model.get_layer("res2a_branch2a").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32", "what is built next is not concerned"


@pytest.mark.parametrize(
    ("flags", "policy"), [("fpu avx2 avx512_bf16 sse", "mixed_bfloat16"), ("fpu avx2 avx512f", "float32")]
)
def test_auto_is_bfloat16_where_the_cpu_computes_in_it(flags: str, policy: str, tmp_path: Path) -> None:
    cpu = tmp_path / "cpuinfo"
    cpu.write_text(f"model name : any\nflags : {flags}\n")
    assert dtype_policy("auto", cpu) == policy
    assert dtype_policy("auto", tmp_path / "none") == "float32"
    assert dtype_policy("mixed_bfloat16", cpu) == "mixed_bfloat16"
