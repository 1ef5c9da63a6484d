"""The command line: every command explains itself, and a fault is one line, not a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.cli import build_parser, main


@pytest.mark.parametrize("command", ["fit", "evaluate", "export", "gradients", "describe", "report"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: python -m training {command}" in capsys.readouterr().out


def test_an_unknown_command_lists_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_a_fault_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path), "--data", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_a_missing_data_folder_is_named(
    tmp_path: Path, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["fit", str(tiny_recipe), "--data", str(tmp_path / "nowhere"), "--out", str(out)]) == 1
    assert "nowhere/signs/train_signs.h5: no such file" in capsys.readouterr().err
    assert not out.exists()
