"""Versions on disk: the highest proven one serves; bad ones are refused with a reason, and recover."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engines.base import Engine
from app.engines.constant import ConstantEngine, constant_manifest
from app.manifest import (
    MANIFEST_PATH,
    Golden,
    GoldenPair,
    Manifest,
    file_hashes,
    golden_input,
    write_manifest,
)
from app.repository import Repository, VersionState


class Loads:
    """Loads constant engines instead of networks, and remembers which versions were loaded."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.engines: list[ConstantEngine] = []
        self.on_load: Callable[[], None] = lambda: None

    def __call__(self, folder: Path) -> Engine:
        self.on_load()
        self.numbers.append(int(folder.name))
        self.engines.append(ConstantEngine())
        return self.engines[-1]


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def repository(tmp_path: Path, loads: Loads) -> Repository:
    return Repository(tmp_path, loads, max_batch=4)


def _put(root: Path, number: int, weights: bytes = b"weights") -> Path:
    """A version that proves itself with a constant engine."""
    folder = root / str(number)
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    (folder / "variables" / "data").write_bytes(weights)
    row = ConstantEngine().run(golden_input(3, constant_manifest().input))[0]
    golden = Golden(pairs=(GoldenPair(seed=3, probabilities=tuple(map(float, row))),))
    changes = {"sha256": file_hashes(folder), "golden": golden}
    write_manifest(folder, constant_manifest(version=number).model_copy(update=changes))
    return folder


def _states(repository: Repository) -> dict[int, VersionState]:
    return {status.number: status.state for status in repository.statuses}


def _serving(repository: Repository) -> int | None:
    version = repository.refresh()
    return None if version is None else version.manifest.version


def test_the_highest_number_serves(tmp_path: Path, repository: Repository, loads: Loads) -> None:
    for number in (9, 10, 2):
        _put(tmp_path, number)
    assert _serving(repository) == 10
    assert loads.numbers == [10]
    assert list(_states(repository).items()) == [(10, "serving"), (9, "standby"), (2, "standby")]


def test_what_is_no_version_is_passed_over(tmp_path: Path, repository: Repository) -> None:
    _put(tmp_path, 1)
    for name in (".2.partial", "3.bak", "04", "0", "-5", "٣", "latest"):
        shutil.copytree(tmp_path / "1", tmp_path / name)
    (tmp_path / "7").write_text("a file")
    assert _serving(repository) == 1
    assert _states(repository) == {1: "serving"}


def test_the_same_files_are_loaded_once(tmp_path: Path, repository: Repository, loads: Loads) -> None:
    _put(tmp_path, 1)
    assert repository.refresh() is repository.refresh()
    assert loads.numbers == [1]


def test_missing_and_empty_folder(tmp_path: Path, loads: Loads) -> None:
    repository = Repository(tmp_path / "absent", loads, 4)
    assert _serving(repository) is None
    assert (
        repository.problem == f"model folder {tmp_path}/absent: expected folders named 1, 2, ..., found none"
    )
    _put(tmp_path / "absent", 1)
    assert _serving(repository) == 1


def test_a_new_version_takes_over_and_its_removal_rolls_back(
    tmp_path: Path, repository: Repository, loads: Loads
) -> None:
    _put(tmp_path, 1)
    assert _serving(repository) == 1
    _put(tmp_path, 2)
    assert _serving(repository) == 2
    shutil.rmtree(tmp_path / "2")
    assert _serving(repository) == 1
    assert loads.numbers == [1, 2, 1]


def test_nothing_serves_after_the_last_version_is_gone(tmp_path: Path, repository: Repository) -> None:
    folder = _put(tmp_path, 1)
    repository.refresh()
    shutil.rmtree(folder)
    assert _serving(repository) is None
    assert "found none" in repository.problem


