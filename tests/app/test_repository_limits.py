"""A pinned version, and versions that memory would not hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.memory import LOADING_FACTOR
from app.repository import Repository
from tests.app.test_repository import Loads, _put, _serving, _states


def test_the_pinned_version_serves_whatever_comes(tmp_path: Path) -> None:
    repository = Repository(tmp_path, Loads(), 4, pinned=2)
    for number in (1, 2, 3):
        _put(tmp_path, number)
    assert _serving(repository) == 2
    assert _states(repository) == {3: "standby", 2: "serving", 1: "standby"}
    _put(tmp_path, 4)
    assert _serving(repository) == 2


def test_without_the_pinned_version_nothing_serves(tmp_path: Path) -> None:
    repository = Repository(tmp_path, Loads(), 4, pinned=2)
    _put(tmp_path, 1)
    assert _serving(repository) is None
    assert repository.problem == f"model folder {tmp_path}: expected a folder named 2, found 1"


def test_a_version_that_does_not_fit_beside_the_serving_one_is_refused_until_it_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left = 0
    loads = Loads()
    repository = Repository(tmp_path, loads, 4, available=lambda: left)
    _put(tmp_path, 1)
    assert _serving(repository) == 1  # the only one is loaded whatever there is
    _put(tmp_path, 2, weights=bytes(2**20))
    for _ in range(3):
        assert _serving(repository) == 1
    assert (repository.statuses[0].number, repository.statuses[0].state) == (2, "refused")
    assert f"expected {LOADING_FACTOR} MB free to load it beside version 1" in repository.statuses[0].reason
    assert len([record for record in caplog.records if "does not serve" in record.message]) == 1
    assert loads.numbers == [1]
    left = 2**30
    assert _serving(repository) == 2


def test_a_roll_back_without_memory_for_two_waits_until_the_removed_one_is_freed(tmp_path: Path) -> None:
    repository = Repository(tmp_path, Loads(), 4, available=lambda: 0)
    _put(tmp_path, 1)
    shutil.move(tmp_path / "1", tmp_path / "aside")
    _put(tmp_path, 2)
    assert _serving(repository) == 2
    shutil.move(tmp_path / "aside", tmp_path / "1")
    shutil.rmtree(tmp_path / "2")
    assert [_serving(repository), _serving(repository)] == [None, 1]


def test_memory_that_nobody_tells_of_is_taken_to_be_enough(tmp_path: Path) -> None:
    repository = Repository(tmp_path, Loads(), 4, available=lambda: None)
    for number in (1, 2):
        _put(tmp_path, number)
        assert _serving(repository) == number
