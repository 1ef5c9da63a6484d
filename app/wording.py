"""The words of the page, all from `page/strings.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "page"
FOR_THE_SCRIPT: Final = ("script", "signs", "verdict", "sureness", "help", "camera_help")


@cache
def wording() -> dict[str, Any]:
    """Every string of the page, by section and name."""
    return tomllib.loads((FOLDER / "strings.toml").read_text(encoding="utf-8"))


def words(section: str, name: str, **values: object) -> str:
    """One string with its {braces} filled in; raises `KeyError` where it or a value is missing."""
    text: str = wording()[section][name]
    return text.format(**values)


def script_wording(*more: str) -> dict[str, Any]:
    """The sections that the page's script needs, and `more` of them."""
    return {section: wording()[section] for section in (*FOR_THE_SCRIPT, *more)}


def sureness(confidence: float) -> str:
    """The confidence (0..1) in words."""
    found: str = next(row["words"] for row in wording()["sureness"] if confidence >= row["from"])
    return found


def percent(fraction: float) -> str:
    """A fraction as a percentage with one decimal, such as `99.3`."""
    return f"{fraction * 100:.1f}"


def help_with(kind: str, status: int, **values: object) -> tuple[str, str]:
    """Title and text for an error: by its kind (the end of a problem's type), its status, or neither."""
    table = wording()["help"]
    found = table.get(kind) or table.get(str(status)) or table["other"]
    return found["title"], found["text"].format(**values)
