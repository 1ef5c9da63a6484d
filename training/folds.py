"""Cross-validation over people: every photo is answered by a run that never saw its person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from training.config import read_recipe
from training.cross_validation import read_cross_validation, write_cross_validation
from training.errors import DataError
from training.fit import fit
from training.locate import LOCATOR, train_locator
from training.materials import Materials
from training.photos import Photo, folds_by_person, list_photos, without_left_out
from training.reader import PhotoAnswers, run_reader
from training.run import keep_temperature

FOLDS = 4


def cross_validate(
    recipe_file: Path, data: Path, materials: Materials, out: Path, *, say: Callable[[str], None] = print
) -> None:
    """Trains one run a fold below `out/folds` and keeps all answers in `out`; finished folds stay.

    Collections of one person are left out whole, each in another fold; people of the others are spread.
    """
    photos = list_photos(data / "photos")
    parts = []
    for number, left_out in enumerate(people_left_out(photos)):
        fold = out / "folds" / str(number)
        say(f"fold {number}: without {', '.join(left_out)}")
        answers = read_cross_validation(fold)
        if answers is None:
            _train_fold(recipe_file, data, materials, fold, left_out, out.parent)
            kept = set(without_left_out(photos, left_out))
            held_out = [photo for photo in photos if photo not in kept]
            # At temperature 1: the final one is fitted on all folds together.
            keep_temperature(fold, 1.0, 0)
            write_cross_validation(fold, run_reader(fold).read_photos(held_out))
            answers = read_cross_validation(fold)
        assert answers is not None
        parts.append(answers.answers)
    out.mkdir(parents=True, exist_ok=True)
    write_cross_validation(out, joined(parts))


def people_left_out(photos: Sequence[Photo]) -> Iterator[list[str]]:
    """For each fold, who is left out: people, or the name of a collection that shows one person only."""
    people = {photo.source: set[str]() for photo in photos}
    for photo in photos:
        people[photo.source].add(photo.person)
    alone = sorted(source for source, members in people.items() if len(members) == 1)
    many = [photo for photo in photos if photo.source not in alone]
    if not many:
        raise DataError("expected a collection of several people among the photos, found none")
    folds = folds_by_person(many, FOLDS)
    for number in range(FOLDS):
        members = {photo.person for photo, fold in zip(many, folds.tolist(), strict=True) if fold == number}
        yield sorted(members) + alone[number::FOLDS]


def joined(parts: Sequence[PhotoAnswers]) -> PhotoAnswers:
    """The answers of all folds."""
    return PhotoAnswers(
        [photo for part in parts for photo in part.photos],
        np.concatenate([part.probabilities for part in parts]),
        [windows for part in parts for windows in part.windows],
    )


def _train_fold(
    recipe_file: Path, data: Path, materials: Materials, fold: Path, left_out: Sequence[str], starts: Path
) -> None:
    recipe = read_recipe(recipe_file)
    fold.mkdir(parents=True, exist_ok=True)
    path = fold / "fold.toml"
    names = ", ".join(f'"{name}"' for name in left_out)
    # A key of the whole file must stand before its first table.
    path.write_text(f"left_out = [{names}]\n{recipe_file.read_text(encoding='utf-8')}", encoding="utf-8")
    if recipe.looks is not None and not (fold / LOCATOR).exists():
        train_locator(path, data, materials, fold, starts=starts)
    fit(path, data, fold, materials=materials, starts=starts)
