"""`python -m app`: help, wrong settings, and answers for files and folders."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.__main__ import INTERRUPTED, STOPPED, WRONG_USE, _parser, main
from app.bulk.archives import KINDS
from app.bulk.errors import RunRefused, RunStopped
from app.bulk.items import SUFFIXES
from app.bulk.outputs import WRITERS
from app.bulk.run import Run
from app.bulk.sources import Sources
from app.classify import classify_sources
from app.engines.constant import ConstantEngine
from app.errors import NotReady
from app.settings import Settings
from tests.conftest import ROOT

GreyPng = Callable[[int], bytes]


@pytest.fixture
def folder(tmp_path: Path, grey_png: GreyPng) -> Path:
    """A folder with two pictures, one below the other, and a file that is none."""
    (tmp_path / "below").mkdir()
    (tmp_path / "a.png").write_bytes(grey_png(0))
    (tmp_path / "below" / "b.PNG").write_bytes(grey_png(255))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def run(paths: list[Path], as_json: bool = True, **settings: int) -> int:
    return classify_sources(sources(*paths), as_json, Settings(**settings), ConstantEngine())  # type: ignore[arg-type]


def sources(*paths: Path) -> Sources:
    return Sources(tuple(map(str, paths)))


def test_help_names_commands_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    for name in ("classify", "serve", *map(Settings.variable, Settings.model_fields)):
        assert name in told


def test_wrong_use_exits_2(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["classfy"])
    assert ended.value.code == 2
    monkeypatch.setenv("SIGNS_PORT", "many")
    assert main([]) == 2
    assert "SIGNS_PORT" in capsys.readouterr().err


def test_folders_are_searched_in_order_and_named_files_kept(folder: Path) -> None:
    found = sources(folder, folder / "notes.txt", folder / "none.png").items(max_bytes=1000)
    names = [Path(item.path).relative_to(folder).as_posix() for item in found]
    assert names == ["a.png", "below/b.PNG", "notes.txt", "none.png"]


def test_json_lines_are_predictions_with_their_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([folder]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["path"], first["label"]) == (str(folder / "a.png"), "0")
    assert (second["label"], second["model"]) == ("5", {"name": "signs", "version": 1})
    assert len(second["probabilities"]) == 6


def test_bad_files_are_reported_among_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [folder / "a.png", folder / "notes.txt", folder / "none.png", folder / "below" / "b.PNG"]
    assert run(paths) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("label") for line in lines] == ["0", None, None, "5"]
    assert "send a JPEG" in lines[1]["error"]
    assert lines[2]["error"] == "No such file or directory"


def test_a_file_over_the_limit_is_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([folder / "a.png"], max_bytes=10) == 1
    assert "at most 10 bytes" in json.loads(capsys.readouterr().out)["error"]


def test_the_table_is_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([folder, folder / "notes.txt"], as_json=False) == 1
    head, first, second, failed = capsys.readouterr().out.splitlines()
    assert head.split() == ["label", "confidence", "path"]
    assert first.split()[0] == "0"
    assert first.endswith("a.png")
    assert second.split()[1].endswith("%")
    assert "notes.txt: the file is a text; send a JPEG" in failed


def test_many_files_keep_their_order(
    tmp_path: Path, grey_png: GreyPng, capsys: pytest.CaptureFixture[str]
) -> None:
    greys = [51 * (index % 6) for index in range(100)]
    for index, grey in enumerate(greys):
        (tmp_path / f"{index:03}.png").write_bytes(grey_png(grey))
    assert run([tmp_path], max_batch=4, queue=8) == 0
    labels = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert labels == [str(grey // 51) for grey in greys]


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([tmp_path]) == 1
    assert "no picture" in capsys.readouterr().err


def test_without_a_model_it_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNS_MODEL_DIR", str(folder / "none"))
    assert main(["classify", str(folder)]) == 2
    told = capsys.readouterr()
    assert (told.out, str(folder / "none") in told.err) == ("", True)
    with pytest.raises(NotReady, match="none"):
        classify_sources(sources(folder), True, Settings(model_dir=folder / "none"))


def test_as_a_command_it_exits_with_the_status(folder: Path) -> None:
    command = [sys.executable, "-m", "app", "classify", str(folder)]
    environment = {"SIGNS_MODEL_DIR": str(folder / "none"), "PATH": "/usr/bin"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "expected a PATH or --list"),
        (["a.png", "--overwrite"], "expected --out"),
        (["a.png", "--ray", "auto"], "expected --out"),
        (["a.png", "--json", "--out", "a.csv"], "--json is for the screen"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["classify", *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (RunRefused("it exists already"), 2, "it exists already"),
        (RunStopped("the disk is full"), 3, "stopped: the disk is full\nThe same command takes the run up."),
        (KeyboardInterrupt(), 130, "interrupted; the same command takes the run up"),
    ],
)
def test_a_run_that_ends_early_says_why(
    raised: BaseException,
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(run: Run, settings: Settings) -> int:
        assert run == Run(Sources(("photos",), ("more.txt",)), Path("a.csv"), overwrite=True, cluster="auto")
        raise raised

    monkeypatch.setattr("app.bulk.run.run_bulk", fail)
    arguments = "classify photos --list more.txt --out a.csv --overwrite --ray auto"
    assert main(arguments.split()) == status
    assert capsys.readouterr().err.strip() == told


def test_the_page_about_bulk_runs_names_what_there_is() -> None:
    page = (ROOT / "docs" / "bulk.md").read_text(encoding="utf-8")
    for ending in (*SUFFIXES, *KINDS, *WRITERS):
        assert f"`{ending}`" in page, ending
    for status in (WRONG_USE, STOPPED, INTERRUPTED):
        assert f"\n| {status} | " in page
    lines = [line for line in page.splitlines() if "-m app classify " in line and line.startswith(".venv")]
    assert len(lines) == 3
    for line in lines:
        options = _parser().parse_args(shlex.split(line)[3:])
        assert options.paths
        assert options.out
