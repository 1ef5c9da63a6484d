"""Under random arrivals the batcher keeps its word even where engines err at random, and where it dies."""

from __future__ import annotations

import asyncio
import itertools
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.batcher import Batcher
from app.engines.base import Float32Array
from app.engines.constant import ConstantEngine
from app.errors import DeadlineExceeded, InferenceError, NotReady
from tests.app.batching import ask, pictures, run_in_time, running_batcher, unbatched

LEVELS = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.8, 1.0]), min_size=1, max_size=6)


class Moody(ConstantEngine):
    """Does to its runs in turn as told: answers, raises, answers nonsense, or ends the thread."""

    def __init__(self, moods: list[str], lanes: int) -> None:
        super().__init__(lanes=lanes)
        self._moods = itertools.chain(moods, itertools.repeat("well"))

    def run(self, images: Float32Array) -> Float32Array:
        rows, mood = super().run(images), next(self._moods)
        if mood == "raise":
            raise RuntimeError("out of sorts")
        if mood == "die":
            raise SystemExit("killed")
        return np.full_like(rows, np.nan) if mood == "nonsense" else rows


async def fates(
    batcher: Batcher, arrivals: list[list[float]], late: set[int] | None = None
) -> list[Float32Array | BaseException]:
    """What becomes of requests that arrive together; those in `late` have no time left."""
    deadlines = [time.monotonic() if index in (late or ()) else None for index in range(len(arrivals))]
    asked = [ask(batcher, pictures(*levels), end) for levels, end in zip(arrivals, deadlines, strict=True)]
    return await asyncio.gather(*asked, return_exceptions=True)


@settings(max_examples=60)
@given(
    arrivals=st.lists(LEVELS, min_size=1, max_size=12),
    moods=st.lists(st.sampled_from(["well", "raise", "nonsense"]), max_size=12),
    late=st.sets(st.integers(0, 11)),
    max_batch=st.integers(1, 5),
    lanes=st.integers(1, 2),
)
def test_an_answer_is_right_or_an_error_and_the_batcher_goes_on(
    arrivals: list[list[float]], moods: list[str], late: set[int], max_batch: int, lanes: int
) -> None:
    async def play(batcher: Batcher) -> None:
        for index, fate in enumerate(await fates(batcher, arrivals, late)):
            if isinstance(fate, BaseException):
                allowed = (InferenceError, DeadlineExceeded) if index in late else (InferenceError,)
                assert isinstance(fate, allowed), fate
            else:
                np.testing.assert_array_equal(fate, unbatched(pictures(*arrivals[index])))
        assert (batcher.occupied, batcher.stopped) == (0, None)

    engine = Moody(moods, lanes)
    with running_batcher(engine, max_batch, capacity=100) as batcher:
        run_in_time(play(batcher))
    assert max(engine.batch_sizes, default=0) <= max_batch


@settings(max_examples=60)
@given(
    arrivals=st.lists(LEVELS, min_size=1, max_size=12),
    well=st.integers(0, 5),
    max_batch=st.integers(1, 5),
    lanes=st.integers(1, 2),
)
def test_whenever_the_thread_dies_everybody_hears_of_it(
    arrivals: list[list[float]], well: int, max_batch: int, lanes: int
) -> None:
    async def play(batcher: Batcher) -> None:
        for levels, fate in zip(arrivals, await fates(batcher, arrivals), strict=True):
            if isinstance(fate, BaseException):
                assert isinstance(fate, NotReady), fate
            else:
                np.testing.assert_array_equal(fate, unbatched(pictures(*levels)))
        assert batcher.occupied == 0

    with running_batcher(Moody(["well"] * well + ["die"], lanes), max_batch, capacity=100) as batcher:
        run_in_time(play(batcher))


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), lanes=st.integers(1, 2))
def test_capacity_is_whole_after_a_thousand_cancellations_at_random_moments(seed: int, lanes: int) -> None:
    random = np.random.default_rng(seed)
    capacity = 12

    async def play(batcher: Batcher) -> None:
        cancelled = 0
        while cancelled < 1000:
            waiters = [asyncio.create_task(ask(batcher, pictures(0.2, 0.8))) for _ in range(capacity // 2)]
            for _ in range(random.integers(0, 4)):
                await asyncio.sleep(0)
            for waiter in waiters:
                cancelled += waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)
            assert batcher.occupied == 0
        rows = await ask(batcher, np.repeat(pictures(0.4), capacity, axis=0))
        np.testing.assert_array_equal(rows, unbatched(np.repeat(pictures(0.4), capacity, axis=0)))

    with running_batcher(ConstantEngine(lanes=lanes), capacity=capacity) as batcher:
        run_in_time(play(batcher))
