"""Few sizes of batches, none much larger than what it is to hold."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.batch_sizes import batch_sizes, filled
from app.batcher import Batcher
from app.engines.constant import ConstantEngine
from tests.app.batching import ask, pictures, run_in_time, running_batcher, unbatched


def test_the_sizes_of_the_usual_limit() -> None:
    assert batch_sizes(32) == (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@given(most=st.integers(1, 500), share=st.floats(0, 1))
def test_what_is_run_holds_all_and_wastes_less_than_half(most: int, share: float) -> None:
    count = 1 + round(share * (most - 1))
    images = np.ones((count, 1, 1, 3), np.float32)
    batch = filled([images[:1], images[1:]], batch_sizes(most))
    assert batch[:count].all()
    assert not batch[count:].any()
    assert count <= len(batch) <= most
    assert len(batch) - count < count / 2


def test_a_batch_of_another_size_is_filled_up_and_its_answer_as_long_as_before() -> None:
    images = pictures(*np.linspace(0, 1, 9))

    async def play(batcher: Batcher) -> None:
        answers = await asyncio.gather(ask(batcher, images), ask(batcher, images[:3]))
        for answer, alone in zip(answers, (images, images[:3]), strict=True):
            np.testing.assert_array_equal(answer, unbatched(alone))

    engine = ConstantEngine()
    with running_batcher(engine, max_batch=10) as batcher:
        run_in_time(play(batcher))
    assert set(engine.batch_sizes) <= set(batch_sizes(10))
    assert sum(engine.batch_sizes) >= 12
