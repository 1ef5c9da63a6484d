"""Two copies of the network share the pictures of a bulk run, where there are CPUs for two."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.bulk.answering import ready_classifiers
from app.classifier import Classifier, build_classifier
from app.engines.base import Engine
from app.engines.constant import ConstantEngine
from app.errors import NotReady
from app.settings import Settings
from app.threads import plan_threads
from tests.app.bulk_runs import grey_png, rows, run_here, write_pictures

MakeVersion = Callable[..., Path]


@pytest.fixture
def settings(make_version: MakeVersion, tmp_path: Path) -> Settings:
    """Those of a folder with one version, and of two threads wherever the test runs."""
    make_version(tmp_path / "versions", 1)
    return Settings(model_dir=tmp_path / "versions", threads=2)


def count(settings: Settings, engine: ConstantEngine | None = None) -> int:
    """How many classifiers there are."""

    async def play() -> int:
        async with ready_classifiers(settings, engine) as classifiers:
            return len(classifiers)

    return asyncio.run(play())


def test_each_copy_has_its_share_of_the_threads(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def plan(inference: int, workers: int = 1) -> object:
        asked.append(inference)
        return plan_threads(inference, workers=workers)

    monkeypatch.setattr("app.classifier.plan_threads", plan)
    assert count(settings.model_copy(update={"threads": 5})) == 2
    assert list(dict.fromkeys(asked)) == [3, 2]


def test_there_is_one_where_there_is_one_thread_or_an_engine(settings: Settings) -> None:
    assert count(settings.model_copy(update={"threads": 1})) == 1
    assert count(settings, ConstantEngine()) == 1


def test_there_is_one_with_all_threads_where_a_second_does_not_fit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def build(settings: Settings, engine: Engine | None) -> Classifier:
        asked.append(settings.threads)
        fits = len(asked) != 2
        folder = settings.model_dir if fits else settings.model_dir / "none"
        return build_classifier(settings.model_copy(update={"model_dir": folder}), engine)

    monkeypatch.setattr("app.bulk.answering.build_classifier", build)
    assert count(settings) == 1
    assert asked == [1, 1, 2]


def test_without_a_model_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        count(Settings(model_dir=tmp_path / "none", threads=2))


def test_a_version_that_comes_between_the_two_is_left_alone(
    settings: Settings, make_version: MakeVersion
) -> None:
    async def play() -> list[int]:
        async with AsyncExitStack() as stack:
            looked = Classifier.looked

            async def looked_and_changed(classifier: Classifier) -> None:
                await looked(classifier)
                if not (settings.model_dir / "2").exists():
                    make_version(settings.model_dir, 2)

            patch = pytest.MonkeyPatch()
            stack.callback(patch.undo)
            patch.setattr(Classifier, "looked", looked_and_changed)
            classifiers = await stack.enter_async_context(ready_classifiers(settings))
            return [classifier.manifest.version for classifier in classifiers]

    assert asyncio.run(play()) == [1, 1]


@pytest.mark.parametrize("queue", [1, 3, 9, 256])
def test_they_take_turns_and_rows_keep_their_order(
    settings: Settings, inside: Path, queue: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures("photos", 60)
    Path("photos/0007.png").write_bytes(grey_png(0)[:60])  # its portion is tried again, one by one
    asked = Counter[int]()
    classify_all = Classifier.classify_all

    async def noted(classifier: Classifier, *arguments: object) -> object:
        asked[id(classifier)] += 1
        return await classify_all(classifier, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Classifier, "classify_all", noted)
    assert run_here("photos", settings=settings.model_copy(update={"queue": queue, "max_batch": 8})) == 1
    assert [row["path"] for row in rows()] == [f"photos/{number:04}.png" for number in range(60)]
    assert [row["label"] for row in rows() if row["error"]] == [None]
    assert len(asked) == 2
