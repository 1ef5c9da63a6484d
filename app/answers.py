"""What a person is told about one picture: an answer, or what is wrong, in the page's words."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import SignsError
from app.http_errors import problem_of
from app.manifest import Window
from app.prediction import Prediction
from app.schemas import Problem
from app.wording import help_with, percent, sureness, words

DOUBTFUL = "?"


@dataclass(frozen=True, slots=True)
class Bar:
    """One label's probability, and whether it is the answer."""

    label: str
    percent: str
    best: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the page shows it; an empty one is the template that the script fills."""

    filename: str = ""
    picture: str = ""
    """A `data:` URI."""
    accepted: bool = True
    digit: str = ""
    label: str = ""
    verdict: str = ""
    sureness: str = ""
    hint: str = ""
    bars: tuple[Bar, ...] = (Bar("", "0", False),)
    shade: str = ""
    """An SVG path over the unit square: what was not looked at."""
    looked: str = ""
    took: str = ""

    @classmethod
    def of(cls, prediction: Prediction, filename: str, picture: str, seconds: float) -> Answer:
        """The answer in words; `seconds` is how long it took."""
        label, sure = prediction.label, percent(prediction.confidence)
        accepted = prediction.accepted
        return cls(
            filename=filename,
            picture=picture,
            accepted=accepted,
            digit=label if accepted else DOUBTFUL,
            label=label,
            verdict=words("verdict", "yes" if accepted else "no", label=label),
            sureness=_sureness(prediction.confidence) if accepted else "",
            hint="" if accepted else words("verdict", "hint", label=label, percent=sure),
            bars=_bars(prediction),
            shade=shade(prediction.window),
            looked=words("verdict", "whole" if prediction.window == Window() else "window"),
            took=_took(prediction, seconds),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer, as help."""

    title: str
    text: str
    status: int
    request_id: str
    filename: str = ""

    @classmethod
    def of(cls, problem: Problem, max_bytes: int, filename: str = "") -> Failure:
        """The problem in the page's words."""
        kind = problem.type.rpartition(":")[2]
        title, text = help_with(
            kind, problem.status, detail=_sentence(problem.detail), megabytes=max_bytes // 2**20
        )
        return cls(title, text, problem.status, problem.request_id, filename)

    @classmethod
    def of_error(cls, error: SignsError, max_bytes: int, filename: str) -> Failure:
        """The same for an error of the current request."""
        return cls.of(problem_of(error), max_bytes, filename)


def shade(window: Window) -> str:
    """The unit square without the window, as an SVG path to fill by the even-odd rule."""
    if window == Window():
        return ""
    return f"M0 0H1V1H0ZM{window.x0:g} {window.y0:g}H{window.x1:g}V{window.y1:g}H{window.x0:g}Z"


def _sureness(confidence: float) -> str:
    return words("verdict", "sureness", words=sureness(confidence), percent=percent(confidence))


def _bars(prediction: Prediction) -> tuple[Bar, ...]:
    by_label = sorted(prediction.probabilities, key=lambda entry: entry.label)
    return tuple(
        Bar(entry.label, percent(entry.probability), entry.label == prediction.label) for entry in by_label
    )


def _took(prediction: Prediction, seconds: float) -> str:
    return words(
        "verdict",
        "took",
        milliseconds=round(seconds * 1000),
        model=prediction.model_name,
        version=prediction.model_version,
    )


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
