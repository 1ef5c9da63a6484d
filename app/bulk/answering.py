"""Pictures in, answers out: reading, decoding and inference overlap, and little is in memory at once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Container, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from app.bulk.items import Item, in_words
from app.classifier import Classifier, Prediction, build_classifier
from app.engines.base import Engine
from app.errors import DeadlineExceeded, ImageError, InferenceError, NotReady, SignsError
from app.settings import Settings
from app.threads import plan_threads
from app.together import together

PORTIONS: Final = 8
"""Of small pictures, some that run, some that wait decoded, and some that are being decoded."""

LONGEST_PORTION: Final = 1000
"""Items; so many at once of those that need no answer any more."""

PATIENCE: Final = 600.0
"""Seconds; after these a picture that is still being decoded is given up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one thing found: a prediction, an error, or neither where its content is `known`.

    `sha256` is that of its bytes, None where these could not be read. A `lasting` error lies in the bytes.
    """

    path: str
    sha256: bytes | None = None
    prediction: Prediction | None = None
    error: str | None = None
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class _Picture:
    path: str
    sha256: bytes
    data: bytes


class Answerer:
    """Has classifiers answer what is found, a few full batches at a time; `known` content is left out.

    They are of one version, and take turns. Two networks side by side do more than one with all the threads:
    these wait for each other at every layer, whenever reading or decoding takes the CPU of one of them.
    """

    def __init__(
        self, classifiers: Sequence[Classifier], settings: Settings, known: Container[bytes] = frozenset()
    ) -> None:
        self._classifiers = cycle(classifiers)
        self._known = known
        self._max_bytes = settings.max_bytes
        most = classifiers[0].manifest.views.most
        each = max(1, PORTIONS // len(classifiers))
        self._pictures = max(1, min(settings.max_batch, settings.queue // each // most))
        self._portions = len(classifiers) * max(1, min(each, settings.queue // (self._pictures * most)))

    async def outcomes(self, items: Iterable[Item]) -> AsyncGenerator[list[Outcome], None]:
        """An outcome for each of `items`, in their order, in portions; `items` are drawn as they are needed.

        Raises `NotReady` where the network cannot be run any more.
        """
        portions = self._read_all(items)
        running: deque[asyncio.Task[list[Outcome]]] = deque()
        try:
            while (portion := await asyncio.to_thread(next, portions, None)) is not None:
                running.append(asyncio.create_task(self._answer(portion)))
                if len(running) == self._portions:
                    yield await running.popleft()
            while running:
                yield await running.popleft()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _read_all(self, items: Iterable[Item]) -> Iterator[list[Outcome | _Picture]]:
        """Portions with at most one batch of pictures, and little more than the largest one's bytes."""
        portion: list[Outcome | _Picture] = []
        pictures = size = 0
        for item in items:
            portion.append(found := self._read(item))
            if isinstance(found, _Picture):
                pictures += 1
                size += len(found.data)
            if pictures == self._pictures or size > self._max_bytes or len(portion) == LONGEST_PORTION:
                yield portion
                portion, pictures, size = [], 0, 0
        if portion:
            yield portion

    def _read(self, item: Item) -> Outcome | _Picture:
        if item.error is not None:
            return Outcome(item.path, error=item.error)
        try:
            data = item.read(self._max_bytes)
        except (OSError, ValueError, SignsError) as error:
            return Outcome(item.path, error=in_words(error))
        digest = hashlib.sha256(data).digest()
        return Outcome(item.path, digest) if digest in self._known else _Picture(item.path, digest, data)

    async def _answer(self, portion: list[Outcome | _Picture]) -> list[Outcome]:
        pictures = [found for found in portion if isinstance(found, _Picture)]
        answers = iter(await self._answer_all(pictures, next(self._classifiers)) if pictures else [])
        return [found if isinstance(found, Outcome) else next(answers) for found in portion]

    async def _answer_all(self, pictures: list[_Picture], classifier: Classifier) -> list[Outcome]:
        try:
            data = [picture.data for picture in pictures]
            predictions = await classifier.classify_all(data, time.monotonic() + PATIENCE)
        except (ImageError, DeadlineExceeded, InferenceError):
            # One bad picture spoils no other.
            return await together(self._answer_alone(picture, classifier) for picture in pictures)
        return [
            Outcome(picture.path, picture.sha256, prediction)
            for picture, prediction in zip(pictures, predictions, strict=True)
        ]

    async def _answer_alone(self, picture: _Picture, classifier: Classifier) -> Outcome:
        try:
            prediction = await classifier.classify(picture.data, time.monotonic() + PATIENCE)
        except ImageError as error:
            return Outcome(picture.path, picture.sha256, error=str(error), lasting=True)
        except (DeadlineExceeded, InferenceError) as error:
            return Outcome(picture.path, picture.sha256, error=str(error))
        return Outcome(picture.path, picture.sha256, prediction)


@asynccontextmanager
async def ready_classifier(settings: Settings, engine: Engine | None = None) -> AsyncIterator[Classifier]:
    """The classifier of the one version that serves now; raises `NotReady` where none can."""
    classifier = build_classifier(settings.model_copy(update={"poll_seconds": 0, "workers": 1}), engine)
    await classifier.start()
    try:
        await classifier.looked()
        if (reason := classifier.readiness()) is not None:
            raise NotReady(reason)
        yield classifier
    finally:
        await classifier.close()


@asynccontextmanager
async def ready_classifiers(
    settings: Settings, engine: Engine | None = None
) -> AsyncIterator[list[Classifier]]:
    """Two classifiers of the one version that serves now, each on half of the CPUs.

    One alone on a single CPU, where there is memory for one only, and where an `engine` is given. Raises
    `NotReady`.
    """
    threads = plan_threads(settings.threads).inference
    async with AsyncExitStack() as stack:
        classifiers: list[Classifier] = []
        if engine is None and threads > 1:
            with suppress(NotReady):
                for share in (threads - threads // 2, threads // 2):
                    # A version that comes between the two is left alone.
                    same = {"version": classifiers[0].manifest.version} if classifiers else {}
                    half = settings.model_copy(update={"threads": share, **same})
                    classifiers.append(await stack.enter_async_context(ready_classifier(half)))
        if len(classifiers) < 2:
            await stack.aclose()
            classifiers = [await stack.enter_async_context(ready_classifier(settings, engine))]
        yield classifiers
