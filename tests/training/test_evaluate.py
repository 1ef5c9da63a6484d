"""What `evaluate` cannot score, it refuses in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from training import evaluate
from training.dataset import LABELS, Examples
from training.errors import RunError
from training.scores import Predictions


def test_a_network_that_is_never_right_has_no_threshold(
    tiny_recipe: Path, made_up_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AlwaysWrong:
        def read_examples(self, examples: Examples) -> Predictions:
            wrong = (examples.labels + 1) % len(LABELS)
            rows = np.eye(len(LABELS), dtype=np.float32)[wrong]
            return Predictions(examples.names, examples.labels, rows)

    monkeypatch.setattr(evaluate, "run_reader", lambda run: AlwaysWrong())
    shutil.copy(tiny_recipe, tmp_path / "recipe.toml")
    with pytest.raises(RunError, match="no validation picture is read rightly"):
        evaluate.evaluate(tmp_path, made_up_data)
    assert not (tmp_path / evaluate.EVALUATION).exists()
