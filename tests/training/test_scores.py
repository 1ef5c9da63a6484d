"""Scores against small cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.scores import Predictions, acceptance_threshold, auroc

ANSWERS = Predictions(
    names=np.array(["a", "b", "c", "d"]),
    labels=np.array([0, 1, 1, 2]),
    probabilities=np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0], [0, 0, 1]], np.float32),
)


def test_accuracy_confusion_and_mistakes() -> None:
    assert ANSWERS.accuracy == 0.75
    assert ANSWERS.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert ANSWERS.names[ANSWERS.mistakes].tolist() == ["c"]


def test_calibration_error_by_hand() -> None:
    # Each answer has a bin of its own: |1-.9|/4 + |1-.8|/4 + |0-.6|/4 + |1-1|/4
    assert ANSWERS.reliability.calibration_error == pytest.approx((0.1 + 0.2 + 0.6) / 4, abs=1e-6)
    assert ANSWERS.reliability.count.sum() == 4


def test_nothing_scores_nothing() -> None:
    none = ANSWERS.take(np.zeros(4, bool))
    assert none.accuracy == 0
    assert none.reliability.calibration_error == 0


def test_auroc_counts_pairs() -> None:
    positive, negative = np.array([0.9, 0.5], np.float32), np.array([0.5, 0.1], np.float32)
    assert auroc(positive, negative) == (1 + 1 + 0.5 + 1) / 4
    with pytest.raises(ValueError, match="received 0 and 2"):
        auroc(positive[:0], negative)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.floats(0.01, 1))
def test_the_threshold_lets_enough_pass(confidence: list[float], share: float) -> None:
    values = np.array(confidence, np.float32)
    assert (values >= acceptance_threshold(values, share)).mean() >= share
