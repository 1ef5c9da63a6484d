"""The words of the page stand in one file, and all of them are used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.wording import FOLDER, help_with, percent, script_wording, sureness, wording, words

SOURCES = [
    *FOLDER.rglob("*.html"),
    *(FOLDER / "static").glob("*.js"),
    *FOLDER.parent.glob("*.py"),
    *(FOLDER.parent / "routes").glob("*.py"),
]
LOOKED_UP = {"signs", "sureness", "help", "camera_help"}
"""Sections whose entries are chosen by a value, not by name."""


def names(section: str) -> Iterator[str]:
    return (name for name, text in wording()[section].items() if not isinstance(text, dict))


def test_no_word_is_left_over() -> None:
    everything = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    unused = [
        f"{section}.{name}"
        for section in wording().keys() - LOOKED_UP
        for name in names(section)
        if not re.search(rf"text\.{section}\.{name}\b|[\"']{name}[\"']|\.{name}\b", everything)
    ]
    assert unused == []


def test_every_word_that_the_templates_ask_for_exists() -> None:
    for path in FOLDER.rglob("*.html"):
        for section, name in re.findall(r"text\.(\w+)\.(\w+)", path.read_text(encoding="utf-8")):
            assert name in wording()[section], f"{path.name}: {section}.{name}"
            assert not hasattr(dict, name), f"{path.name}: {section}.{name} would be a dict's method"


def test_every_word_that_the_script_asks_for_is_handed_to_it() -> None:
    handed = script_wording("feedback")
    for path in (FOLDER / "static").glob("*.js"):
        for section, name in re.findall(r'text\("(\w+)", "(\w+)"', path.read_text(encoding="utf-8")):
            assert name in handed[section], f"{path.name}: {section}.{name}"


def test_templates_and_scripts_hold_no_sentences_of_their_own() -> None:
    for path in FOLDER.rglob("*.html"):
        if path.name == "docs.html":
            continue
        source = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.findall(r">[^<>]*[A-Za-z]{3,}[^<>]*<", source), path.name


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        (1.0, "Almost certain"),
        (0.99, "Almost certain"),
        (0.9899, "Very sure"),
        (0.8, "Fairly sure"),
        (0.0, "Not sure"),
    ],
)
def test_confidence_in_words(confidence: float, expected: str) -> None:
    assert sureness(confidence) == expected


def test_numbers_and_placeholders() -> None:
    assert percent(0.99349) == "99.3"
    assert words("verdict", "yes", label="3") == "This hand shows a 3"
    with pytest.raises(KeyError):
        words("verdict", "yes")


@pytest.mark.parametrize(
    ("kind", "status", "title"),
    [
        ("corrupt-image", 422, "That picture is damaged"),
        ("about:blank", 413, "That file is too large"),
        ("about:blank", 418, "That did not work"),
    ],
)
def test_help_is_found_by_kind_then_by_status(kind: str, status: int, title: str) -> None:
    assert help_with(kind, status, detail="Short and stout.", megabytes=20)[0] == title


def test_every_help_can_be_filled() -> None:
    table: dict[str, Any] = wording()["help"]
    for kind in table:
        assert "{" not in help_with(kind, 0, detail="Detail.", megabytes=20)[1]
