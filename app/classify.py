"""`python -m app classify` without an output: answers on the screen, as they come."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing

from tqdm import tqdm

from app.bulk.answering import Answerer, Outcome, ready_classifier
from app.bulk.items import nothing_found
from app.bulk.progress import Progress
from app.bulk.sources import Sources
from app.engines.base import Engine
from app.schemas import Prediction
from app.settings import Settings


def classify_sources(
    sources: Sources, as_json: bool, settings: Settings, engine: Engine | None = None
) -> int:
    """Prints an answer for everything found, in its order; 1 where any failed or nothing was found, else 0.

    Raises `NotReady` where there is no model that can be served.
    """
    return asyncio.run(_print_outcomes(sources, as_json, settings, engine))


async def _print_outcomes(sources: Sources, as_json: bool, settings: Settings, engine: Engine | None) -> int:
    found = failed = 0
    async with ready_classifier(settings, engine) as classifier:
        items = sources.items(settings.max_bytes)
        with Progress(sources, settings.max_bytes) as progress:
            async with aclosing(Answerer([classifier], settings).outcomes(items)) as portions:
                async for outcomes in portions:
                    for outcome in outcomes:
                        if not found and not as_json:
                            tqdm.write(HEAD, file=sys.stdout)
                        tqdm.write(to_json(outcome) if as_json else to_row(outcome), file=sys.stdout)
                        progress.advance()
                        found += 1
                        failed += outcome.prediction is None
    if not found:
        print(nothing_found(), file=sys.stderr)
    return 1 if failed or not found else 0


HEAD = "label confidence        path"


def to_json(outcome: Outcome) -> str:
    """One line of JSON: the path with the fields of a `Prediction`, or with `error`."""
    if outcome.prediction is None:
        fields = {"error": outcome.error}
    else:
        fields = Prediction.of(outcome.prediction).model_dump()
    return json.dumps({"path": outcome.path} | fields, ensure_ascii=False)


def to_row(outcome: Outcome) -> str:
    """One row for people: label, confidence, whether it is accepted, path."""
    answer = outcome.prediction
    if answer is None:
        return f"-                     {outcome.path}: {outcome.error}"
    verdict = "" if answer.accepted else "doubtful"
    return f"{answer.label:5} {answer.confidence:7.1%} {verdict:8} {outcome.path}"
