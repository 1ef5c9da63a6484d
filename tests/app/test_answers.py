"""Answers and failures in the page's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.answers import Answer, Failure, shade
from app.errors import CorruptImage, ImageTooLarge
from app.manifest import Window
from app.prediction import LabelProbability, Prediction

PREDICTION = Prediction(
    label="2",
    confidence=0.96,
    accepted=True,
    probabilities=(LabelProbability("2", 0.96), LabelProbability("5", 0.03), LabelProbability("0", 0.01)),
    row=(0.01, 0.0, 0.96, 0.0, 0.0, 0.03),
    model_name="signs",
    model_version=7,
    window=Window(),
)


def answer(prediction: Prediction) -> Answer:
    return Answer.of(prediction, "a.png", "data:,", 0.0234)


def test_an_accepted_answer() -> None:
    told = answer(PREDICTION)
    assert (told.digit, told.verdict, told.sureness) == ("2", "This hand shows a 2", "Very sure: 96.0\u00a0%")
    assert told.hint == told.shade == ""
    assert told.looked == "The whole picture was looked at."
    assert told.took == "Answered in 23 ms by signs, version 7."


def test_a_doubtful_answer_names_its_best_guess_and_what_helps() -> None:
    told = answer(replace(PREDICTION, accepted=False))
    assert (told.digit, told.sureness) == ("?", "")
    assert told.verdict == "This does not look like one of the six signs"
    assert told.hint.startswith("The best guess is a 2, at 96.0\u00a0%. What helps: ")


def test_bars_stand_in_order_of_labels() -> None:
    assert [(bar.label, bar.percent, bar.best) for bar in answer(PREDICTION).bars] == [
        ("0", "1.0", False),
        ("2", "96.0", True),
        ("5", "3.0", False),
    ]


def test_what_was_not_looked_at_is_shaded() -> None:
    window = Window(x0=0.25, y0=0.125, x1=0.75, y1=1.0)
    assert shade(window) == "M0 0H1V1H0ZM0.25 0.125H0.75V1H0.25Z"
    assert answer(replace(PREDICTION, window=window)).looked == "The bright part is what was looked at."


@pytest.mark.parametrize(
    ("error", "title", "text"),
    [
        (CorruptImage("whatever"), "That picture is damaged", "Part of the file is missing or broken."),
        (ImageTooLarge("expected less"), "That picture has too many pixels", "Expected less."),
    ],
)
def test_failures_read_like_help(error: CorruptImage | ImageTooLarge, title: str, text: str) -> None:
    failure = Failure.of_error(error, 2**20, "a.png")
    assert (failure.title, failure.status, failure.filename) == (title, 422, "a.png")
    assert failure.text.startswith(text)