def test_a_bad_version_is_refused_once_and_the_old_one_goes_on(
    tmp_path: Path, repository: Repository, loads: Loads, caplog: pytest.LogCaptureFixture
) -> None:
    _put(tmp_path, 1)
    before = repository.refresh()
    bad = _put(tmp_path, 2)
    (bad / "variables" / "data").write_bytes(b"altered")
    for _ in range(3):
        assert repository.refresh() is before
    assert repository.statuses[0].state == "refused"
    assert "files altered: variables/data" in repository.statuses[0].reason
    assert len([record for record in caplog.records if "version 2 does not serve" in record.message]) == 1
    _put(tmp_path, 2)
    assert _serving(repository) == 2


def test_a_refused_version_is_loaded_again_only_when_its_files_change(
    tmp_path: Path, repository: Repository, loads: Loads
) -> None:
    folder = _put(tmp_path, 1)
    loads.on_load = lambda: (_ for _ in ()).throw(MemoryError("too large"))
    for _ in range(2):
        assert _serving(repository) is None
    assert "version 1: MemoryError: too large" in repository.problem
    loads.on_load = lambda: None
    assert _serving(repository) is None
    os.utime(folder / "variables" / "data")
    assert _serving(repository) == 1


def test_a_version_that_is_being_copied_is_incomplete_until_it_is_whole(
    tmp_path: Path, repository: Repository
) -> None:
    _put(tmp_path, 1)
    whole = _put(tmp_path / "elsewhere", 2)
    growing = tmp_path / "2"
    shutil.copytree(whole, growing)
    (growing / MANIFEST_PATH).unlink()
    (growing / "variables" / "data").unlink()
    assert _serving(repository) == 1
    assert _states(repository) == {2: "incomplete", 1: "serving"}
    shutil.copy(whole / MANIFEST_PATH, growing / MANIFEST_PATH)
    assert _serving(repository) == 1
    assert _states(repository) == {2: "refused", 1: "serving"}
    shutil.copy(whole / "variables" / "data", growing / "variables" / "data")
    assert _serving(repository) == 2


def test_new_files_of_the_serving_version_are_taken_over(
    tmp_path: Path, repository: Repository, loads: Loads
) -> None:
    _put(tmp_path, 1)
    before = repository.refresh()
    _put(tmp_path, 1, weights=b"better weights")
    after = repository.refresh()
    assert after is not before
    assert loads.numbers == [1, 1]


def test_bad_new_files_of_the_serving_version_leave_it_serving(
    tmp_path: Path, repository: Repository
) -> None:
    _put(tmp_path, 1)
    folder = _put(tmp_path, 2)
    before = repository.refresh()
    (folder / "variables" / "data").write_bytes(b"altered")
    for _ in range(2):
        assert repository.refresh() is before
    assert repository.statuses[0].state == "serving"
    assert "altered" in repository.statuses[0].reason


def test_the_version_being_loaded_is_shown(tmp_path: Path, repository: Repository, loads: Loads) -> None:
    _put(tmp_path, 1)
    repository.refresh()
    _put(tmp_path, 2)
    seen: list[dict[int, VersionState]] = []
    loads.on_load = lambda: seen.append(_states(repository))
    repository.refresh()
    assert seen == [{2: "loading", 1: "serving"}]


def test_a_disk_that_cannot_be_read_does_not_stop_the_service(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(tmp_path, 1)
    before = repository.refresh()

    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", fail)
        assert repository.refresh() is before
    assert "Input/output error" in repository.problem
    assert repository.refresh() is before


def test_a_manifest_of_noise_is_refused(tmp_path: Path, repository: Repository) -> None:
    folder = _put(tmp_path, 1)
    (folder / MANIFEST_PATH).write_text('{"name": "signs"}')
    assert _serving(repository) is None
    assert "not a valid manifest" in repository.problem


def test_another_number_in_the_manifest_is_refused(tmp_path: Path, repository: Repository) -> None:
    shutil.move(_put(tmp_path, 1), tmp_path / "5")
    assert _serving(repository) is None
    assert "expected version 5 in the manifest, received 1" in repository.problem


def test_manifest_of_the_serving_version(tmp_path: Path, repository: Repository) -> None:
    folder = _put(tmp_path, 1)
    version = repository.refresh()
    assert version is not None
    assert version.manifest == Manifest.model_validate_json((folder / MANIFEST_PATH).read_bytes())
