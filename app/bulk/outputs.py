"""Rows as a file: Parquet, CSV or JSON Lines, by its ending."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from app.bulk.errors import RunRefused, RunStopped
from app.bulk.records import Row

ROW_GROUP: Final = 50_000
"""Rows that are in memory at once when Parquet is written."""

WRITING: Final = ".writing"
"""What the output's name ends in until it is whole."""


def check_output(path: Path, overwrite: bool, unfinished: bool) -> None:
    """Raises `RunRefused` unless a run may write there: anew, over what is there, or to take one up."""
    if path.suffix.lower() not in WRITERS:
        raise RunRefused(f"{path}: expected an output named {', '.join('*' + name for name in WRITERS)}")
    if not path.parent.is_dir():
        raise RunRefused(f"{path}: expected its folder to be there already")
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise RunRefused(f"{path}: expected a file, found something else of that name")
    if path.exists() and not overwrite and not unfinished:
        raise RunRefused(f"{path}: it exists already; name another one, or replace it with --overwrite")
    if path.suffix.lower() == ".parquet":
        check_parquet()


def check_parquet() -> None:
    """Raises `RunRefused` where Parquet cannot be written."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise RunRefused(
            "Parquet needs the package pyarrow: pip install 'signs[bulk]', or write .csv or .jsonl"
        ) from None


def write_output(path: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Writes all rows and then puts the file in place at once.

    Raises `RunStopped` where the disk does not take them: what was there before is then still there.
    """
    beside = path.with_name(path.name + WRITING)
    try:
        with beside.open("wb") as file:
            WRITERS[path.suffix.lower()](file, columns, rows)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise RunStopped(f"{path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _write_csv(file: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> None:
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_as_text(value) for value in row] for row in rows)
    text.detach()  # flushes it, and leaves the file open


def _write_json_lines(file: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> None:
    for row in rows:
        line = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)
        file.write(line.encode("utf-8") + b"\n")


def _write_parquet(file: BinaryIO, columns: Sequence[str], rows: Iterator[Row]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {"accepted": pa.bool_(), "confidence": pa.float32(), "model_version": pa.int32()}
    texts = {"path", "sha256", "label", "error"}
    schema = pa.schema(
        [(name, pa.string() if name in texts else types.get(name, pa.float32())) for name in columns]
    )
    with ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, ROW_GROUP)):
            arrays = [
                pa.array(values, kind)
                for values, kind in zip(zip(*group, strict=True), schema.types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _as_text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


Write = Callable[[BinaryIO, Sequence[str], Iterator[Row]], None]
WRITERS: Final[Mapping[str, Write]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
