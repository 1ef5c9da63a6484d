"""The classifier: ranked answers, readiness that tells the truth, and a life from load to close."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.classifier import Classifier, build_classifier
from app.engines.base import Engine, Float32Array
from app.engines.constant import ConstantEngine, constant_manifest
from app.errors import (
    CorruptImage,
    DeadlineExceeded,
    EmptyImage,
    ImageTooLarge,
    InferenceError,
    NotReady,
    Overloaded,
    TensorError,
    UnsupportedImage,
)
from app.manifest import Acceptance, Views, Window
from app.proof import LoadedVersion
from app.settings import Settings
from tests.app.batching import Gate, run_in_time, wait_for

Encode = Callable[..., bytes]
GreyPng = Callable[[int], bytes]
MakeVersion = Callable[..., Path]


@asynccontextmanager
async def _started(classifier: Classifier) -> AsyncIterator[Classifier]:
    await classifier.start()
    try:
        yield classifier
    finally:
        await classifier.close()


def _constant(engine: Engine | None = None, **changes: Any) -> Classifier:
    return build_classifier(Settings(**changes), engine or ConstantEngine())


def test_labels_are_ranked_and_sum_to_one(grey_png: GreyPng) -> None:
    async def play() -> None:
        async with _started(_constant(ConstantEngine([0.1, 0.05, 0.6, 0.05, 0.0, 0.2]))) as classifier:
            prediction = await classifier.classify(grey_png(0))
        assert [entry.label for entry in prediction.probabilities] == ["2", "5", "0", "1", "3", "4"]
        assert sum(entry.probability for entry in prediction.probabilities) == pytest.approx(1)
        assert prediction.label == "2"
        assert prediction.confidence == pytest.approx(0.6)
        assert (prediction.model_name, prediction.model_version) == ("signs", 1)
        assert prediction.window == Window()

    run_in_time(play())


@pytest.mark.parametrize(("threshold", "accepted"), [(0.5, True), (0.75, True), (0.7501, False)])
def test_acceptance_begins_at_the_threshold(threshold: float, accepted: bool, grey_png: GreyPng) -> None:
    manifest = constant_manifest(("no", "yes")).model_copy(
        update={"acceptance": Acceptance(threshold=threshold)}
    )

    async def play() -> None:
        version = LoadedVersion(manifest, ConstantEngine([0.25, 0.75]))
        async with _started(Classifier(Settings(), version)) as classifier:
            assert (await classifier.classify(grey_png(0))).accepted is accepted

    run_in_time(play())


def test_windows_are_averaged(encode: Encode) -> None:
    halves = Image.new("L", (100, 50), 0)
    halves.paste(255, (50, 0, 100, 50))
    views = Views(windows=(Window(x1=0.4, y0=0.5), Window(x0=0.6, x1=0.9, y0=0.5)))
    manifest = constant_manifest().model_copy(update={"views": views})

    async def play() -> None:
        engine = ConstantEngine()
        async with _started(Classifier(Settings(), LoadedVersion(manifest, engine))) as classifier:
            prediction = await classifier.classify(encode(halves))
        probabilities = {entry.label: entry.probability for entry in prediction.probabilities}
        dark, light = (engine.run(np.full((1, 64, 64, 3), level, np.float32))[0] for level in (0, 1))
        assert [probabilities[label] for label in "012345"] == pytest.approx(((dark + light) / 2).tolist())
        assert prediction.window == Window(x0=0, x1=0.9, y0=0.5, y1=1)

    run_in_time(play())


def test_neighbours_get_their_own_answers(grey_png: GreyPng) -> None:
    async def play() -> None:
        async with _started(_constant(ConstantEngine(delay=0.002))) as classifier:
            greys = [index % 6 for index in range(60)]
            answers = await asyncio.gather(*(classifier.classify(grey_png(51 * grey)) for grey in greys))
        assert [answer.label for answer in answers] == [str(grey) for grey in greys]

    run_in_time(play())


def test_a_bad_picture_is_an_error_of_its_own(grey_png: GreyPng, encode: Encode) -> None:
    async def play() -> None:
        bad = [b"", b"hello", grey_png(0)[:50], encode(Image.new("L", (101, 100)))]
        async with _started(_constant(max_pixels=10_000)) as classifier:
            asked = [classifier.classify(data) for data in [*bad, grey_png(255)]]
            fates = await asyncio.gather(*asked, return_exceptions=True)
        kinds = [EmptyImage, UnsupportedImage, CorruptImage, ImageTooLarge]
        assert [type(fate) for fate in fates[:-1]] == kinds
        assert getattr(fates[-1], "label", fates[-1]) == "5"

    run_in_time(play())


def test_infer_gives_the_rows_of_the_engine() -> None:
    images = np.random.RandomState(0).rand(70, 64, 64, 3).astype(np.float32)

    async def play() -> None:
        async with _started(_constant()) as classifier:
            rows = await classifier.infer(images)
        np.testing.assert_allclose(rows, ConstantEngine().run(images), atol=1e-6)

    run_in_time(play())


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 64, 64, 3)), r"expected float32 \[n, 64, 64, 3\], received float64 \[1, 64, 64, 3\]"),
        (np.zeros((64, 64, 3), np.float32), r"received float32 \[64, 64, 3\]"),
        (np.zeros((1, 32, 64, 3), np.float32), r"received float32 \[1, 32, 64, 3\]"),
        (np.zeros((0, 64, 64, 3), np.float32), "expected 1 to 256 pictures, received 0"),
        (np.zeros((257, 64, 64, 3), np.float32), "expected 1 to 256 pictures, received 257"),
        (np.full((1, 64, 64, 3), np.nan, np.float32), "expected finite numbers"),
    ],
)
def test_infer_says_what_is_wrong_with_a_tensor(images: Float32Array, message: str) -> None:
    async def play() -> None:
        async with _started(_constant()) as classifier:
            with pytest.raises(TensorError, match=message):
                await classifier.infer(images)

    run_in_time(play())


def test_the_deadline_ends_waiting_and_the_place_is_free_again(grey_png: GreyPng) -> None:
    gate = Gate()

    async def play() -> None:
        async with _started(_constant(ConstantEngine(before_run=gate))) as classifier:
            begin = time.monotonic()
            with pytest.raises(DeadlineExceeded):  # the engine is still at it
                await classifier.classify(grey_png(0), begin + 0.05)
            assert classifier.occupied == 0
            gate.opened.set()
            with pytest.raises(DeadlineExceeded):
                await classifier.infer(np.zeros((1, 64, 64, 3), np.float32), begin)

    run_in_time(play())


def test_pictures_being_decoded_count_towards_the_queue(grey_png: GreyPng) -> None:
    async def play() -> None:
        async with _started(_constant(queue=3)) as classifier:
            fates = await asyncio.gather(
                *(classifier.classify(grey_png(0)) for _ in range(5)), return_exceptions=True
            )
            assert [isinstance(fate, Overloaded) for fate in fates] == [False] * 3 + [True] * 2
            assert classifier.occupied == 0

    run_in_time(play())


def test_readiness_tells_loading_ready_draining_and_closed(grey_png: GreyPng) -> None:
    async def play() -> None:
        classifier = _constant()
        assert classifier.readiness() == "loading the model"
        with pytest.raises(NotReady, match="loading the model"):
            await classifier.classify(grey_png(0))
        await classifier.start()
        assert classifier.readiness() is None
        classifier.begin_drain()
        assert classifier.readiness() == "draining"
        assert (await classifier.classify(grey_png(0))).label == "0"
        await classifier.close()
        with pytest.raises(NotReady):
            await classifier.classify(grey_png(0))

    run_in_time(play())


def test_a_dead_inference_thread_is_not_ready(grey_png: GreyPng) -> None:
    def die(images: Float32Array) -> None:
        raise SystemExit

    async def play() -> None:
        async with _started(_constant(ConstantEngine(before_run=die))) as classifier:
            with pytest.raises(NotReady, match="the inference thread died"):
                await classifier.classify(grey_png(0))
            assert "the inference thread died" in (classifier.readiness() or "")

    run_in_time(play())


def test_an_engine_error_is_no_image_error(grey_png: GreyPng) -> None:
    async def play() -> None:
        async with _started(_constant(ConstantEngine([np.nan] * 6))) as classifier:
            with pytest.raises(InferenceError):
                await classifier.classify(grey_png(0))
            assert classifier.readiness() is None

    run_in_time(play())


def test_close_ends_every_thread_and_the_engine(grey_png: GreyPng) -> None:
    async def play() -> None:
        engine = ConstantEngine()
        others = set(threading.enumerate())
        async with _started(_constant(engine)) as classifier:
            await classifier.classify(grey_png(0))
            begun = set(threading.enumerate()) - others
        assert engine.closed
        ours = {thread for thread in begun if thread.name.startswith(("inference", "decode", "load"))}
        assert ours
        await asyncio.to_thread(wait_for, lambda: not any(thread.is_alive() for thread in ours))

    run_in_time(play())
