"""Scores a run on what it was not trained on, in numbers and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.checkpoint import replace_file
from training.cross_validation import CrossValidation, read_cross_validation
from training.dataset import LABELS, Examples, load_digits, load_signs
from training.errors import RunError
from training.photo_scores import score_photos, sentences
from training.plots import draw_confusion, draw_mistakes
from training.reader import Reader, run_reader
from training.run import run_recipe
from training.scores import Predictions, acceptance_threshold, auroc
from training.split import load_split, without_twins

EVALUATION = "evaluation.json"
TRUE_ACCEPTANCE = 0.97
"""The share of right answers on validation people that the threshold must leave accepted."""
NO_SIGNS = ("6", "7", "8", "9")
"""Hands in `digits/` that make none of the six signs."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One data set with the answers to it."""

    name: str
    examples: Examples
    predictions: Predictions


def evaluate(
    run: Path, data: Path, *, test: bool = True, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Scores the run's network, writes `evaluation.json` and the pictures, and returns the numbers.

    Validation data give the acceptance threshold. The SIGNS test set is only reported, on all 120
    pictures and on those without a byte-identical twin in training; `test=False` leaves it alone,
    for when a recipe is still being chosen.
    """
    recipe, reader, crossed = run_recipe(run), run_reader(run), read_cross_validation(run)
    _, validation = load_split(data, recipe.data, recipe.seed)
    scored = [_scored(f"{source}_validation", reader, part) for source, part in _by_source(validation)]
    acceptance = _acceptance(scored, reader, data, validation) if crossed is None else _acceptance_of(crossed)
    if test:
        scored += _signs_test(reader, data)
    report = {"scores": {part.name: _score(part.predictions) for part in scored}, "acceptance": acceptance}
    if crossed is not None:
        report |= _strangers(crossed, acceptance["threshold"], report["scores"], say)
    for part in scored:
        say(_sentence(part))
        draw_confusion(part.predictions.confusion, part.name, run / f"confusion-{part.name}.png")
        draw_mistakes(part.examples, part.predictions, part.name, run / f"mistakes-{part.name}.png")
    text = json.dumps(report, indent=2) + "\n"
    replace_file(run / EVALUATION, lambda path: path.write_text(text, encoding="utf-8"))
    return report


def _by_source(examples: Examples) -> list[tuple[str, Examples]]:
    sources = np.array([group.split(":")[0] for group in examples.groups.tolist()])
    return [(source, examples.take(sources == source)) for source in np.unique(sources).tolist()]


def _scored(name: str, reader: Reader, examples: Examples) -> Scored:
    return Scored(name, examples, reader.read_examples(examples))


def _signs_test(reader: Reader, data: Path) -> list[Scored]:
    test, train = load_signs(data / "signs", "test"), load_signs(data / "signs", "train")
    whole = _scored("signs_test", reader, test)
    alone = without_twins(test, train)
    return [
        whole,
        Scored("signs_test_without_twins", test.take(alone), whole.predictions.take(alone)),
    ]


def _acceptance(scored: list[Scored], reader: Reader, data: Path, validation: Examples) -> dict[str, Any]:
    """The threshold on the highest probability, and what it lets through of either kind."""
    right = np.concatenate([part.predictions.confidence[part.predictions.correct] for part in scored])
    if not len(right):
        raise RunError("no validation picture is read rightly, so no threshold can be chosen: train longer")
    threshold = acceptance_threshold(right, TRUE_ACCEPTANCE)
    report: dict[str, Any] = {
        "rule": "max_probability",
        "threshold": threshold,
        "true_acceptance_rate": float((right >= threshold).mean()),
        "measured_on": "right answers on validation data",
    }
    strangers = hands_of_no_sign(data, validation)
    if strangers is not None:
        confidence = reader.read_examples(strangers).confidence
        report["false_acceptance_rate"] = float((confidence >= threshold).mean())
        report["auroc"] = auroc(right, confidence)
        report["measured_on"] += f"; {len(strangers)} hands of the same people that show 6-9"
    return report


def hands_of_no_sign(data: Path, validation: Examples) -> Examples | None:
    """Hands of the people in `validation` that show 6-9; None where there are none."""
    if not (data / "digits").is_dir():
        return None
    hands = load_digits(data / "digits", NO_SIGNS)
    # People who trained the network are no strangers, whatever they show.
    strangers = hands.take(np.isin(hands.groups, validation.groups))
    return strangers if len(strangers) else None


def _acceptance_of(crossed: CrossValidation) -> dict[str, Any]:
    """The threshold that strangers' photos ask for, and what it lets through of either kind."""
    threshold = crossed.threshold
    scores = score_photos(crossed.calibrated(), threshold)
    return {
        "rule": "max_probability",
        "threshold": threshold,
        "true_acceptance_rate": scores.true_acceptance,
        "false_acceptance_rate": None if scores.rejection is None else 1 - scores.rejection,
        "auroc": scores.auroc,
        "measured_on": f"right answers on {scores.n} photos of people left out; {scores.no_signs} of no sign",
    }


def _strangers(
    crossed: CrossValidation, threshold: float, scores: dict[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """Scores on strangers' photos by collection, added to `scores`, and in full under `strangers`."""
    answers = crossed.calibrated()
    sources = np.array([photo.source for photo in answers.photos])
    for source in np.unique(sources).tolist():
        signs = answers.take(sources == source).signs
        if signs.photos:
            scores[f"{source}_left_out"] = _score(signs.predictions)
    found = score_photos(answers, threshold)
    for line in sentences(found):
        say(line)
    return {"strangers": found.as_dict()}


def _score(predictions: Predictions) -> dict[str, Any]:
    per_label = {
        label: predictions.take(predictions.labels == index).accuracy
        for index, label in enumerate(LABELS)
        if (predictions.labels == index).any()
    }
    return {
        "n": len(predictions),
        "correct": int(predictions.correct.sum()),
        "accuracy": predictions.accuracy,
        "calibration_error": predictions.reliability.calibration_error,
        "accuracy_per_label": per_label,
        "confusion": predictions.confusion.tolist(),
        "mistakes": predictions.names[predictions.mistakes].tolist(),
    }


def _sentence(part: Scored) -> str:
    predictions = part.predictions
    return (
        f"{part.name}: {int(predictions.correct.sum())} of {len(predictions)} right "
        f"({predictions.accuracy:.1%}), calibration error {predictions.reliability.calibration_error:.3f}"
    )


def read_evaluation(run: Path) -> dict[str, Any]:
    """What `evaluate` wrote into a run folder; raises `RunError` where it has not run."""
    path = run / EVALUATION
    if not path.exists():
        raise RunError(f"{run}: not evaluated yet: run `python -m training evaluate {run}` first")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report
