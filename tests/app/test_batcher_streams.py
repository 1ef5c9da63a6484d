"""Several threads run one engine side by side, each its share of what waits."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.batcher import Batcher
from app.engines.base import Float32Array
from app.errors import InferenceError
from app.threads import STEP_BACK
from tests.app.batching import (
    PATIENCE,
    POISON,
    Gate,
    Watched,
    ask,
    fail_on_poison,
    meeting_engine,
    pictures,
    run_in_time,
    running_batcher,
    unbatched,
)


def test_requests_run_side_by_side() -> None:
    async def play(batcher: Batcher) -> None:
        levels = (0.2, 0.8)
        rows = await asyncio.gather(*(ask(batcher, pictures(level)) for level in levels))
        np.testing.assert_array_equal(np.concatenate(rows), unbatched(pictures(*levels)))

    with running_batcher(engine := meeting_engine(2)) as batcher:
        run_in_time(play(batcher))
    assert engine.most_at_once == 2


def test_the_parts_of_one_request_run_side_by_side() -> None:
    async def play(batcher: Batcher) -> None:
        images = pictures(0.0, 0.2, 0.4, 0.6, 0.8)
        np.testing.assert_array_equal(await ask(batcher, images), unbatched(images))

    with running_batcher(engine := meeting_engine(2), max_batch=8) as batcher:
        run_in_time(play(batcher))
    assert sorted(engine.batch_sizes) == [2, 3]


def test_whoever_is_free_takes_its_share_of_what_waits() -> None:
    gate = Gate()
    engine = Watched(before_run=gate, streams=2)

    async def play(batcher: Batcher) -> None:
        waiters = [await gate.shut_behind(batcher) for _ in range(2)]
        waiters += [asyncio.create_task(ask(batcher, pictures(level / 5))) for level in range(5)]
        await asyncio.sleep(0)
        gate.opened.set()
        rows = await asyncio.gather(*waiters)
        np.testing.assert_array_equal(
            np.concatenate(rows[2:]), unbatched(pictures(*(level / 5 for level in range(5))))
        )

    with running_batcher(engine, max_batch=8) as batcher:
        run_in_time(play(batcher))
    assert engine.batch_sizes == [1, 1, 3, 1, 1]  # half of 5, half of 2, and the last


@pytest.mark.parametrize("counts", [(1, 3), (3, 1), (2, 3, 1, 2)])
def test_each_engine_is_run_by_as_many_threads_as_it_has_streams(counts: tuple[int, ...]) -> None:
    engines = [meeting_engine(count) for count in counts]

    async def play(batcher: Batcher) -> None:
        for engine in engines:
            if engine is not engines[0]:
                batcher.swap(engine)
            images = np.repeat(pictures(0.2, 0.8), 3 * engine.streams, axis=0)
            rows = await asyncio.gather(*(ask(batcher, images) for _ in range(2)))
            np.testing.assert_array_equal(np.concatenate(rows), unbatched(np.concatenate([images, images])))

    with running_batcher(engines[0], max_batch=6) as batcher:
        run_in_time(play(batcher))
        assert len(batcher._threads) == max(counts)
    assert [engine.most_at_once for engine in engines] == list(counts)
    assert [engine.closes for engine in engines] == [1] * len(counts)


Event = int | tuple[list[float], float | None]
"""A swap to an engine of so many streams, or a request's greys and the seconds until it is cancelled."""
LEVELS = st.lists(st.sampled_from([0.0, 0.2, 0.4, POISON, 1.0]), min_size=1, max_size=9)
EVENTS = st.one_of(st.integers(1, 3), st.tuples(LEVELS, st.sampled_from([None, None, 0.0, 0.001])))


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(EVENTS, min_size=1, max_size=16),
    max_batch=st.integers(1, 5),
    delay=st.sampled_from([0.0, 0.001]),
)
def test_whatever_comes_the_engine_that_served_at_the_call_answers(
    events: list[Event], max_batch: int, delay: float
) -> None:
    engines: list[Watched] = []

    def engine(streams: int) -> Watched:
        row = np.eye(len(events) + 1)[len(engines)].tolist()
        engines.append(Watched(row, delay=delay, before_run=fail_on_poison, streams=streams))
        return engines[-1]

    async def fate(batcher: Batcher, levels: list[float], serving: int) -> None:
        if POISON in levels:
            with pytest.raises(InferenceError):
                await ask(batcher, pictures(*levels))
        else:
            rows = await ask(batcher, pictures(*levels))
            assert rows.argmax(axis=1).tolist() == [serving] * len(levels)

    async def play(batcher: Batcher) -> None:
        tasks: list[asyncio.Task[None]] = []
        for event in events:
            if isinstance(event, int):
                batcher.swap(engine(event))
                continue
            levels, patience = event
            tasks.append(asyncio.create_task(fate(batcher, levels, len(engines) - 1)))
            await asyncio.sleep(0)  # it asks before the next swap
            if patience is not None:
                asyncio.get_running_loop().call_later(patience, tasks[-1].cancel)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError), result
        assert (batcher.occupied, batcher.stopped) == (0, None)

    with running_batcher(engine(2), max_batch, capacity=200) as batcher:
        run_in_time(play(batcher))
    assert [each.closes for each in engines] == [1] * len(engines)
    assert all(each.most_at_once <= each.streams for each in engines)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a nice value for each thread")
def test_every_thread_steps_back_once_those_of_a_later_engine_too() -> None:
    nice: list[int] = []
    barrier = threading.Barrier(3)

    def note(_images: Float32Array) -> None:
        barrier.wait(PATIENCE)
        nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    async def play(batcher: Batcher) -> None:
        batcher.swap(Watched(before_run=note, streams=3))
        await ask(batcher, pictures(0.0, 0.2, 0.4))

    with running_batcher(Watched()) as batcher:
        run_in_time(play(batcher))
    assert nice == [min(19, os.getpriority(os.PRIO_PROCESS, 0) + STEP_BACK)] * 3
