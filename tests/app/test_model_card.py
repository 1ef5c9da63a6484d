"""The model card as HTML."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.model_card import read_card

CARD = """# Model card: signs, version 12

**What it does.** Reads.

## Scores

| data | right |
|---|---|
| one | 99 % |

## Where it fails

- **Dark rooms** & <script>alert(1)</script>
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(CARD, encoding="utf-8")
    return path


def test_everything_but_title_and_scores_is_told(card: Path) -> None:
    html = read_card(card, 12)
    assert "<strong>What it does.</strong>" in html
    assert "<h2>Where it fails</h2>" in html
    assert "<strong>Dark rooms</strong> &amp;" in html
    assert "Scores" not in html
    assert "<table" not in html
    assert "<h1" not in html


def test_markup_in_the_card_is_text(card: Path) -> None:
    assert "&lt;script&gt;" in read_card(card, 12)


@pytest.mark.parametrize("version", [1, 2, 11, 120])
def test_another_versions_card_is_not_shown(card: Path, version: int) -> None:
    assert read_card(card, version) == ""


def test_no_card_is_no_error(tmp_path: Path) -> None:
    assert read_card(tmp_path / "README.md", 1) == ""
