"""The event loop does neither the decoding nor the inference, and goes before both."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import pytest
from PIL import Image

from app import imaging
from app.classifier import build_classifier
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from app.settings import Settings
from tests.app.batching import run_in_time

GreyPng = Callable[[int], bytes]


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
