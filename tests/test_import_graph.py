"""The checks of the architecture see what they should, shown on made-up modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.import_graph import (
    arrows_up,
    environment_readers,
    find_cycle,
    function_lengths,
    import_graph,
    imported_names,
    sources,
    unplaced,
)

LAYERS = (("p.low",), ("p.high",))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import p.low", {"p.low"}),
        ("import p.low as low, os", {"p.low", "os"}),
        ("from p import low", {"p.low"}),
        ("from p.low import name", {"p.low"}),
        ("from p import other", {"p"}),
        ("def f():\n    from p import low", {"p.low"}),
        ("if TYPE_CHECKING:\n    import p.low", {"p.low"}),
        ("text = 'import p.low'", set()),
    ],
)
def test_every_way_to_import_is_seen(source: str, expected: set[str]) -> None:
    assert imported_names(source, {"p.low", "p.high"}) == expected


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="absolute import"):
        imported_names("from .low import name")


def test_an_arrow_down_passes_and_one_up_is_named() -> None:
    down = import_graph({"p.low": "", "p.high": "import p.low"})
    up = import_graph({"p.low": "import p.high", "p.high": ""})
    assert arrows_up(down, LAYERS) == []
    assert arrows_up(up, LAYERS) == ["p.low -> p.high"]


def test_a_cycle_is_named() -> None:
    graph = import_graph({"p.a": "import p.b", "p.b": "import p.c", "p.c": "def f():\n    import p.a"})
    assert sorted(set(find_cycle(graph))) == ["p.a", "p.b", "p.c"]
    assert find_cycle(import_graph({"p.a": "import p.b", "p.b": ""})) == []


def test_modules_and_layers_must_match() -> None:
    graph = import_graph({"p.low": "", "p.high": "", "p.new": ""})
    assert unplaced(graph, LAYERS) == ["p.new"]
    assert unplaced(graph, (*LAYERS, ("p.new", "p.low", "p.gone"))) == ["p.gone", "p.low"]


@pytest.mark.parametrize(
    "source",
    ["import os\nos.environ['A']", "import os\ndef f():\n    os.getenv('A')", "from os import environ as e"],
)
def test_readers_of_the_environment_are_named(source: str) -> None:
    assert environment_readers({"p.low": source, "p.high": "import os\nos.cpu_count()"}) == ["p.low"]


def test_who_sets_a_variable_for_a_library_reads_nothing() -> None:
    assert environment_readers({"p": "import os\nos.environ['A'] = 'b'"}) == []
    assert environment_readers({"p": "import os\nos.environ['A'] = os.environ['B']"}) == ["p"]


def test_a_function_is_as_long_as_its_lines() -> None:
    assert function_lengths({"p": "def f():\n    x = 1\n    return x\n\nasync def g(): pass"}) == [3, 1]


def test_modules_are_named_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "p" / "q").mkdir(parents=True)
    for name in ("__init__", "a", "q/__init__", "q/b"):
        (tmp_path / "p" / f"{name}.py").write_text("x = 1\n")
    assert sorted(sources(tmp_path, "p")) == ["p", "p.a", "p.q", "p.q.b"]
