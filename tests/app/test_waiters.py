"""Each waiter is told its one fate, on its own event loop, which is woken up once."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np

from app.errors import InferenceError
from app.waiters import Fate, Waiter, tell
from tests.app.batching import pictures, run_in_time

ROW = np.array([[0.25, 0.75]], np.float32)


def _waiter(deadline: float | None = None) -> Waiter:
    return Waiter(pictures(0.5), deadline, asyncio.get_running_loop().create_future())


def test_all_are_told_from_another_thread_in_one_call() -> None:
    async def play() -> None:
        calls: list[object] = []
        loop = asyncio.get_running_loop()
        soon = loop.call_soon_threadsafe
        well, ill, left = _waiter(), _waiter(), _waiter()
        left.answer.cancel()
        fates: list[tuple[Waiter, Fate]] = [(well, ROW), (ill, InferenceError("ill")), (left, ROW)]

        def tell_all() -> None:
            loop.call_soon_threadsafe = lambda *call: calls.append(call) or soon(*call)  # type: ignore
            tell(fates)

        thread = threading.Thread(target=tell_all)
        thread.start()
        told = await asyncio.gather(well.answer, ill.answer, left.answer, return_exceptions=True)
        thread.join()
        assert [type(fate) for fate in told] == [np.ndarray, InferenceError, asyncio.CancelledError]
        assert len(calls) == 1

    run_in_time(play())


def test_the_first_fate_holds() -> None:
    async def play() -> None:
        waiter = _waiter()
        tell([(waiter, ROW)])
        tell([(waiter, InferenceError("too late"))])
        assert await waiter.answer is ROW
        await asyncio.sleep(0)
        assert waiter.gone

    run_in_time(play())


def test_each_loop_is_told_of_its_own_and_a_closed_one_of_nothing() -> None:
    fates: list[tuple[Waiter, Fate]] = []

    async def leave() -> None:
        fates.append((_waiter(), ROW))

    async def play() -> None:
        waiter = _waiter()
        tell([*fates, (waiter, ROW)])
        assert await waiter.answer is ROW

    asyncio.run(leave())
    run_in_time(play())
    assert not fates[0][0].gone


def test_a_deadline_passes() -> None:
    async def play() -> None:
        now = time.monotonic()
        assert [_waiter(end).expired for end in (None, now + 60, now)] == [False, False, True]

    run_in_time(play())
