"""Compiled networks are kept where that is possible, never met by an altered version, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.compiled_networks import KEPT, kept_networks, one_process_at_a_time
from app.engines import load_engine
from app.engines.constant import constant_manifest
from app.manifest import golden_input, write_manifest

MakeVersion = Callable[..., Path]
TAKE = """
import sys
from pathlib import Path
from app.compiled_networks import one_process_at_a_time
print("asks", flush=True)
with one_process_at_a_time(Path(sys.argv[1])):
    print("has it", flush=True)
"""


def _kept(root: Path, version: Path) -> Path:
    folder = kept_networks(root, version)
    assert folder is not None
    return folder


def test_each_manifest_has_a_folder_of_its_own(make_version: MakeVersion, tmp_path: Path) -> None:
    version = make_version(tmp_path / "signs", 1)
    first = _kept(tmp_path / "cache", version)
    assert _kept(tmp_path / "cache", version) == first
    write_manifest(version, constant_manifest())
    assert _kept(tmp_path / "cache", version) != first


def test_a_kept_network_answers_as_a_new_one(make_version: MakeVersion, tmp_path: Path) -> None:
    version = make_version(tmp_path / "signs", 1)
    images = golden_input(3, constant_manifest().input)
    new = load_engine("openvino", version, 1, "float32").run(images)
    for _ in range(2):
        kept = load_engine("openvino", version, 1, "float32", _kept(tmp_path / "cache", version))
        np.testing.assert_array_equal(kept.run(images), new)
    assert list((tmp_path / "cache").glob("*/*.blob"))


@pytest.mark.parametrize("share_left", [0, 0.5, 0.99])
def test_a_damaged_network_is_compiled_again(
    share_left: float, make_version: MakeVersion, tmp_path: Path
) -> None:
    version = make_version(tmp_path / "signs", 1)
    images = golden_input(3, constant_manifest().input)
    new = load_engine("openvino", version, 1, "float32", _kept(tmp_path / "cache", version)).run(images)
    (blob,) = (tmp_path / "cache").glob("*/*.blob")
    whole = blob.read_bytes()
    blob.unlink()
    blob.write_bytes(whole[: int(share_left * len(whole))])
    again = load_engine("openvino", version, 1, "float32", _kept(tmp_path / "cache", version))
    np.testing.assert_array_equal(again.run(images), new)


def test_nothing_is_kept_where_it_is_not_wanted_or_cannot_be(
    make_version: MakeVersion, tmp_path: Path
) -> None:
    version = make_version(tmp_path / "signs", 1)
    assert kept_networks(None, version) is None
    assert kept_networks(tmp_path / "absent" / "cache", version) is None
    (tmp_path / "file").write_text("in the way")
    assert kept_networks(tmp_path / "file", version) is None
    assert not (tmp_path / "absent").exists()


def test_one_process_at_a_time_reads_or_writes_them(tmp_path: Path) -> None:
    with one_process_at_a_time(tmp_path):
        waiting = subprocess.Popen([sys.executable, "-c", TAKE, str(tmp_path)], stdout=subprocess.PIPE)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"asks\n"
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
    assert waiting.communicate(timeout=60)[0] == b"has it\n"
    with one_process_at_a_time(tmp_path), one_process_at_a_time(None):
        pass


def test_what_cannot_be_locked_is_used_without(tmp_path: Path) -> None:
    with one_process_at_a_time(tmp_path / "none"):
        pass
    with pytest.raises(ValueError, match="its own"), one_process_at_a_time(tmp_path):
        raise ValueError("its own")


def test_only_the_networks_used_last_are_kept(make_version: MakeVersion, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    folders = []
    for number in range(1, KEPT + 3):
        folders.append(_kept(root, make_version(tmp_path / "signs", number)))
        os.utime(folders[-1], (number, number))
    assert sorted(root.iterdir()) == sorted(folders[-KEPT:])
