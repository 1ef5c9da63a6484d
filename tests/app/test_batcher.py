"""Batched answers equal unbatched ones, and what is wrong with one request is wrong with no other."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.batcher import Batcher
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from app.errors import InferenceError
from app.waiters import Waiter
from tests.app.batching import (
    POISON,
    Gate,
    ask,
    fail_on_poison,
    pictures,
    run_in_time,
    running_batcher,
    unbatched,
)


@st.composite
def _arrivals(draw: st.DrawFn) -> list[tuple[list[float], float, float | None]]:
    """(greys, seconds before it arrives, seconds after which it is cancelled) of each request."""
    level = st.sampled_from([0.0, 0.2, 0.4, POISON, 0.8, 1.0])
    pause = st.sampled_from([0.0, 0.0, 0.001])
    patience = st.sampled_from([None, None, None, 0.0, 0.001, 0.002])
    request = st.tuples(st.lists(level, min_size=1, max_size=9), pause, patience)
    return draw(st.lists(request, min_size=1, max_size=12))


@settings(max_examples=60, deadline=None)
@given(
    arrivals=_arrivals(),
    max_batch=st.integers(1, 5),
    delay=st.sampled_from([0.0, 0.001]),
    lanes=st.integers(1, 2),
)
def test_every_fate_is_that_of_the_request_alone(
    arrivals: list[tuple[list[float], float, float | None]], max_batch: int, delay: float, lanes: int
) -> None:
    engine = ConstantEngine(delay=delay, before_run=fail_on_poison, lanes=lanes)

    async def fate(batcher: Batcher, levels: list[float]) -> None:
        images = pictures(*levels)
        if POISON in levels:
            with pytest.raises(InferenceError):
                await ask(batcher, images)
        else:
            np.testing.assert_array_equal(await ask(batcher, images), unbatched(images))

    async def play(batcher: Batcher) -> None:
        tasks: list[asyncio.Task[None]] = []
        for levels, pause, patience in arrivals:
            await asyncio.sleep(pause)
            tasks.append(asyncio.create_task(fate(batcher, levels)))
            if patience is not None:
                asyncio.get_running_loop().call_later(patience, tasks[-1].cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for (_, _, patience), result in zip(arrivals, results, strict=True):
            cancelled = isinstance(result, asyncio.CancelledError)
            assert result is None or (cancelled and patience is not None), result
        assert batcher.occupied == 0
        assert batcher.stopped is None

    with running_batcher(engine, max_batch, capacity=200) as batcher:
        run_in_time(play(batcher))
        assert not batcher._queue
    assert max(engine.batch_sizes, default=0) <= max_batch


def test_takes_all_that_waits_at_once() -> None:
    gate = Gate()
    engine = ConstantEngine(before_run=gate)

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        others = [asyncio.create_task(ask(batcher, pictures(level))) for level in (0.2, 0.4, 0.8)]
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(first, *others)

    with running_batcher(engine, max_batch=8) as batcher:
        run_in_time(play(batcher))
    assert engine.batch_sizes == [1, 3]


def test_a_lone_request_does_not_wait_for_company() -> None:
    async def play(batcher: Batcher) -> None:
        await ask(batcher, pictures(0.2))

    engine = ConstantEngine()
    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))  # company never comes
    assert engine.batch_sizes == [1]


def test_a_large_request_is_split_and_its_answer_whole() -> None:
    images = pictures(*np.linspace(0, 0.45, 11))
    engine = ConstantEngine()

    async def play(batcher: Batcher) -> None:
        np.testing.assert_array_equal(await ask(batcher, images), unbatched(images))

    with running_batcher(engine, max_batch=4) as batcher:
        run_in_time(play(batcher))
    assert engine.batch_sizes == [4, 4, 3]


def test_a_split_request_with_one_bad_part_is_an_error() -> None:
    async def play(batcher: Batcher) -> None:
        with pytest.raises(InferenceError):
            await ask(batcher, pictures(0.0, 0.2, POISON, 0.8, 1.0))
        assert batcher.occupied == 0

    with running_batcher(ConstantEngine(before_run=fail_on_poison), max_batch=1) as batcher:
        run_in_time(play(batcher))


@pytest.mark.parametrize(
    "bad_row",
    [[np.nan] * 6, [np.inf, 0, 0, 0, 0, 0], [2, -1, 0, 0, 0, 0], [0.5, 0.4, 0, 0, 0, 0], [3e38] * 6],
    ids=["nan", "infinite", "negative", "sum", "overflow"],
)
def test_a_row_without_probabilities_is_an_error_for_that_row_only(bad_row: list[float]) -> None:
    gate = Gate()

    class Broken(ConstantEngine):
        def run(self, images: Float32Array) -> Float32Array:
            rows = super().run(images)
            rows[(images == POISON).all(axis=(1, 2, 3))] = bad_row
            return rows

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        good = asyncio.create_task(ask(batcher, pictures(0.2)))
        bad = asyncio.create_task(ask(batcher, pictures(POISON)))
        await asyncio.sleep(0)
        gate.opened.set()
        await first
        np.testing.assert_array_equal(await good, unbatched(pictures(0.2)))
        with pytest.raises(InferenceError, match="no probabilities"):
            await bad

    engine = Broken(before_run=gate)
    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))
    assert engine.batch_sizes == [1, 2]


def test_an_engine_that_drops_rows_is_an_error() -> None:
    class Short(ConstantEngine):
        def run(self, images: Float32Array) -> Float32Array:
            return super().run(images)[:0]

    async def play(batcher: Batcher) -> None:
        with pytest.raises(InferenceError):
            await ask(batcher, pictures(0.2))

    with running_batcher(Short()) as batcher:
        run_in_time(play(batcher))


def test_no_request_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deque that is asked to remove what it does not hold prints that: a millisecond for every picture."""
    printed: list[object] = []
    gate = Gate()

    def note(request: object) -> str:
        printed.append(request)
        return "request"

    monkeypatch.setattr(Waiter, "__repr__", note)

    async def play(batcher: Batcher) -> None:
        running = await gate.shut_behind(batcher)
        waiting = [asyncio.create_task(ask(batcher, pictures(level))) for level in (0.2, 0.4)]
        await asyncio.sleep(0)
        for left in (running, waiting[0]):
            left.cancel()
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(running, *waiting, return_exceptions=True)

    with running_batcher(ConstantEngine(before_run=gate)) as batcher:
        run_in_time(play(batcher))
    assert printed == []
