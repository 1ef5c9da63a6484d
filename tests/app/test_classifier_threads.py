"""The event loop does neither the inference nor, but for thumbnails, the decoding, and goes before both."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable

import pytest
from PIL import Image

from app import decoder, imaging, plain_jpeg
from app.classifier import build_classifier
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from app.errors import CorruptImage
from app.settings import Settings
from tests.app.batching import run_in_time
from tests.app.conftest import Encode

GreyPng = Callable[[int], bytes]


@pytest.fixture
def decoding_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The thread of each picture that is decoded."""
    decode, decode_plain, threads = imaging.load_upright, plain_jpeg.plain_jpeg, list[int]()

    def noted(opened: Image.Image, least_side: int | None = None) -> Image.Image:
        threads.append(threading.get_ident())
        return decode(opened, least_side)

    def plain_noted(data: bytes, longest: int) -> Image.Image | None:
        if picture := decode_plain(data, longest):
            threads.append(threading.get_ident())
        return picture

    monkeypatch.setattr(imaging, "load_upright", noted)
    monkeypatch.setattr(decoder, "plain_jpeg", plain_noted)
    return threads


def test_pictures_are_decoded_and_run_off_the_event_loop(
    grey_png: GreyPng, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, threads, nice = imaging.load_upright, dict[str, int](), list[int]()

    def noted(opened: Image.Image, least_side: int | None = None) -> Image.Image:
        threads["decode"] = threading.get_native_id()
        return decode(opened, least_side)

    def run(_images: Float32Array) -> None:
        threads["inference"] = threading.get_native_id()

    async def play() -> None:
        classifier = build_classifier(Settings(), ConstantEngine(before_run=run))
        await classifier.start()
        await classifier.classify(grey_png(0))
        nice.extend(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads.values())
        await classifier.close()

    monkeypatch.setattr(imaging, "load_upright", noted)
    run_in_time(play())
    assert len({*threads.values(), threading.get_native_id()}) == 3
    if sys.platform == "linux":
        assert min(nice) > os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize(
    ("size", "kind", "count", "in_loop"),
    [
        ((64, 64), "JPEG", 1, True),
        ((128, 90), "JPEG", 1, True),
        ((129, 90), "JPEG", 1, False),
        ((64, 64), "progressive JPEG", 1, False),
        ((64, 64), "PNG", 1, False),
        ((64, 64), "JPEG", 2, False),
    ],
)
def test_only_a_lone_thumbnail_is_decoded_in_the_event_loop(
    size: tuple[int, int],
    kind: str,
    count: int,
    in_loop: bool,
    encode: Encode,
    decoding_threads: list[int],
) -> None:
    async def play() -> None:
        classifier = build_classifier(Settings(), ConstantEngine())
        await classifier.start()
        picture = encode(Image.new("RGB", size), kind.split()[-1], progressive="progressive" in kind)
        await classifier.classify_all([picture] * count)
        await classifier.close()

    run_in_time(play())
    assert (set(decoding_threads) == {threading.get_ident()}) is in_loop


def test_a_thumbnail_gives_what_it_gives_in_a_thread(encode: Encode, decoding_threads: list[int]) -> None:
    small = encode(Image.effect_noise((64, 64), 255).convert("RGB"), "JPEG", quality=95)

    async def play() -> None:
        classifier = build_classifier(Settings(), ConstantEngine())
        await classifier.start()
        with pytest.raises(CorruptImage):
            await classifier.classify(small[:100])
        # What follows the picture is not decoded, but nobody knows before.
        padded = await classifier.classify(small + bytes(decoder.THUMBNAIL_BYTES))
        assert padded.row == (await classifier.classify(small)).row
        await classifier.close()

    run_in_time(play())
    in_thread, in_loop = decoding_threads
    assert in_loop == threading.get_ident() != in_thread


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_the_event_loop_decodes_for_a_while_only(
    seconds: float, encode: Encode, decoding_threads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        classifier = build_classifier(Settings(), ConstantEngine())
        await classifier.start()
        picture = encode(Image.new("RGB", (64, 64)), "JPEG")
        await asyncio.gather(*(classifier.classify(picture) for _ in range(8)))
        await classifier.close()

    monkeypatch.setattr(decoder, "TURN_SECONDS", seconds)
    run_in_time(play())
    assert decoding_threads.count(threading.get_ident()) == (8 if seconds else 0)
    assert len(decoding_threads) == 8
