"""Bulk runs on a real cluster of two Ray nodes, in the environment that `make ray` sets up."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.app.bulk_runs import grey_png, rows, write_pictures
from tests.app.packing import pack
from tests.conftest import ROOT

PYTHON = ROOT / ".venv-ray" / "bin" / "python"
INSTALLED = (ROOT / ".venv-ray" / ".installed").exists()
PICTURES, PACKED = 1500, 40

pytestmark = pytest.mark.skipif(
    not INSTALLED, reason="Ray is not here: `make ray` installs it into .venv-ray"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in a folder and in an archive."""
    folder = tmp_path_factory.mktemp("bulk")
    write_pictures(str(folder / "photos"), PICTURES)
    (folder / "photos" / "broken.png").write_bytes(b"no picture")
    members = {f"{number}.png": grey_png(51 * (number % 6)) for number in range(PACKED)}
    pack(str(folder / "x.tar.gz"), members)
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Any]:
    """What was seen on two nodes, one of which was killed at last."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNS_")}
    command = [str(PYTHON), "-m", "tests.end_to_end.bulk_cluster", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(seen, done.stderr)
    return seen


def test_the_rows_are_those_of_a_single_process(folder: Path, told: dict[str, Any]) -> None:
    assert told["alone"] == told["cluster"] == "1"  # for what is no picture
    alone = rows(str(folder / "alone.jsonl"))
    assert len(alone) == PICTURES + 1 + PACKED + 1
    assert [row["path"] for row in alone if row["error"]] == ["photos/broken.png", "none"]
    assert (folder / "cluster.jsonl").read_bytes() == (folder / "alone.jsonl").read_bytes()


def test_a_run_that_stopped_is_taken_up(folder: Path, told: dict[str, Any]) -> None:
    assert (told["stopped"], told["taken up"]) == ("yes", "1")
    assert (folder / "taken-up.jsonl").read_bytes() == (folder / "alone.jsonl").read_bytes()


def test_a_node_that_is_killed_loses_no_row(folder: Path, told: dict[str, Any]) -> None:
    assert told["node killed"] == "1"
    assert (folder / "node-killed.jsonl").read_bytes() == (folder / "alone.jsonl").read_bytes()


def test_without_a_cluster_or_a_model_it_says_so(folder: Path, told: dict[str, Any]) -> None:
    assert told["nobody"] == "RunRefused: no cluster answers at 127.0.0.1:1: Connection refused"
    assert told["no model"].startswith("NotReady: model folder /no/such/folder")
    assert not list(folder.glob("no*.jsonl*.unfinished"))
