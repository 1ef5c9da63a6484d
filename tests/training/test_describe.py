"""A network is told and drawn by its blocks, read off the network itself."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from training.cli import main
from training.diagram import diagram
from training.network import ResNet50
from training.outline import Block, outline

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def residual() -> list[Block]:
    return outline(ResNet50())


def test_the_outline_holds_every_parameter_and_every_block(residual: list[Block]) -> None:
    assert sum(block.parameters for block in residual) == 23_600_006
    names = [block.name for block in residual]
    assert names == [
        "conv1",
        "pool1",
        *["2a", "2b", "2c", "3a", "3b", "3c", "3d", "4a", "4b", "4c", "4d", "4e", "4f", "5a", "5b", "5c"],
        "avg_pool",
        "fc6",
    ]


def test_shortcuts_project_where_the_shape_changes(residual: list[Block]) -> None:
    shortcuts = {block.name: block.shortcut for block in residual}
    assert [name for name, kind in shortcuts.items() if kind == "projection"] == ["2a", "3a", "4a", "5a"]
    assert sum(kind == "identity" for kind in shortcuts.values()) == 12
    (block,) = (block for block in residual if block.name == "4a")
    assert (block.convolutions, block.stride, block.output) == (
        ((1, 256), (3, 256), (1, 1024)), 2, (4, 4, 1024),
    )  # fmt: skip


def test_the_plain_twin_has_no_shortcut() -> None:
    assert {block.shortcut for block in outline(ResNet50(shortcuts=False))} == {None}


@pytest.mark.parametrize(("shortcuts", "lines"), [(True, 16), (False, 0)])
def test_the_drawing_is_svg_with_a_line_for_every_shortcut(shortcuts: bool, lines: int) -> None:
    blocks = outline(ResNet50(shortcuts=shortcuts))
    drawing = ElementTree.fromstring(diagram("a <network>", blocks))
    paths = [path for path in drawing.iter(f"{SVG}path") if path.get("class") == "shortcut"]
    assert len(paths) == lines
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert "a <network>" in texts
    assert sum("block" in (text or "") for text in texts) == 16


def test_the_command_prints_blocks_and_draws_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "--network", "plain", "--svg", str(tmp_path / "plain.svg")]) == 0
    told = capsys.readouterr().out
    assert "20,811,910 parameters, 45,440 of them not trainable" in told
    assert "res2a_branch2a" not in told
    assert (tmp_path / "plain.svg").read_text().startswith("<svg")


def test_the_full_command_prints_layers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "--full"]) == 0
    told = capsys.readouterr().out
    assert "res2a_branch2a" in told
    assert "23,600,006" in told


def test_an_unknown_network_lists_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "--network", "deep"]) == 1
    assert "expected networks among residual, plain" in capsys.readouterr().err
