"""A bulk run from its sources to its output: formats, rows and errors."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.bulk.errors import RunRefused
from app.bulk.journal import ENDING
from app.bulk.run import Run, run_bulk
from app.bulk.sources import Sources
from app.engines.constant import ConstantEngine
from app.errors import NotReady
from app.settings import Settings
from tests.app.bulk_runs import COLUMNS, FORMATS, grey_png, left, rows, run, write_pictures
from tests.app.packing import pack
from tests.conftest import ROOT

UNFINISHED = Path(f"answers.jsonl{ENDING}")


@pytest.fixture
def folder(inside: Path) -> Path:
    """Three pictures, of which one is broken and one is a text."""
    (inside / "photos").mkdir()
    (inside / "photos" / "a.png").write_bytes(grey_png(0))
    (inside / "photos" / "b.png").write_bytes(grey_png(255)[:60])
    (inside / "photos" / "c.png").write_bytes(b"no picture")
    (inside / "photos" / "d.png").write_bytes(grey_png(255))
    return inside


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_has_the_same_rows(
    folder: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("photos", "none.png", out=f"answers{ending}") == 1
    found = rows(f"answers{ending}")
    assert [list(row) for row in found] == [COLUMNS] * 5
    first, broken, text, last, missing = found
    assert first["path"] == "photos/a.png"
    assert first["sha256"] == hashlib.sha256(Path("photos/a.png").read_bytes()).hexdigest()
    assert (first["label"], first["accepted"], first["error"], first["model_version"]) == ("0", True, None, 1)
    assert first["confidence"] == first["p0"] == pytest.approx(0.8805, abs=1e-4)
    assert sum(first[f"p{digit}"] for digit in range(6)) == pytest.approx(1)
    assert last["label"] == "5"
    assert "truncated or corrupt" in broken["error"]
    assert "send a JPEG" in text["error"]
    assert missing["error"] == "No such file or directory"
    for bad in (broken, text, missing):
        assert [bad[name] for name in COLUMNS[2:11]] == [None] * 9
    assert (text["sha256"], missing["sha256"]) == (hashlib.sha256(b"no picture").hexdigest(), None)
    assert left() == [f"answers{ending}"]
    assert f"5 rows in answers{ending}, 3 of them with an error" in capsys.readouterr().err


def test_parquet_has_types(folder: Path) -> None:
    from pyarrow import parquet

    run("photos", out="answers.parquet")
    kinds = {field.name: str(field.type) for field in parquet.read_schema("answers.parquet")}
    numbers = dict.fromkeys(["confidence", *(f"p{digit}" for digit in range(6))], "float")
    texts = dict.fromkeys(["path", "sha256", "label", "error"], "string")
    assert kinds == {**texts, **numbers, "accepted": "bool", "model_version": "int32"}


def test_the_screen_and_the_file_say_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.classify import classify_sources

    run("photos")
    classify_sources(Sources(("photos",)), True, Settings(), ConstantEngine())
    for line, row in zip(capsys.readouterr().out.splitlines(), rows(), strict=True):
        told = json.loads(line)
        for name in ("path", "label", "confidence", "accepted", "error"):
            assert told.get(name) == row[name]


def test_all_sources_in_one_run(folder: Path) -> None:
    good = Path("photos/a.png").read_bytes()
    for name in ("x.zip", "x.tar.gz"):
        pack(name, {"in/a.png": good, "../b.png": b"broken"})
    Path("list.txt").write_text("photos/d.png\nx.zip\n")
    asked = Run(Sources(("photos", "*/[ab].png", "x.tar.gz"), ("list.txt",)), Path("answers.jsonl"))
    assert run_bulk(asked, Settings(), ConstantEngine()) == 1
    photos = [f"photos/{name}.png" for name in "abcd"]
    tar, zipped = ([f"{name}!/in/a.png", f"{name}!/../b.png"] for name in ("x.tar.gz", "x.zip"))
    found = rows()
    assert [row["path"] for row in found] == [*photos, *photos[:2], *tar, photos[3], *zipped]
    assert [row["label"] for row in found if row["path"].endswith("a.png")] == ["0"] * 4


def test_what_is_too_large_is_not_read(folder: Path) -> None:
    assert run("photos", max_bytes=10) == 1
    errors = [row["error"] for row in rows()]
    size = Path("photos/a.png").stat().st_size
    assert errors[0] == f"expected at most 10 bytes, received {size}"
    assert "the file is a text" in errors[2]


def test_batches_are_full_and_order_is_kept(inside: Path) -> None:
    write_pictures("photos", 100)
    engine = ConstantEngine(delay=0.02)
    assert run("photos", engine=engine, max_batch=8, queue=64) == 0
    assert [row["path"] for row in rows()] == [f"photos/{number:04}.png" for number in range(100)]
    assert [row["label"] for row in rows()] == [str(number % 6) for number in range(100)]
    assert sum(engine.batch_sizes) == 100
    assert max(engine.batch_sizes) == 8


@pytest.mark.parametrize("queue", [1, 3, 9])
def test_a_small_queue_is_never_overfilled(inside: Path, queue: int) -> None:
    write_pictures("photos", 20)
    assert run("photos", max_batch=8, queue=queue) == 0


def test_the_same_content_is_answered_once(folder: Path) -> None:
    Path("copies").mkdir()
    for number in range(200):
        Path(f"copies/{number:03}.png").write_bytes(grey_png(0))
    engine = ConstantEngine()
    assert run("photos/a.png", "copies", engine=engine, max_batch=1, queue=4) == 0
    assert [row["label"] for row in rows()] == ["0"] * 201
    assert sum(engine.batch_sizes) <= 10  # but for those that were on their way together


def test_nothing_to_do_leaves_no_output(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert run("empty") == 1
    assert "no picture found" in capsys.readouterr().err
    assert left() == []


def test_without_a_model_nothing_is_left(folder: Path) -> None:
    with pytest.raises(NotReady, match="none"):
        run_bulk(Run(Sources(("photos",)), Path("answers.csv")), Settings(model_dir=folder / "none"))
    assert left() == []


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("answers.txt", r"expected an output named \*.parquet, \*.csv, \*.jsonl"),
        ("answers", "expected an output named"),
        ("none/answers.csv", "expected its folder to be there already"),
        ("folder.csv", "expected a file, found something else"),
        ("there.csv", "it exists already; name another one, or replace it with --overwrite"),
    ],
)
def test_an_output_that_cannot_be_is_refused_at_once(folder: Path, out: str, told: str) -> None:
    Path("folder.csv").mkdir()
    Path("there.csv").write_text("precious")
    engine = ConstantEngine()
    with pytest.raises(RunRefused, match=told):
        run("photos", out=out, engine=engine)
    assert engine.batch_sizes == []
    assert left() == ["there.csv"]
    assert Path("there.csv").read_text() == "precious"


def test_an_output_is_replaced_where_that_is_asked_for(folder: Path) -> None:
    Path("answers.jsonl").write_text("old")
    assert run("photos/a.png", overwrite=True) == 0
    assert [row["label"] for row in rows()] == ["0"]


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
from tests.app.bulk_runs import run
assert run("photos/a.png", out="answers.csv") == 0
run("photos/a.png", out="answers.parquet")
"""


def test_without_pyarrow_the_other_formats_are_named(folder: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PYARROW]
    ended = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert "RunRefused: Parquet needs the package pyarrow: pip install 'signs[bulk]'" in ended.stderr
    assert left() == ["answers.csv"]
