"""The bar of a bulk run: on a terminal it counts ahead, elsewhere it is silent."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.bulk.progress import Progress
from app.bulk.sources import Sources
from tests.app.batching import wait_for
from tests.app.packing import pack


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What is written to standard error."""
    terminal = Terminal()
    monkeypatch.setattr("app.bulk.progress.sys", SimpleNamespace(stderr=terminal))
    return terminal


def counting() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "count"]


def test_everything_is_counted_while_the_first_are_done(inside: Path, terminal: Terminal) -> None:
    pack("x.tar.gz", {f"{number}.png": os.urandom(5000) for number in range(30)} | {"notes.txt": b""})
    pack("x.zip", {f"{number}.png": b"" for number in range(12)})
    with Progress(Sources(("x.tar.gz", "x.zip", "none.png")), max_bytes=100) as progress:
        wait_for(lambda: not counting())
        progress.advance(3)
        progress.advance(40)
    last = terminal.getvalue().split("\r")[-1]
    assert "43/43" in last
    assert "picture" in last


def test_the_count_ends_with_the_run(inside: Path, terminal: Terminal) -> None:
    endless = Sources(("x.png",) * 10_000_000)
    with Progress(endless, max_bytes=100) as progress:
        wait_for(lambda: progress._bar.total is not None)
    assert counting() == []
    assert progress._bar.total < 10_000_000


def test_what_comes_through_a_pipe_is_not_counted(inside: Path, terminal: Terminal) -> None:
    os.mkfifo("pipe")
    with Progress(Sources((), ("pipe",)), max_bytes=100) as progress:
        progress.advance(7)
    assert "7picture" in terminal.getvalue()


def test_without_a_terminal_nothing_is_written_or_counted(
    inside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(Sources(("x.png",)), max_bytes=100) as progress:
        assert counting() == []
        progress.advance(1)
    assert capsys.readouterr().err == ""
