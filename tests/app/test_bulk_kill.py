"""Runs in processes of their own that are killed, or find the disk full, and are taken up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.bulk.journal import ENDING
from tests.app.bulk_runs import left, rows, run, write_pictures
from tests.conftest import ROOT

UNFINISHED = Path(f"answers.jsonl{ENDING}")

CHILD = """
import json, os, resource, signal, sys
from app.bulk import journal, outputs
from app.bulk.errors import RunStopped
from app.engines.constant import ConstantEngine
from tests.app.bulk_runs import run

kill_at, kill_at_end, most_bytes = json.loads(sys.argv[1])
engine = ConstantEngine()

def before_run(images):
    if len(engine.batch_sizes) == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

def write(file, columns, rows):
    file.write(b"half a row")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

engine._before_run = before_run
journal.COMMIT_SECONDS = 0
if kill_at_end:
    outputs.WRITERS = {".jsonl": write}
if most_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
try:
    run("photos", engine=engine, max_batch=4, queue=16)
finally:
    print(sum(engine.batch_sizes))
"""


def run_child(
    kill_at: int | None = None, kill_at_end: bool = False, most_bytes: int = 0
) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own that is killed in a run of the network, or while it writes the output.

    It prints how many pictures it ran, unless it is killed.
    """
    command = [sys.executable, "-c", CHILD, json.dumps([kill_at, kill_at_end, most_bytes])]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "SIGNS_CACHE_DIR": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kill_at", [1, 10, 20])
def test_a_killed_run_is_taken_up(inside: Path, kill_at: int) -> None:
    write_pictures("photos", 100)
    run("photos", out="unbroken.jsonl")
    assert run_child(kill_at).returncode == -9
    assert not Path("answers.jsonl").exists()
    ended = run_child()
    assert ended.returncode == 0, ended.stderr
    done = int(ended.stderr.partition("taking up an unfinished run: ")[2].partition(" ")[0] or 0)
    # Of what had been answered only the portions in flight are done again.
    assert int(ended.stdout) == 100 - done
    assert done >= (kill_at - 1) - 4 * 4
    assert Path("answers.jsonl").read_bytes() == Path("unbroken.jsonl").read_bytes()
    assert left() == ["answers.jsonl", "unbroken.jsonl"]


def test_a_run_killed_while_it_writes_its_output_does_nothing_twice(inside: Path) -> None:
    write_pictures("photos", 30)
    assert run_child(kill_at_end=True).returncode == -9
    assert {UNFINISHED.name, "answers.jsonl.writing"} <= set(left())
    assert not Path("answers.jsonl").exists()
    ended = run_child()
    assert "taking up an unfinished run: 30 pictures are answered already" in ended.stderr
    assert ended.stdout == "0\n"
    assert (len(rows()), left()) == (30, ["answers.jsonl"])


def test_a_disk_that_fills_stops_the_run_with_a_message(inside: Path) -> None:
    write_pictures("photos", 400)
    stopped = run_child(most_bytes=50_000)
    assert stopped.returncode == 1
    assert "RunStopped: answers.jsonl.unfinished: " in stopped.stderr
    assert "disk" in stopped.stderr.splitlines()[-1]
    ended = run_child()
    done = int(ended.stderr.partition("taking up an unfinished run: ")[2].partition(" ")[0])
    assert done > 50
    assert int(ended.stdout) == 400 - done
    assert [row["label"] for row in rows()] == [str(number % 6) for number in range(400)]
