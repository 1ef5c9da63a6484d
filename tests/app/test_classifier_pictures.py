"""Several pictures in one request: the answers of one, in order, within the same limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from PIL import Image

from app.classifier import Classifier, build_classifier
from app.engines.constant import ConstantEngine, constant_manifest
from app.errors import CorruptImage, DeadlineExceeded, Overloaded, TensorError, UnsupportedImage
from app.manifest import Views, Window
from app.proof import LoadedVersion
from app.settings import Settings
from tests.app.batching import Gate, run_in_time

Encode = Callable[..., bytes]
GreyPng = Callable[[int], bytes]
HALVES = Views(windows=(Window(x1=0.4), Window(x0=0.6)))


@asynccontextmanager
async def started(
    engine: ConstantEngine | None = None, views: Views | None = None, **settings: Any
) -> AsyncIterator[Classifier]:
    """A classifier with a constant engine that looks at `views`."""
    manifest = constant_manifest().model_copy(update={"views": views or Views()})
    version = LoadedVersion(manifest, engine or ConstantEngine())
    classifier = Classifier(Settings(**settings), version)
    await classifier.start()
    try:
        yield classifier
    finally:
        await classifier.close()


@pytest.mark.parametrize("views", [Views(), HALVES])
def test_each_picture_gets_the_answer_it_gets_alone(encode: Encode, views: Views) -> None:
    pictures = [encode(Image.linear_gradient("L").rotate(90 * turn)) for turn in range(4)]
    pictures += [encode(Image.new("L", (50, 50), grey)) for grey in range(0, 256, 15)]

    async def play() -> None:
        async with started(views=views) as classifier:
            together = await classifier.classify_all(pictures)
            assert together == [await classifier.classify(picture) for picture in pictures]

    run_in_time(play())


def test_the_row_is_in_the_order_of_the_labels(grey_png: GreyPng) -> None:
    async def play() -> None:
        async with started(ConstantEngine([0.1, 0.05, 0.6, 0.05, 0.0, 0.2])) as classifier:
            prediction = await classifier.classify(grey_png(0))
        assert prediction.row == pytest.approx((0.1, 0.05, 0.6, 0.05, 0.0, 0.2))
        by_label = {entry.label: entry.probability for entry in prediction.probabilities}
        assert prediction.row == tuple(by_label[label] for label in "012345")

    run_in_time(play())


def test_a_bad_picture_fails_its_request_and_says_which(grey_png: GreyPng) -> None:
    async def play() -> None:
        async with started() as classifier:
            with pytest.raises(UnsupportedImage, match=r"^picture 2 of 3: the file is a text"):
                await classifier.classify_all([grey_png(0), b"no picture", grey_png(0)])
            with pytest.raises(CorruptImage, match=r"^the PNG"):
                await classifier.classify_all([grey_png(0)[:50]])
            assert classifier.occupied == 0

    run_in_time(play())


@pytest.mark.parametrize(("views", "most"), [(Views(), 6), (HALVES, 3)])
def test_more_pictures_than_ever_fit_are_refused(grey_png: GreyPng, views: Views, most: int) -> None:
    async def play() -> None:
        async with started(views=views, queue=6) as classifier:
            assert len(await classifier.classify_all([grey_png(0)] * most)) == most
            for count in (0, most + 1):
                with pytest.raises(TensorError, match=f"expected 1 to {most} pictures, received {count}"):
                    await classifier.classify_all([grey_png(0)] * count)

    run_in_time(play())


def test_all_pictures_of_a_request_count_towards_the_queue(grey_png: GreyPng) -> None:
    gate = Gate()

    async def play() -> None:
        async with started(ConstantEngine(before_run=gate), queue=4) as classifier:
            first = asyncio.create_task(classifier.classify_all([grey_png(0)] * 3))
            await asyncio.to_thread(gate.entered.wait)
            with pytest.raises(Overloaded):
                await classifier.classify_all([grey_png(0)] * 2)
            second = asyncio.create_task(classifier.classify(grey_png(255)))
            gate.opened.set()
            assert [len(await first), (await second).label] == [3, "5"]

    run_in_time(play())


def test_one_deadline_holds_for_all(grey_png: GreyPng) -> None:
    gate = Gate()

    async def play() -> None:
        async with started(ConstantEngine(before_run=gate)) as classifier:
            with pytest.raises(DeadlineExceeded):
                await classifier.classify_all([grey_png(0)] * 3, time.monotonic() + 0.05)
            assert classifier.occupied == 0
            gate.opened.set()

    run_in_time(play())


def test_many_pictures_let_a_single_one_in_between(grey_png: GreyPng, encode: Encode) -> None:
    large = encode(Image.new("L", (2000, 2000)))

    async def play() -> None:
        async with started() as classifier:
            many = asyncio.create_task(classifier.classify_all([large] * 50))
            await asyncio.sleep(0.01)  # it is at work
            await classifier.classify(grey_png(0))
            assert not many.done()
            assert len(await many) == 50

    run_in_time(play())


def test_the_name_is_known_before_a_version_serves() -> None:
    assert build_classifier(Settings(), ConstantEngine()).model_name == "signs"
    assert build_classifier(Settings(model_dir="models/hands")).model_name == "hands"
