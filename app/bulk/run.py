"""A run from what is asked for to its output; one that was killed is taken up by the same command."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from app.bulk.answering import Answerer, ready_classifiers
from app.bulk.errors import RunStopped
from app.bulk.items import nothing_found
from app.bulk.journal import ENDING, Journal
from app.bulk.outputs import check_output, write_output
from app.bulk.progress import Progress
from app.bulk.records import Model, Row, columns, record_of, row_of
from app.bulk.sources import Sources
from app.engines.base import Engine
from app.errors import NotReady
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked for: answers for all of `sources` in the file `output`, which `overwrite` may replace.

    `cluster` is the address of a Ray cluster that is to work on it; None: this process.
    """

    sources: Sources
    output: Path
    overwrite: bool = False
    cluster: str | None = None


def run_bulk(run: Run, settings: Settings, engine: Engine | None = None) -> int:
    """Runs it to its end and says on standard error what came of it; 1 where a row holds an error, else 0.

    Raises `RunRefused`, `RunStopped`, and `NotReady` where there is no model that can be served.
    """
    kept = run.output.with_name(run.output.name + ENDING)
    check_output(run.output, run.overwrite, unfinished=kept.exists())
    with Journal(kept) as journal:
        if run.cluster is None:
            model = asyncio.run(_answer_here(run, settings, engine, journal))
        else:
            from app.bulk.cluster import answer_on_cluster  # late, as it asks for Ray

            model = answer_on_cluster(run.cluster, run.sources, settings, engine, journal, run.overwrite)
        journal.commit()
        if not journal.found:
            return _say(nothing_found(), 1)
        failed = _write(run.output, journal, model)
        told = f"{journal.found} rows in {run.output}, {failed} of them with an error"
        journal.discard()
    return _say(told, 1 if failed else 0)


async def _answer_here(run: Run, settings: Settings, engine: Engine | None, journal: Journal) -> Model:
    async with ready_classifiers(settings, engine) as classifiers:
        model = Model.of(classifiers[0])
        journal.claim(model, run.overwrite)
        answerer = Answerer(classifiers, settings, known=journal)
        items = run.sources.items(settings.max_bytes)
        with Progress(run.sources, settings.max_bytes) as progress:
            try:
                async with aclosing(answerer.outcomes(items)) as portions:
                    async for outcomes in portions:
                        await asyncio.to_thread(journal.record, [record_of(each) for each in outcomes])
                        progress.advance(len(outcomes))
            except NotReady as error:
                raise RunStopped(str(error)) from error
    return model


def _write(output: Path, journal: Journal, model: Model) -> int:
    """Writes the output; how many of its rows hold an error."""
    failed = 0
    names = columns(model.labels)
    place = names.index("error")

    def rows() -> Iterator[Row]:
        nonlocal failed
        for record in journal.records():
            row = row_of(record, model)
            failed += row[place] is not None
            yield row

    write_output(output, names, rows())
    return failed


def _say(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status
