"""No person, and no copy of a picture, is on both sides of a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.conftest import made_up_pictures
from training.config import Data
from training.dataset import Examples, load_signs
from training.errors import DataError
from training.split import load_source, load_split, split_by_group, without_twins


def examples_of(groups: list[str]) -> Examples:
    images, labels = made_up_pictures(len(groups), seed=5)
    return Examples(images, labels, np.array(groups), np.array([f"picture-{i}" for i in range(len(groups))]))


@given(
    people=st.lists(
        st.sampled_from([f"{s}:{p}" for s in ("a", "b") for p in range(6)]), min_size=4, max_size=30
    ),
    fraction=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)
def test_a_split_parts_groups_and_loses_nothing(people: list[str], fraction: float, seed: int) -> None:
    train, validation = split_by_group(examples_of(people), fraction, seed)
    assert not set(train.groups.tolist()) & set(validation.groups.tolist())
    assert sorted(train.names.tolist() + validation.names.tolist()) == sorted(
        f"picture-{i}" for i in range(len(people))
    )
    for source in {person.split(":")[0] for person in people}:
        assert any(group.startswith(source) for group in validation.groups.tolist())


def test_a_split_hangs_on_its_seed_alone() -> None:
    examples = examples_of([f"a:{i}" for i in range(20)])
    first, again, other = (split_by_group(examples, 0.3, seed)[1].names.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_twins_are_found_by_their_bytes(made_up_data: Path) -> None:
    train, test = (load_signs(made_up_data / "signs", part) for part in ("train", "test"))
    assert np.flatnonzero(~without_twins(test, train)).tolist() == [0]


def test_an_unknown_source_lists_the_choices(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a source among signs, digits, received cats"):
        load_source(tmp_path, "cats")


def test_the_real_split_parts_people(data_folder: Path) -> None:
    said: list[str] = []
    train, validation = load_split(data_folder, Data(sources=("signs", "digits")), 1, said.append)
    assert not set(train.groups.tolist()) & set(validation.groups.tolist())
    assert said[0] == "left out train_signs.h5[404]: an empty wall, labelled 0"
    assert len(train) + len(validation) == 1080 - 1 + 1237


def test_the_real_test_set_has_108_pictures_without_a_twin(data_folder: Path) -> None:
    train, test = (load_signs(data_folder / "signs", part) for part in ("train", "test"))
    assert int(without_twins(test, train).sum()) == 108
