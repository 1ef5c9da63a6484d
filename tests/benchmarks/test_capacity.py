"""The page of capacity says what was measured and what the model makes of it, and nothing is invented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.capacity import RATES, compare, main
from benchmarks.sizing import Assumptions, read_copy
from tests.benchmarks.reports import PEAK, TITLE, report, server


def written(folder: Path, told: Any, *options: str) -> str:
    """The page that is written of a report."""
    results = folder / "service.json"
    results.write_text(json.dumps(told), encoding="utf-8")
    main([str(results), "--to", str(folder / "capacity.md"), *options])
    return (folder / "capacity.md").read_text(encoding="utf-8")


def rows(text: str, section: str) -> list[list[str]]:
    """The cells of a section's first table, without its head."""
    (table,) = re.findall(r"^\|---.*\n((?:\|.*\n)+)", text.split(section)[1], re.MULTILINE)[:1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("capacity")


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return written(folder, report())


def test_every_size_is_told_for_both_kinds_of_picture(text: str) -> None:
    sizes = rows(text, "# Capacity")
    assert [(row[0], row[1]) for row in sizes] == [
        (kind, f"{rate:,}") for kind in ("64x64 pictures", "12-megapixel photos") for rate in RATES
    ]
    thousand, million = sizes[1], sizes[2]
    cores = 1000 * 2 / PEAK / 0.6
    assert cores <= int(thousand[3]) < cores + 2
    assert int(million[3].replace(",", "")) == pytest.approx(cores * 1000, abs=2)


def test_the_model_that_made_the_figures_is_off_by_little(text: str) -> None:
    points = rows(text, "## The check")
    assert [row[1] for row in points] == ["25%", "50%", "75%", "90%"]
    for row in points:
        mean, modelled, tail, modelled_tail = map(float, row[2:])
        assert modelled == pytest.approx(mean, rel=0.05)
        assert modelled_tail == pytest.approx(tail, rel=0.10)
    assert re.search(r"mean is off by \d% on average", text)


def test_a_model_that_is_wrong_is_told(tmp_path: Path) -> None:
    slow = server()
    slow["loads"] = [load | {"mean": load["mean"] * 2, "p99": load["p99"] * 2} for load in slow["loads"]]
    assert re.search(r"mean is off by (4[6-9]|5[0-4])% on average", written(tmp_path, report(slow)))


def test_loads_that_the_model_cannot_carry_are_left_out(tmp_path: Path) -> None:
    first = server()["loads"][0]
    told = report(
        server(loads=[first | {"offered": PEAK * 2}, first | {"answered": 0.0, "mean": float("nan")}])
    )
    assert compare(told, read_copy(told)) == []
    assert "No measured load lies below" in written(tmp_path, told)


def test_what_gives_next_is_named_at_each_size(text: str) -> None:
    found = rows(text, "## What gives next")
    assert len(found) == 2 * len(RATES)
    remedies = set(re.findall(r"^\| ([\w ]+) \| (?:let|keep|a registry's|spare) ", text, re.MULTILINE))
    assert (
        {row[-1] for row in found}
        <= remedies
        == {
            "bandwidth",
            "cold start",
            "decode",
            "model distribution",
            "TLS",
        }
    )
    # A photo of 12 megapixels is decoding, nearly all of it, until thousands of nodes want the model.
    assert [row[-1] for row in found[-2:]] == ["decode", "model distribution"]


def test_every_assumption_is_told_and_may_be_another(text: str, tmp_path: Path) -> None:
    assert "| `--core-hour` | 0.04 | price of a core for an hour |" in text
    assert len(rows(text, "## Assumptions")) == len(Assumptions.__dataclass_fields__)
    dearer = written(tmp_path, report(), "--core-hour", "0.08", "--currency", "EUR")
    assert "All prices in EUR." in dearer
    before, after = (rows(each, "# Capacity")[2][7].replace(",", "") for each in (text, dearer))
    assert int(after) == pytest.approx(2 * int(before), abs=1)


def test_the_figure_lies_where_the_page_looks_for_it(folder: Path, text: str) -> None:
    (name,) = re.findall(r"!\[[^]]+\]\((\S+)\)", text)
    with Image.open(folder / name) as figure:
        assert figure.size == (960, 600)


def test_a_tight_goal_makes_more_copies(text: str, tmp_path: Path) -> None:
    tight = written(tmp_path, report(), "--goal-ms", "25")
    assert "With more it would not keep its goal, 99 of 100 requests within 25 ms." in tight
    more, fewer = (int(rows(each, "# Capacity")[2][2].replace(",", "")) for each in (tight, text))
    assert more > fewer


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--goal-ms", "5"], "expected a goal that a lone request can keep, received 5 ms"),
        (["--title", "Nobody"], rf"no such measurement: Nobody; choices: \['{TITLE}'\]"),
        (["--core-hour", "-1"], "expected a number above 0, received -1"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        written(tmp_path, report(), *options)
    assert ended.value.code == 2
    assert re.search(told, capsys.readouterr().err)
    assert not (tmp_path / "capacity.md").exists()


def test_results_that_are_not_there_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none.json"), "--to", str(tmp_path / "capacity.md")])
    assert "none.json" in capsys.readouterr().err
