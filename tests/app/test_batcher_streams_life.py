"""One end for all the threads of an engine: a swap, a death and a close wait for what is running."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from app.batcher import Batcher
from app.engines.base import Float32Array
from app.errors import NotReady
from tests.app.batching import (
    PATIENCE,
    Gate,
    Watched,
    ask,
    pictures,
    run_in_time,
    running_batcher,
    unbatched,
    wait_for,
)


class Doors:
    """A gate for each grey that holds only the pictures of that grey."""

    def __init__(self, *levels: float) -> None:
        self._gates = {level: Gate() for level in levels}

    def __call__(self, images: Float32Array) -> None:
        level = float(images.flat[0])
        if level in self._gates:
            self._gates[level](images)

    async def shut_behind(self, batcher: Batcher, level: float) -> asyncio.Task[Float32Array]:
        waiter = asyncio.create_task(ask(batcher, pictures(level)))
        assert await asyncio.to_thread(self._gates[level].entered.wait, PATIENCE)
        return waiter

    def open(self, level: float) -> None:
        self._gates[level].opened.set()


def test_a_swap_waits_for_every_running_batch() -> None:
    doors = Doors(0.0, 1.0)
    old, new = Watched([1, 0], before_run=doors, streams=2), Watched([0, 1], streams=2)

    async def play(batcher: Batcher) -> None:
        first, second = [await doors.shut_behind(batcher, level) for level in (0.0, 1.0)]
        batcher.swap(new)
        after = [asyncio.create_task(ask(batcher, pictures(0.2))) for _ in range(3)]
        doors.open(0.0)
        assert (await first).tolist() == [[1, 0]]
        await asyncio.sleep(0.05)  # the free thread has the time to do what it must not
        assert (old.closes, new.batch_sizes) == (0, [])
        doors.open(1.0)
        assert (await second).tolist() == [[1, 0]]
        assert [rows.tolist() for rows in await asyncio.gather(*after)] == [[[0, 1]]] * 3
        assert old.closes == 1

    with running_batcher(old) as batcher:
        run_in_time(play(batcher))
    assert (old.closes, new.closes) == (1, 1)


def test_the_death_of_one_thread_ends_the_others_once_they_are_done() -> None:
    doors = Doors(0.0, 1.0)

    def die(images: Float32Array) -> None:
        doors(images)
        if images.flat[0] == 0:
            raise SystemExit("killed")

    async def play(batcher: Batcher) -> None:
        dying, well = [await doors.shut_behind(batcher, level) for level in (0.0, 1.0)]
        waiting = [asyncio.create_task(ask(batcher, pictures(0.2))) for _ in range(3)]
        await asyncio.sleep(0)
        doors.open(0.0)
        fates = await asyncio.gather(dying, *waiting, return_exceptions=True)
        assert [type(fate) for fate in fates] == [NotReady] * 4
        assert "died: SystemExit" in (batcher.stopped or "")
        with pytest.raises(NotReady, match="died"):
            await ask(batcher, pictures(0.2))
        assert (well.done(), engine.closes) == (False, 0)
        doors.open(1.0)
        np.testing.assert_array_equal(await well, unbatched(pictures(1.0)))
        await asyncio.to_thread(wait_for, lambda: not any(each.is_alive() for each in batcher._threads))

    engine = Watched(before_run=die, streams=2)
    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))
    assert (engine.batch_sizes, engine.closes) == ([1, 1], 1)


def test_close_answers_all_and_ends_all_threads() -> None:
    gate = Gate()
    engine = Watched(before_run=gate, streams=3)

    async def play(batcher: Batcher) -> None:
        waiters = [await gate.shut_behind(batcher) for _ in range(3)]
        waiters += [asyncio.create_task(ask(batcher, pictures(0.0))) for _ in range(5)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(batcher.close))
        await asyncio.to_thread(wait_for, lambda: batcher.stopped is not None)
        gate.opened.set()
        for rows in await asyncio.gather(*waiters):
            np.testing.assert_array_equal(rows, unbatched(pictures(0.0)))
        await closing
        assert not any(thread.is_alive() for thread in batcher._threads)

    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))
    assert engine.closes == 1


def test_close_waits_no_longer_for_several_threads_than_for_one() -> None:
    gate = Gate()

    async def play(batcher: Batcher) -> None:
        waiters = [await gate.shut_behind(batcher) for _ in range(6)]
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
        begun = time.monotonic()
        await asyncio.to_thread(batcher.close, 0.5)
        assert 0.5 <= time.monotonic() - begun < 2
        assert all(thread.is_alive() for thread in batcher._threads)
        gate.opened.set()

    with running_batcher(Watched(before_run=gate, streams=6)) as batcher:
        run_in_time(play(batcher))
