"""Answers by networks that never saw the person: kept, calibrated, and made fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from training import folds
from training.calibration import fit_temperature
from training.cross_validation import (
    CROSS_VALIDATION,
    TRUE_ACCEPTANCE,
    CrossValidation,
    read_cross_validation,
    tempered,
    write_cross_validation,
)
from training.errors import DataError, RunError
from training.materials import Materials
from training.photo_scores import caption, score_photos, sentences, worst
from training.photos import Photo
from training.reader import PhotoAnswers


def answers(labels: Sequence[str], rows: Sequence[Sequence[float]], people: str = "") -> PhotoAnswers:
    names = people or "a" * len(labels)
    photos = [
        Photo(Path(f"{label}/{number}.jpg"), label, f"homes-{person}", "palm" if number % 2 else "back")
        for number, (label, person) in enumerate(zip(labels, names, strict=True))
    ]
    return PhotoAnswers(photos, np.array(rows, np.float32), [()] * len(photos))


def sure(label: int, confidence: float) -> list[float]:
    row = [(1 - confidence) / 5] * 6
    row[label] = confidence
    return row


FIVE = answers(
    ["0", "1", "2", "none", "none"],
    [sure(0, 0.9), sure(1, 0.8), sure(5, 0.7), sure(3, 0.85), sure(4, 0.3)],
    "aabbb",
)


def test_answers_survive_the_disk(tmp_path: Path) -> None:
    assert read_cross_validation(tmp_path) is None
    write_cross_validation(tmp_path, FIVE)
    again = read_cross_validation(tmp_path)
    assert again is not None
    np.testing.assert_allclose(again.answers.probabilities, FIVE.probabilities, atol=1e-6)
    assert [(p.name, p.label, p.person, p.pose) for p in again.answers.photos] == [
        (p.name, p.label, p.person, p.pose) for p in FIVE.photos
    ]


@pytest.mark.parametrize("text", ["", "{}", '{"photos": [{"file": "a"}]}'])
def test_malformed_answers_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CROSS_VALIDATION).write_text(text)
    with pytest.raises(RunError, match="not the answers of a cross-validation"):
        read_cross_validation(tmp_path)


def test_tempered_probabilities_are_those_of_the_divided_logits() -> None:
    logits = np.array([[2.0, 0.5, -1.0]])
    softmax = np.exp(logits) / np.exp(logits).sum()
    expected = np.exp(logits / 1.7) / np.exp(logits / 1.7).sum()
    np.testing.assert_allclose(tempered(softmax.astype(np.float32), 1.7), expected, rtol=1e-5)


def test_temperature_and_threshold_come_from_signs_alone() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 200)
    rows = [
        sure(int(label), 0.6) if rng.random() < 0.8 else sure(int(label + 1) % 6, 0.6) for label in labels
    ]
    crossed = CrossValidation(answers([*map(str, labels), *["none"] * 50], [*rows, *[sure(0, 0.99)] * 50]))
    assert crossed.temperature == pytest.approx(fit_temperature(np.array(rows, np.float32), labels), rel=1e-6)
    right = crossed.calibrated().signs.predictions
    accepted = right.confidence[right.correct] >= crossed.threshold
    assert accepted.mean() >= TRUE_ACCEPTANCE


def test_scores_by_group_and_on_no_signs() -> None:
    scores = score_photos(FIVE, threshold=0.8)
    assert (scores.n, scores.no_signs) == (3, 2)
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.per_label == {"0": 1, "1": 1, "2": 0}
    assert scores.per_person == {"homes-a": 1, "homes-b": 0}
    assert scores.per_pose == {"back": 0.5, "palm": 1}
    assert (scores.true_acceptance, scores.rejection, scores.auroc) == (1, 0.5, 0.75)
    assert any("2 photos of no sign: 50.0% not accepted" in line for line in sentences(scores))


def test_only_what_there_is_is_scored() -> None:
    alone = score_photos(FIVE.no_signs, threshold=0.8)
    assert (alone.accuracy, alone.auroc, alone.rejection) == (None, None, 0.5)
    assert len(sentences(alone)) == 1


def test_the_worst_mistakes_are_the_most_confident() -> None:
    assert worst(FIVE, threshold=0.8, count=9) == [3, 2]
    assert caption(FIVE, 2) == "2 read as 5, 70%"


def test_each_fold_leaves_out_other_people_and_collections_of_one_whole() -> None:
    photos = [Photo(Path("x"), "1", f"homes-{number}") for number in range(8)]
    photos += [Photo(Path("y"), "1", "frames-1"), Photo(Path("z"), "1", "letters-1")]
    left_out = list(folds.people_left_out(photos))
    assert sorted(name for names in left_out for name in names) == sorted(
        [*(f"homes-{number}" for number in range(8)), "frames", "letters"]
    )
    assert [len([name for name in names if "-" in name]) for names in left_out] == [2, 2, 2, 2]


def test_photos_of_one_person_cannot_be_parted() -> None:
    with pytest.raises(DataError, match="several people"):
        list(folds.people_left_out([Photo(Path("x"), "1", "frames-1")]))


def test_finished_folds_are_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [Photo(Path(f"1/{number}.jpg"), "1", f"homes-{number}") for number in range(4)]
    trained: list[str] = []

    class Reads:
        def read_photos(self, held_out: list[Photo]) -> PhotoAnswers:
            return PhotoAnswers(
                held_out, np.full((len(held_out), 6), 1 / 6, np.float32), [()] * len(held_out)
            )

    monkeypatch.setattr(folds, "list_photos", lambda folder: photos)
    monkeypatch.setattr(folds, "run_reader", lambda run: Reads())
    monkeypatch.setattr(folds, "train_locator", lambda path, data, materials, out: None)
    monkeypatch.setattr(
        folds,
        "fit",
        lambda path, data, out, materials, starts: trained.append(path.read_text().splitlines()[0]),
    )
    recipe = tmp_path / "some.toml"
    recipe.write_text('name = "some"\nphases = [{size = 64, epochs = 1}]\ndata = {sources = ["signs"]}\n')
    for _ in range(2):
        folds.cross_validate(
            recipe, tmp_path, Materials.__new__(Materials), tmp_path / "some", say=lambda _: None
        )
    assert sorted(trained) == [f'left_out = ["homes-{number}"]' for number in range(4)]
    pooled = read_cross_validation(tmp_path / "some")
    assert pooled is not None
    assert sorted(photo.person for photo in pooled.answers.photos) == [
        f"homes-{number}" for number in range(4)
    ]
