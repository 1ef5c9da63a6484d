"""What tests of bulk runs share: a run with a constant engine, and its rows whatever the format."""

from __future__ import annotations

import csv
import json
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from app.bulk.run import Run, run_bulk
from app.bulk.sources import Sources
from app.engines.base import Engine
from app.engines.constant import ConstantEngine
from app.settings import Settings

PROBABILITIES = [f"p{digit}" for digit in range(6)]
COLUMNS = ["path", "sha256", "label", "confidence", "accepted", *PROBABILITIES, "error", "model_version"]
FORMATS = (".parquet", ".csv", ".jsonl")
NUMBERS = {"confidence", "model_version", *PROBABILITIES}


def run(
    *paths: str,
    out: str = "answers.jsonl",
    overwrite: bool = False,
    engine: Engine | None = None,
    **settings: Any,
) -> int:
    """The exit status of a run in this process."""
    asked = Run(Sources(paths), Path(out), overwrite)
    return run_bulk(asked, Settings(**settings), engine or ConstantEngine())


def run_here(*paths: str, settings: Settings) -> int:
    """The exit status of a run with the model of `settings`."""
    return run_bulk(Run(Sources(paths), Path("answers.jsonl")), settings)


def rows(path: str = "answers.jsonl") -> list[dict[str, Any]]:
    """The rows of an output, None where there is no value."""
    if path.endswith(".jsonl"):
        return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    if path.endswith(".csv"):
        with Path(path).open(encoding="utf-8", newline="") as file:
            return [{name: _value(name, text) for name, text in row.items()} for row in csv.DictReader(file)]
    from pyarrow import parquet

    read: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return read


def _value(name: str, text: str) -> Any:
    if text == "":
        return None
    if name in NUMBERS:
        return float(text)
    return {"true": True, "false": False}[text] if name == "accepted" else text


def grey_png(grey: int) -> bytes:
    """A small PNG of one grey; through the constant engine the grey chooses the answer."""
    buffer = BytesIO()
    Image.new("L", (90, 70), grey).save(buffer, "PNG")
    return buffer.getvalue()


def write_pictures(folder: str, count: int) -> None:
    """Pictures of which no two are the same, one after the other of six greys."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        # What follows the end of a PNG is not looked at, but belongs to its content.
        data = grey_png(51 * (number % 6)) + f"number {number}".encode()
        Path(folder, f"{number:04}.png").write_bytes(data)


def left() -> list[str]:
    """The names of the files in this folder."""
    return sorted(path.name for path in Path().iterdir() if path.is_file())
