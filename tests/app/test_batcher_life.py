"""One fate per waiter: full, cancelled, expired, dead, swapped, closed; nothing lost, nothing leaked."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from app.batcher import Batcher
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from app.errors import DeadlineExceeded, NotReady, Overloaded
from tests.app.batching import (
    Gate,
    ask,
    pictures,
    run_in_time,
    running_batcher,
    unbatched,
    wait_for,
)


def test_full_queue_is_overloaded_and_free_again() -> None:
    gate = Gate()

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        second = asyncio.create_task(ask(batcher, pictures(0.2, 0.4)))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="too few of its 4 places are free") as caught:
            await ask(batcher, pictures(0.0, 0.0))
        assert caught.value.retry_after >= 1
        gate.opened.set()
        await asyncio.gather(first, second)
        assert batcher.occupied == 0
        await ask(batcher, pictures(0.0, 0.0, 0.0, 0.0))

    with running_batcher(ConstantEngine(before_run=gate), capacity=4) as batcher:
        run_in_time(play(batcher))


def test_capacity_is_whole_after_a_thousand_cancellations() -> None:
    gate = Gate()
    engine = ConstantEngine(before_run=gate)

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        for _ in range(100):
            waiters = [asyncio.create_task(ask(batcher, pictures(0.2))) for _ in range(10)]
            await asyncio.sleep(0)
            assert batcher.occupied == 11
            for waiter in waiters:
                waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)
            assert batcher.occupied == 1
            assert not batcher._queue
        gate.opened.set()
        await first
        assert batcher.occupied == 0
        assert (await ask(batcher, np.repeat(pictures(0.4), 16, axis=0))).shape == (16, 6)

    with running_batcher(engine, capacity=16) as batcher:
        run_in_time(play(batcher))
    assert sum(engine.batch_sizes) == 1 + 16


def test_a_waiter_that_leaves_during_the_run_harms_no_neighbour() -> None:
    gate = Gate()
    engine = ConstantEngine(before_run=gate)

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        second = asyncio.create_task(ask(batcher, pictures(1.0)))
        await asyncio.sleep(0)
        first.cancel()
        gate.opened.set()
        np.testing.assert_array_equal(await second, unbatched(pictures(1.0)))

    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))


def test_an_expired_request_is_not_run() -> None:
    gate = Gate()
    engine = ConstantEngine(before_run=gate)

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        late = asyncio.create_task(ask(batcher, pictures(0.2), time.monotonic()))
        await asyncio.sleep(0)
        gate.opened.set()
        await first
        with pytest.raises(DeadlineExceeded):
            await late

    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))
    assert engine.batch_sizes == [1]


def test_the_death_of_the_thread_fails_all_waiters_at_once() -> None:
    gate = Gate()

    def die(images: Float32Array) -> None:
        gate(images)
        raise SystemExit("killed")

    async def play(batcher: Batcher) -> None:
        waiters = [await gate.shut_behind(batcher)]
        waiters += [asyncio.create_task(ask(batcher, pictures(0.2))) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[-1].cancel()
        gate.opened.set()
        fates = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(fate) for fate in fates] == [NotReady, NotReady, NotReady, asyncio.CancelledError]
        assert batcher.stopped is not None
        assert "died: SystemExit" in batcher.stopped
        with pytest.raises(NotReady, match="died"):
            await ask(batcher, pictures(0.2))
        assert batcher.occupied == 0

    with running_batcher(ConstantEngine(before_run=die)) as batcher:
        run_in_time(play(batcher))


def test_swap_answers_the_old_requests_by_the_old_engine_and_closes_it() -> None:
    gate = Gate()
    old = ConstantEngine([1, 0], before_run=gate)
    new = ConstantEngine([0, 1])

    async def play(batcher: Batcher) -> None:
        before = [await gate.shut_behind(batcher)]
        before += [asyncio.create_task(ask(batcher, pictures(0.2))) for _ in range(3)]
        await asyncio.sleep(0)
        batcher.swap(new)
        after = [asyncio.create_task(ask(batcher, pictures(0.2))) for _ in range(3)]
        await asyncio.sleep(0)
        assert not old.closed
        gate.opened.set()
        assert [rows.tolist() for rows in await asyncio.gather(*before)] == [[[1, 0]]] * 4
        assert [rows.tolist() for rows in await asyncio.gather(*after)] == [[[0, 1]]] * 3
        assert old.closed
        assert not new.closed

    with running_batcher(old) as batcher:
        run_in_time(play(batcher))
    assert new.closed


def test_an_idle_swap_closes_the_old_engine_too() -> None:
    old, new = ConstantEngine(), ConstantEngine()
    with running_batcher(old) as batcher:
        batcher.swap(new)
        wait_for(lambda: old.closed)


def test_close_answers_what_waits_and_nothing_more() -> None:
    gate = Gate()
    engine = ConstantEngine(before_run=gate)

    async def play(batcher: Batcher) -> None:
        first = await gate.shut_behind(batcher)
        second = asyncio.create_task(ask(batcher, pictures(0.2)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(batcher.close))
        await asyncio.to_thread(wait_for, lambda: batcher.stopped is not None)
        with pytest.raises(NotReady, match="closing"):
            await ask(batcher, pictures(0.4))
        gate.opened.set()
        await asyncio.gather(first, second, closing)

    with running_batcher(engine) as batcher:
        run_in_time(play(batcher))
    assert engine.closed
