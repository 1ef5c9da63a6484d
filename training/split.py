"""Training and validation examples: chosen by source, split by person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.config import Data
from training.dataset import Examples, load_digits, load_signs, without_wrong_labels
from training.errors import DataError

KNOWN_TWINS = {"test_signs.h5[92]": "train_signs.h5[933]"}
"""Test pictures whose training twin is a JPEG copy, so that their bytes do not tell."""


def load_split(
    data: Path, chosen: Data, seed: int, say: Callable[[str], None] = lambda _: None
) -> tuple[Examples, Examples]:
    """The chosen sources' training and validation examples; no group is on both sides."""
    examples = Examples.joined([load_source(data, source) for source in chosen.sources])
    examples, left_out = without_wrong_labels(examples)
    for sentence in left_out:
        say(sentence)
    train, validation = split_by_group(examples, chosen.validation_fraction, seed)
    if not len(train) or not len(validation):
        raise DataError(
            "expected pictures on both sides of the split (exact copies stay on one side), found "
            f"{len(train)} to train on and {len(validation)} to validate on"
        )
    say(f"{len(train)} pictures to train on, {len(validation)} to validate on")
    return train, validation


def load_source(data: Path, source: str) -> Examples:
    """The training examples of one named source below the data folder."""
    loaders = {
        "signs": lambda: load_signs(data / "signs", "train"),
        "digits": lambda: load_digits(data / "digits"),
    }
    if source not in loaders:
        raise DataError(f"expected a source among {', '.join(loaders)}, received {source}")
    return loaders[source]()


def split_by_group(examples: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """Training and validation examples; no group is on both sides.

    `fraction` of the groups go to validation, drawn for each source (the group's prefix) by itself.
    """
    rng = np.random.default_rng(seed)
    groups = np.unique(examples.groups)
    sources = np.array([group.split(":")[0] for group in groups.tolist()])
    held_out: list[str] = []
    for source in np.unique(sources):
        members = groups[sources == source]
        count = max(1, round(fraction * len(members)))
        held_out += rng.permutation(members)[:count].tolist()
    validation = np.isin(examples.groups, held_out)
    return examples.take(~validation), examples.take(validation)


def without_twins(test: Examples, train: Examples) -> NDArray[np.bool_]:
    """Which SIGNS test pictures, bool [n], have no copy in training, byte-identical or known."""
    known = [twin for twin, original in KNOWN_TWINS.items() if original in train.names]
    return ~(np.isin(test.groups, train.groups) | np.isin(test.names, known))
