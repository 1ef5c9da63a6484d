"""Where an engine has two lanes two batches run at once, and what holds for one lane holds for both."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from app.batcher import Batcher
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from app.errors import NotReady
from tests.app.batching import (
    PATIENCE,
    ask,
    pictures,
    run_in_time,
    running_batcher,
    unbatched,
    wait_for,
)
from tests.app.test_observer import Diary


class Gates:
    """Holds every run until it is let go, and tells how many are held."""

    def __init__(self) -> None:
        self.held = 0
        self._permits = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __call__(self, images: Float32Array) -> None:
        with self._lock:
            self.held += 1
        assert self._permits.acquire(timeout=PATIENCE)
        with self._lock:
            self.held -= 1

    async def hold(self, runs: int) -> None:
        await asyncio.to_thread(wait_for, lambda: self.held == runs)

    def let_go(self, runs: int = 1000) -> None:
        self._permits.release(runs)


@contextmanager
def _two_lanes(gates: Gates) -> Iterator[tuple[Batcher, ConstantEngine]]:
    engine = ConstantEngine(before_run=gates, lanes=2)
    with running_batcher(engine, max_batch=8) as batcher:
        yield batcher, engine
    assert engine.closed


def _asked(batcher: Batcher, *greys: float) -> list[asyncio.Task[Float32Array]]:
    return [asyncio.create_task(ask(batcher, pictures(grey))) for grey in greys]


async def _occupy(batcher: Batcher, gates: Gates, lanes: int) -> list[asyncio.Task[Float32Array]]:
    """Those whose pictures are being run, one in each lane, and stay so."""
    tasks = []
    for runs in range(1, lanes + 1):
        tasks += _asked(batcher, 0.2)
        await gates.hold(runs)
    return tasks


@pytest.mark.parametrize("lanes", [1, 2])
def test_as_many_batches_run_at_once_as_there_are_lanes(lanes: int) -> None:
    gates = Gates()

    async def play(batcher: Batcher) -> None:
        tasks = await _occupy(batcher, gates, lanes)
        tasks += _asked(batcher, 0.4)
        await asyncio.sleep(0.05)
        assert gates.held == lanes
        gates.let_go()
        await asyncio.gather(*tasks)

    engine = ConstantEngine(before_run=gates, lanes=lanes)
    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))
    assert engine.batch_sizes == [1] * (lanes + 1)


def test_each_lane_takes_half_of_what_waits() -> None:
    gates = Gates()

    async def play(batcher: Batcher) -> None:
        tasks = await _occupy(batcher, gates, lanes=2)
        tasks += _asked(batcher, *np.linspace(0, 1, 8))
        await asyncio.sleep(0)
        gates.let_go(1)
        await asyncio.to_thread(wait_for, lambda: len(engine.batch_sizes) == 3)
        gates.let_go()
        await asyncio.gather(*tasks)

    with _two_lanes(gates) as (batcher, engine):
        run_in_time(play(batcher))
    assert engine.batch_sizes[:3] == [1, 1, 4]
    assert sum(engine.batch_sizes[3:]) == 4


def test_a_request_with_several_pictures_is_shared_by_the_lanes() -> None:
    gates = Gates()
    images = pictures(*np.linspace(0, 1, 5))

    async def play(batcher: Batcher) -> None:
        task = asyncio.create_task(ask(batcher, images))
        await gates.hold(2)
        gates.let_go()
        np.testing.assert_array_equal(await task, unbatched(images))

    diary, engine = Diary(), ConstantEngine(before_run=gates, lanes=2)
    with running_batcher(engine, max_batch=8, observer=diary) as batcher:
        run_in_time(play(batcher))
    assert sorted(engine.batch_sizes) == [2, 3]
    assert sorted(str(kind) for kind, *_ in diary.told) == ["computed", "ran", "ran"]


def test_an_engine_is_changed_when_no_lane_runs_it() -> None:
    gates, new = Gates(), ConstantEngine([0, 1])

    async def play(batcher: Batcher, old: ConstantEngine) -> None:
        before = await _occupy(batcher, gates, lanes=2)
        batcher.swap(new)
        after = _asked(batcher, 0.2, 0.4)
        gates.let_go(1)
        await gates.hold(1)
        await asyncio.sleep(0.05)
        assert not old.closed
        assert new.batch_sizes == []
        gates.let_go()
        await asyncio.gather(*before)
        assert [rows.tolist() for rows in await asyncio.gather(*after)] == [[[0, 1]]] * 2
        assert old.closed

    with _two_lanes(gates) as (batcher, old):
        run_in_time(play(batcher, old))
    assert new.closed


def test_the_death_of_one_lane_is_told_to_those_in_the_other() -> None:
    gates = Gates()
    deadly, kill = pictures(1.0), threading.Event()

    def die(images: Float32Array) -> None:
        if np.array_equal(images, deadly):
            assert kill.wait(PATIENCE)
            raise SystemExit("killed")
        gates(images)

    async def play(batcher: Batcher) -> None:
        tasks = _asked(batcher, 1.0)
        await asyncio.sleep(0)
        tasks += _asked(batcher, 0.2)
        await gates.hold(1)
        tasks += _asked(batcher, 0.4)
        await asyncio.sleep(0)
        kill.set()
        fates = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(fate) for fate in fates] == [NotReady] * 3
        assert gates.held == 1  # and yet who is in that run has been told
        gates.let_go()

    with running_batcher(ConstantEngine(before_run=die, lanes=2)) as batcher:
        run_in_time(play(batcher))
