"""The soak scripts in short, with an engine that needs no model; and each sees what it is there to see."""

from __future__ import annotations

import argparse
import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.errors import ModelError
from app.proof import load_proven
from tests.soak import folder, hang_up, hostile, overload, steady, swaps, terminate
from tests.soak.client import Answer
from tests.soak.report import Figure, publish
from tests.soak.service import Running, running_service

MakeVersion = Callable[..., Path]
TIMES = ("recovered", "p99", "goodput", "growth", "answers in")
"""How figures begin that say how fast a machine is, which tests do not ask."""


def broken(figures: Sequence[Figure]) -> list[str]:
    """What does not hold of the figures that do not depend on the machine."""
    return [each.what for each in figures if not each.holds and not each.what.startswith(TIMES)]


def test_hostile() -> None:
    with running_service(constant=True) as service:
        figures = asyncio.run(hostile.measure(service, 60))
        assert broken(figures) == []
        assert "200: " in figures[1].value
        assert broken(asyncio.run(hostile.measure(Running(service.port, service.process.pid), 20))) == []


def test_hostile_sees_a_service_that_refuses_and_one_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "MOST_MEMORY", 1)
    monkeypatch.setattr(hostile, "ALLOWED", {200})
    with running_service(constant=True, max_pixels=1) as service:
        figures = asyncio.run(hostile.measure(service, 30))
    assert {each.what.split()[0] for each in figures if not each.holds} == {"answers", "of", "peak"}


def test_hostile_sees_a_changed_answer() -> None:
    def answer(probability: float) -> Answer:
        body = f'{{"probabilities": [{{"label": "0", "probability": {probability}}}]}}'
        return Answer(200, {}, body.encode(), 0)

    assert hostile._changed([answer(0.5), answer(0.51)]) == 0
    assert hostile._changed([answer(0.5), answer(0.7), Answer(503, {}, b"", 0)]) == 1


def test_overload() -> None:
    with running_service(constant=True, delay=0.2, max_batch=2, queue=8) as service:
        figures = asyncio.run(overload.measure(service, 2, rounds=2))
    assert broken(figures) == []
    assert "2 times" in figures[2].value
    assert "503" in figures[3].value


def test_overload_sees_answers_that_miss_the_deadline() -> None:
    with running_service(constant=True, delay=0.5, max_batch=1, deadline_ms=1) as service:
        figures = asyncio.run(overload.measure(service, 1, recover=False))
    assert any(each.what == "goodput" and not each.holds for each in figures)


def test_hang_up() -> None:
    with running_service(constant=True, delay=0.05, queue=hang_up.QUEUE) as service:
        assert broken(asyncio.run(hang_up.measure(service, 100, 1))) == []


def test_hang_up_sees_places_that_are_missing() -> None:
    with running_service(constant=True, delay=0.2, max_batch=4, queue=8) as service:
        figures = asyncio.run(hang_up.measure(service, 20, 1))
    assert any("one for each place" in what for what in broken(figures))


def test_swaps(make_version: MakeVersion, tmp_path: Path) -> None:
    whole, versions = make_version(tmp_path / "elsewhere", 1), tmp_path / "versions"
    versions.mkdir()
    swaps.put(whole, versions, 1)
    with running_service(model_dir=versions, poll_seconds=0.1) as service:
        figures = asyncio.run(swaps.measure(service, versions, whole, 4))
    assert [each for each in broken(figures) if "memory" not in each] == []
    assert [each.value for each in figures[:2]] == ["3", "1"]


@pytest.mark.parametrize("kind", range(4))
def test_swaps_break_versions_that_were_good(kind: int, make_version: MakeVersion, tmp_path: Path) -> None:
    from app.engines.openvino import OpenVinoEngine

    whole = make_version(tmp_path, 1)
    folder = swaps.put(whole, tmp_path, 2)
    load_proven(folder, lambda path: OpenVinoEngine(path, 1, "float32"), 1)
    swaps.spoil(folder, kind)
    with pytest.raises(ModelError):
        load_proven(folder, lambda path: OpenVinoEngine(path, 1, "float32"), 1)
    shutil.rmtree(folder)
    load_proven(whole, lambda path: OpenVinoEngine(path, 1, "float32"), 1)


def test_terminate() -> None:
    with running_service(constant=True, delay=0.05, drain_seconds=5) as service:
        end = asyncio.run(terminate.measure(service, 1))
    assert broken(terminate.figures_of([end])) == []


def test_terminate_sees_lost_requests_and_bad_ends() -> None:
    figures = terminate.figures_of([(Counter({200: 5, 0: 1}), 0, 1.0), (Counter({200: 5}), -15, 1.0)])
    assert [each.what for each in figures if not each.holds] == ["requests lost or refused", "exit statuses"]


def test_steady() -> None:
    with running_service(constant=True) as service:
        assert [
            each for each in broken(asyncio.run(steady.measure(service, 4, 2))) if "its" not in each
        ] == []


@pytest.mark.parametrize(("slope", "grows"), [(0.0, False), (1.0, True)])
def test_steady_tells_growth_from_noise(slope: float, grows: bool) -> None:
    noise = np.random.RandomState(0).normal(scale=3, size=100)
    growth, error = steady.growth_of([(i, 400 + slope * i + noise[i]) for i in range(100)])
    assert (growth > max(steady.MOST_GROWTH, 2 * error)) == grows


def test_a_table_says_what_does_not_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = argparse.Namespace(into=tmp_path, constant=True)
    good, bad = Figure("a", "1", "1"), Figure("b", "2", "1", holds=False)
    assert publish("name", "Title", [good], options) == 0
    assert publish("name", "Title", [good, bad], options) == 1
    assert "| b | 2 | 1 | **no** |" in (tmp_path / "name.md").read_text()
    assert "Title" in capsys.readouterr().out


def test_very_many_files() -> None:
    assert broken(folder.measure(2500)) == []


def test_very_many_files_sees_memory_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST_GROWTH", -1000)
    assert broken(folder.measure(50)) == ["more memory with one folder", "more memory with one archive"]
