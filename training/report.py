"""One self-contained page about a run: what it was trained on, how it went, and where it errs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.cross_validation import CROSS_VALIDATION
from training.dataset import LABELS, Examples, content_hash
from training.evaluate import EVALUATION, read_evaluation
from training.page import write_page
from training.reader import run_reader
from training.report_figures import curve_svg, gradient_svgs, reliability_svg
from training.report_pictures import class_rows, mistake_cards
from training.run import CALIBRATION, run_history, run_recipe
from training.scores import Predictions
from training.split import load_split

REPORT = "report.html"
GRADIENTS = "gradients.csv"


def write_report(run: Path, data: Path) -> Path:
    """Writes `report.html` into a run's folder and returns its path.

    Everything is measured on the run's validation examples; numbers about the test set appear only
    where `evaluate` has left them in the folder. Raises `RunError` where the folder holds no trained
    run and `DataError` where the data are missing or malformed.
    """
    recipe = run_recipe(run)
    train, validation = load_split(data, recipe.data, recipe.seed)
    predictions = run_reader(run).read_examples(validation)
    write_page(
        run / REPORT,
        "report.html",
        name=recipe.name,
        recipe=(run / "recipe.toml").read_text(encoding="utf-8"),
        labels=LABELS,
        train=train,
        validation=validation,
        classes=class_rows(train, validation),
        history=run_history(run),
        predictions=predictions,
        shares=_shares(predictions),
        mistakes=mistake_cards(validation, predictions),
        figures=_figures(run, predictions),
        temperature=_read_json(run / CALIBRATION).get("temperature"),
        crossed=(run / CROSS_VALIDATION).exists(),
        evaluation=read_evaluation(run)["scores"] if (run / EVALUATION).exists() else {},
        environment=_read_json(run / "environment.json"),
        same_data=_same_data(run, train, validation),
    )
    return run / REPORT


def _figures(run: Path, predictions: Predictions) -> dict[str, Any]:
    history = run_history(run)
    gradients = run / GRADIENTS
    return {
        "curves": [curve_svg(history, name) for name in ("loss", "accuracy", "learning_rate")],
        "reliability": reliability_svg(predictions.reliability),
        "gradients": gradient_svgs(gradients) if gradients.exists() else {},
    }


def _shares(predictions: Predictions) -> list[list[float]]:
    """The confusion matrix as shares of each true class, 0..1."""
    matrix = predictions.confusion
    shares: list[list[float]] = (matrix / matrix.sum(axis=1, keepdims=True).clip(1)).tolist()
    return shares


def _same_data(run: Path, train: Examples, validation: Examples) -> bool:
    """Whether the data are those that the run was trained on."""
    here = {"train": content_hash(train), "validation": content_hash(validation)}
    return bool(_read_json(run / "environment.json").get("data") == here)


def _read_json(path: Path) -> dict[str, Any]:
    """An object from a file; empty where there is no such file."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
