"""The model card, written in Markdown beside the versions, as a part of the page about the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

TOLD_BY_THE_MANIFEST: Final = "Scores"
"""The section left out: its numbers are shown as the serving version's manifest tells them."""


def read_card(path: Path, version: int) -> str:
    """The card as HTML without its title; empty where there is none, or where it is another version's.

    Blocking: call it off the event loop. HTML in the card is shown as text.
    """
    try:
        title, _, body = path.read_text(encoding="utf-8").partition("\n")
    except OSError:
        return ""
    if not re.search(rf"\bversion {version}\b", title):
        return ""
    sections = re.split(r"^(?=## )", body, flags=re.MULTILINE)
    kept = (part for part in sections if not part.startswith(f"## {TOLD_BY_THE_MANIFEST}\n"))
    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render("".join(kept))
    return html
