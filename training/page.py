"""Self-contained HTML pages: a template filled in, its pictures inlined."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.checkpoint import replace_file


def write_page(path: Path, template: str, **values: Any) -> None:
    """Fills a template of `training/templates` and writes it whole; a missing value is an error."""
    environment = Environment(
        loader=PackageLoader("training"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template(template).render(**values)
    replace_file(path, lambda beside: beside.write_text(page, encoding="utf-8"))


def inlined(png: bytes) -> str:
    """A PNG as a `data:` address, so that the page needs no second file."""
    return "data:image/png;base64," + b64encode(png).decode("ascii")
