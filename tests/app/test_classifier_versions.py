"""The classifier over a model folder: it loads in the background, changes versions, and recovers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.classifier import Classifier, build_classifier
from app.engines import ENGINES
from app.engines.constant import ConstantEngine
from app.errors import NotReady
from app.settings import Settings
from tests.app.batching import run_in_time, wait_for

GreyPng = Callable[[int], bytes]
MakeVersion = Callable[..., Path]


@asynccontextmanager
async def _serving(root: Path, engine: str = "openvino") -> AsyncIterator[Classifier]:
    settings = Settings.model_validate(
        {"model_dir": root, "engine": engine, "threads": 1, "max_batch": 4, "poll_seconds": 0.02}
    )
    classifier = build_classifier(settings)
    await classifier.start()
    try:
        yield classifier
    finally:
        await classifier.close()


def _is_ready(classifier: Classifier) -> Callable[[], bool]:
    return lambda: classifier.readiness() is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_folder_is_served(
    engine: str, make_version: MakeVersion, tmp_path: Path, grey_png: GreyPng
) -> None:
    make_version(tmp_path, 2)

    async def play() -> None:
        async with _serving(tmp_path, engine) as classifier:
            assert classifier.readiness() == "loading the model"
            await asyncio.to_thread(wait_for, _is_ready(classifier))
            assert (await classifier.classify(grey_png(128))).model_version == 2
            assert classifier.manifest.version == 2
            assert classifier.precision in ("float32", "bfloat16")
            assert [(status.number, status.state) for status in classifier.versions] == [(2, "serving")]

    run_in_time(play())


def test_a_broken_folder_recovers_when_it_is_mended(
    make_version: MakeVersion, tmp_path: Path, grey_png: GreyPng
) -> None:
    model = make_version(tmp_path, 1) / "saved_model.pb"
    whole = model.read_bytes()
    model.write_bytes(whole[:-1])

    async def play() -> None:
        async with _serving(tmp_path) as classifier:
            await asyncio.to_thread(
                wait_for, lambda: "files altered: saved_model.pb" in (classifier.readiness() or "")
            )
            with pytest.raises(NotReady, match="files altered"):
                await classifier.classify(grey_png(0))
            with pytest.raises(NotReady):
                _ = classifier.manifest
            model.write_bytes(whole)
            await asyncio.to_thread(wait_for, _is_ready(classifier))
            assert (await classifier.classify(grey_png(0))).model_version == 1

    run_in_time(play())


def test_versions_come_and_go_while_it_answers(
    make_version: MakeVersion, tmp_path: Path, grey_png: GreyPng
) -> None:
    make_version(tmp_path, 1)
    whole = make_version(tmp_path / "elsewhere", 2)

    async def play() -> None:
        async with _serving(tmp_path) as classifier:
            await asyncio.to_thread(wait_for, _is_ready(classifier))
            seen: list[int] = []

            async def ask() -> None:
                while True:
                    seen.append((await classifier.classify(grey_png(99))).model_version)

            asking = [asyncio.create_task(ask()) for _ in range(3)]
            shutil.copytree(whole, tmp_path / "2")
            await asyncio.to_thread(wait_for, lambda: seen[-1:] == [2])
            shutil.rmtree(tmp_path / "2")
            await asyncio.to_thread(wait_for, lambda: seen[-1:] == [1])
            # None of them failed meanwhile.
            assert not any(task.done() for task in asking)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    run_in_time(play())


def test_not_ready_after_the_model_is_gone(make_version: MakeVersion, tmp_path: Path) -> None:
    folder = make_version(tmp_path, 1)

    async def play() -> None:
        async with _serving(tmp_path) as classifier:
            await asyncio.to_thread(wait_for, _is_ready(classifier))
            shutil.rmtree(folder)
            await asyncio.to_thread(wait_for, lambda: "found none" in (classifier.readiness() or ""))
            make_version(tmp_path, 1)
            await asyncio.to_thread(wait_for, _is_ready(classifier))

    run_in_time(play())


def test_close_answers_what_was_admitted_and_refuses_the_rest(grey_png: GreyPng) -> None:
    async def play() -> None:
        classifier = build_classifier(Settings(), ConstantEngine(delay=0.02))
        await classifier.start()
        asked = [asyncio.create_task(classifier.classify(grey_png(255))) for _ in range(40)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(classifier.close())
        await asyncio.sleep(0)
        with pytest.raises(NotReady, match="closing"):
            await classifier.classify(grey_png(255))
        assert {prediction.label for prediction in await asyncio.gather(*asked)} == {"5"}
        await closing

    run_in_time(play())


def test_without_polling_the_folder_is_looked_at_once(make_version: MakeVersion, tmp_path: Path) -> None:
    async def play() -> None:
        classifier = build_classifier(Settings(model_dir=tmp_path, poll_seconds=0))
        await classifier.start()
        await asyncio.to_thread(wait_for, lambda: "found none" in (classifier.readiness() or ""))
        make_version(tmp_path, 1)
        await asyncio.sleep(0.1)
        assert "found none" in (classifier.readiness() or "")
        await classifier.close()

    run_in_time(play())
