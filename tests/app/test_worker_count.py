"""More workers than the CPUs or the memory carry are doubted, with the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.memory import LOADING_FACTOR
from app.settings import Settings
from app.worker_count import WORKER_BYTES, doubts

MEGABYTE = 2**20


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder whose largest version has 10 MB."""
    for number, size in (("1", 10 * MEGABYTE), ("2", 1), ("notes", 99 * MEGABYTE)):
        (tmp_path / number / "variables").mkdir(parents=True)
        with (tmp_path / number / "variables" / "data").open("wb") as file:
            file.truncate(size)
    return tmp_path


def test_more_workers_than_cpus_are_doubted(model: Path) -> None:
    assert list(doubts(Settings(workers=4, model_dir=model), 4, None)) == []
    (doubt,) = doubts(Settings(workers=5, model_dir=model), 4, None)
    assert doubt.startswith("SIGNS_WORKERS: expected at most as many as CPUs are granted, 4, received 5")


def test_more_workers_than_memory_are_doubted(model: Path) -> None:
    each = WORKER_BYTES + LOADING_FACTOR * 10 * MEGABYTE
    settings = Settings(workers=4, model_dir=model)
    assert list(doubts(settings, 8, 4 * each)) == []
    (doubt,) = doubts(settings, 8, 4 * each - 1)
    assert f"expected at most 3 for {(4 * each - 1) // MEGABYTE} MB of free memory, received 4" in doubt
    assert f"each may take up to {each // MEGABYTE} MB" in doubt
    (doubt,) = doubts(settings, 8, 1)
    assert "at most 1 for 0 MB" in doubt


def test_without_a_model_the_rest_is_counted(tmp_path: Path) -> None:
    settings = Settings(workers=2, model_dir=tmp_path / "none")
    assert list(doubts(settings, 2, 2 * WORKER_BYTES)) == []
    assert len(list(doubts(settings, 2, 2 * WORKER_BYTES - 1))) == 1
