"""The benchmark's table says what was measured, and each setting is trained as it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.training import (
    AFTER,
    AFTER_SMALL,
    BEFORE,
    PLAIN,
    SETTINGS,
    Setting,
    batches_of,
    epoch_times,
    recipe_of,
    table,
)
from training.batches import AugmentedBatches, PlainBatches


def test_ratios_are_to_the_plain_median() -> None:
    lines = table({PLAIN.name: [9.0, 10.0, 30.0], "faster": [25.0, 25.0]}).splitlines()
    assert lines[2] == f"| {PLAIN.name} | 10.0 | 9.0 to 30.0 | 1.00 |"
    assert lines[3] == "| faster | 25.0 | 25.0 to 25.0 | 2.50 |"


def test_an_epoch_of_signs_is_1080_pictures() -> None:
    sentence = epoch_times({BEFORE.name: [10.8], AFTER.name: [54.0], AFTER_SMALL.name: [108.0]})
    assert "takes 100 s with plain" in sentence
    assert "20 s as signs.toml trains, and 10 s in its first phase" in sentence


def test_settings_are_told_apart() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert {BEFORE, AFTER, AFTER_SMALL} <= set(SETTINGS)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({}, np.ndarray), ({"ahead": True}, PlainBatches), ({"augmented": True}, AugmentedBatches)],
)
def test_a_setting_is_trained_as_it_says(changes: dict[str, bool], kind: type[Any]) -> None:
    setting = Setting("x", size=32, batch_size=4, precision="mixed_bfloat16", **changes)  # type: ignore[arg-type]
    recipe = recipe_of(setting)
    assert (recipe.batch_size, recipe.precision) == (4, "mixed_bfloat16")
    batches = batches_of(setting, recipe, 8)
    assert isinstance(batches["x"], kind)
    first = batches["x"][0][0] if changes else batches["x"][: batches["batch_size"]]
    assert first.shape == (4, 32, 32, 3)
