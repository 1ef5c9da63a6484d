"""`python -m app classify`: answers for files and folders, without a server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tqdm import tqdm

from app.classifier import Classifier, build_classifier
from app.engines.base import Engine
from app.errors import ImageTooLarge, NotReady, SignsError
from app.schemas import Prediction
from app.settings import Settings

# What a folder is searched for; a file that is named itself is tried whatever its name.
SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".apng", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp", ".tif", ".tiff"}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: a prediction, or an error in words."""

    path: Path
    answer: Prediction | str

    def to_json(self) -> str:
        """One line of JSON: the path with the fields of a `Prediction`, or with `error`."""
        fields = {"error": self.answer} if isinstance(self.answer, str) else self.answer.model_dump()
        return json.dumps({"path": str(self.path)} | fields, ensure_ascii=False)

    def to_row(self) -> str:
        """One row for people: label, confidence, whether it is accepted, path."""
        if isinstance(self.answer, str):
            return f"-                     {self.path}: {self.answer}"
        verdict = "" if self.answer.accepted else "doubtful"
        return f"{self.answer.label:5} {self.answer.confidence:7.1%} {verdict:8} {self.path}"


def classify_paths(
    paths: Sequence[Path], as_json: bool, settings: Settings, engine: Engine | None = None
) -> int:
    """Prints an answer for each file and for the pictures below each folder; 1 where any failed, else 0.

    Raises `NotReady` where there is no model that can be served.
    """
    return asyncio.run(_classify_paths(paths, as_json, settings, engine))


def find_pictures(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as they are named, folders searched to the bottom in order of names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        else:
            yield path


async def _classify_paths(
    paths: Sequence[Path], as_json: bool, settings: Settings, engine: Engine | None
) -> int:
    classifier = build_classifier(settings.model_copy(update={"poll_seconds": 0}), engine)
    await classifier.start()
    try:
        await _until_ready(classifier)
        return await _print_outcomes(list(find_pictures(paths)), as_json, classifier, settings)
    finally:
        await classifier.close()


async def _until_ready(classifier: Classifier) -> None:
    await classifier.looked()
    if (reason := classifier.readiness()) is not None:
        raise NotReady(reason)


async def _print_outcomes(
    files: Sequence[Path], as_json: bool, classifier: Classifier, settings: Settings
) -> int:
    if not files:
        print(f"no picture found; expected files named {', '.join(sorted(SUFFIXES))}", file=sys.stderr)
        return 1
    at_once = asyncio.Semaphore(settings.max_batch)
    tasks = [asyncio.create_task(_classify_file(file, at_once, classifier, settings)) for file in files]
    failures = 0
    if not as_json:
        print("label confidence        path")
    with tqdm(total=len(files), file=sys.stderr, unit="picture", disable=None) as bar:
        for task in tasks:
            outcome = await task
            tqdm.write(outcome.to_json() if as_json else outcome.to_row(), file=sys.stdout)
            failures += isinstance(outcome.answer, str)
            bar.update()
    return 1 if failures else 0


async def _classify_file(
    path: Path, at_once: asyncio.Semaphore, classifier: Classifier, settings: Settings
) -> Outcome:
    async with at_once:
        try:
            data = await asyncio.to_thread(_read, path, settings.max_bytes)
            return Outcome(path, Prediction.of(await classifier.classify(data)))
        except SignsError as error:
            return Outcome(path, str(error))
        except OSError as error:
            return Outcome(path, error.strerror or str(error))


def _read(path: Path, max_bytes: int) -> bytes:
    size = path.stat().st_size
    if size > max_bytes:
        raise ImageTooLarge(f"expected at most {max_bytes} bytes, received {size}")
    return path.read_bytes()
