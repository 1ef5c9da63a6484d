"""A run that ended early is taken up: nothing is done twice, nothing is lost, nothing is mixed."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.bulk import outputs
from app.bulk.errors import RunRefused, RunStopped
from app.bulk.journal import ENDING
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from tests.app.bulk_runs import grey_png, left, rows, run, write_pictures

UNFINISHED = Path(f"answers.jsonl{ENDING}")


def stop_after(runs: int) -> ConstantEngine:
    """An engine whose thread dies in its run number `runs`."""
    engine = ConstantEngine()

    def count(images: Float32Array) -> None:
        if len(engine.batch_sizes) > runs:
            raise SystemExit

    engine._before_run = count
    return engine


def test_a_run_that_stopped_is_taken_up(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pictures("photos", 60)
    run("photos", out="unbroken.jsonl")
    with pytest.raises(RunStopped, match="the inference thread died"):
        run("photos", engine=stop_after(10), max_batch=4, queue=16)
    assert left() == [UNFINISHED.name, "unbroken.jsonl"]
    capsys.readouterr()
    engine = ConstantEngine()
    assert run("photos", engine=engine, max_batch=4, queue=16) == 0
    done = int(capsys.readouterr().err.split("taking up an unfinished run: ")[1].split()[0])
    assert 0 < done < 60
    assert sum(engine.batch_sizes) == 60 - done
    assert Path("answers.jsonl").read_bytes() == Path("unbroken.jsonl").read_bytes()
    assert left() == ["answers.jsonl", "unbroken.jsonl"]


def test_what_changed_in_the_meantime_is_found_anew(inside: Path) -> None:
    write_pictures("photos", 40)
    with pytest.raises(RunStopped):
        run("photos", engine=stop_after(5), max_batch=4, queue=16)
    Path("photos/0000.png").write_bytes(grey_png(255))  # changed
    Path("photos/0001.png").unlink()  # gone
    Path("photos/0002.png").rename("photos/z.png")  # moved
    assert run("photos") == 0
    found = {row["path"]: row["label"] for row in rows()}
    assert len(found) == 39
    assert (found["photos/0000.png"], found["photos/z.png"]) == ("5", "2")
    assert found.keys().isdisjoint({"photos/0001.png", "photos/0002.png"})


def test_a_file_that_could_not_be_read_is_tried_again(inside: Path) -> None:
    write_pictures("photos", 20)
    Path("photos/0000.png").rename("away")
    Path("photos/0000.png").symlink_to("nothing")
    with pytest.raises(RunStopped):
        run("photos", engine=stop_after(3), max_batch=4, queue=16)
    Path("photos/0000.png").unlink()
    Path("away").rename("photos/0000.png")
    assert run("photos") == 0
    assert [row["error"] for row in rows()] == [None] * 20


def test_a_failure_of_the_network_is_a_row_and_tried_again(inside: Path) -> None:
    write_pictures("photos", 12)

    def fail_on_white(images: Float32Array) -> None:
        if images.mean(axis=(1, 2, 3)).max() > 0.99:
            raise RuntimeError

    def stop(images: Float32Array) -> None:
        raise SystemExit

    assert run("photos", out="failed.jsonl", engine=ConstantEngine(before_run=fail_on_white)) == 1
    bad = [row["path"] for row in rows("failed.jsonl") if row["error"] == "the network failed on this input"]
    assert bad == ["photos/0005.png", "photos/0011.png"]
    assert run("photos") == 0


def test_answers_of_two_models_are_never_mixed(inside: Path) -> None:
    write_pictures("photos", 40)
    with pytest.raises(RunStopped):
        run("photos", engine=stop_after(5), max_batch=4, queue=16)
    other = ConstantEngine(np.eye(6)[3].tolist())
    other.precision = "int8"
    with pytest.raises(
        RunRefused, match="begun with signs version 1 in float32, now it is signs version 1 in int8"
    ):
        run("photos", engine=other)
    engine = ConstantEngine()
    with pytest.raises(RunRefused):
        run("photos", engine=other)
    assert run("photos", engine=engine) == 0
    assert sum(engine.batch_sizes) < 40  # what was refused has forgotten nothing


def test_answers_of_another_model_are_given_up_where_that_is_asked_for(inside: Path) -> None:
    write_pictures("photos", 40)
    with pytest.raises(RunStopped):
        run("photos", engine=stop_after(5), max_batch=4, queue=16)
    other = ConstantEngine(np.eye(6)[3].tolist())
    other.precision = "int8"
    assert run("photos", engine=other, overwrite=True) == 0
    assert {row["label"] for row in rows()} == {"3"}


def test_an_unfinished_run_may_replace_what_it_was_begun_over(inside: Path) -> None:
    write_pictures("photos", 40)
    Path("answers.jsonl").write_text("old")
    with pytest.raises(RunStopped):
        run("photos", engine=stop_after(5), max_batch=4, queue=16, overwrite=True)
    assert Path("answers.jsonl").read_text() == "old"
    assert run("photos") == 0
    assert len(rows()) == 40


def test_a_second_run_at_the_same_output_is_refused(inside: Path) -> None:
    write_pictures("photos", 2)

    def run_another(images: Float32Array) -> None:
        with pytest.raises(RunRefused, match=r"answers.jsonl.unfinished: another run is at it"):
            run("photos")

    assert run("photos", engine=ConstantEngine(before_run=run_another)) == 0


def test_a_file_that_is_no_journal_is_left_alone(inside: Path) -> None:
    write_pictures("photos", 1)
    UNFINISHED.write_bytes(b"my own notes, many of them" * 100)
    with pytest.raises(RunRefused, match="not written by a run; remove it to begin anew"):
        run("photos")
    assert UNFINISHED.read_bytes() == b"my own notes, many of them" * 100


def test_a_full_disk_while_the_output_is_written_costs_no_answer(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(file: object, columns: object, rows: Iterator[object]) -> None:
        next(rows)
        raise OSError(errno.ENOSPC, "No space left on device")

    write_pictures("photos", 4)
    Path("answers.jsonl").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(outputs, "WRITERS", {".jsonl": fill_up})
        with pytest.raises(RunStopped, match=r"answers\.jsonl: No space left on device"):
            run("photos", overwrite=True)
    assert left() == ["answers.jsonl", UNFINISHED.name]
    assert Path("answers.jsonl").read_text() == "old"
    engine = ConstantEngine()
    assert run("photos", engine=engine) == 0
    assert (len(rows()), engine.batch_sizes) == (4, [])
