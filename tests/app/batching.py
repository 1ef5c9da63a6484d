"""What the tests of the batcher share: tiny pictures, a gate that holds the engine, waiters."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from app.batcher import Batcher
from app.engines.base import Engine, Float32Array
from app.engines.constant import ConstantEngine
from app.observer import Observer

POISON = 0.5
PATIENCE = 30.0
"""Seconds after which a waiter counts as forgotten."""


def pictures(*levels: float) -> Float32Array:
    """Tiny pictures of one grey each: the batcher does not care how large they are."""
    return np.stack([np.full((2, 2, 3), level, np.float32) for level in levels])


def unbatched(images: Float32Array) -> Float32Array:
    rows = np.concatenate([ConstantEngine().run(images[i : i + 1]) for i in range(len(images))])
    unbatched: Float32Array = rows / rows.sum(axis=1, keepdims=True)
    return unbatched


def fail_on_poison(images: Float32Array) -> None:
    if (images == POISON).any():
        raise RuntimeError("poisoned")


@contextmanager
def running_batcher(
    engine: Engine, max_batch: int = 4, capacity: int = 64, observer: Observer | None = None
) -> Iterator[Batcher]:
    batcher = Batcher(engine, max_batch, capacity, observer)
    try:
        yield batcher
    finally:
        batcher.close(PATIENCE)
        assert not set(batcher._threads) & set(threading.enumerate())


async def ask(batcher: Batcher, images: Float32Array, deadline: float | None = None) -> Float32Array:
    with batcher.reserve(len(images)):
        return await batcher.run(images, deadline)


def run_in_time(work: Coroutine[Any, Any, None]) -> None:
    async def _in_time() -> None:
        await asyncio.wait_for(work, PATIENCE)

    asyncio.run(_in_time())


class Gate:
    """Holds the engine at its first run until opened, so that a test can fill the queue."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, images: Float32Array) -> None:
        self.entered.set()
        assert self.opened.wait(PATIENCE)

    async def shut_behind(self, batcher: Batcher) -> asyncio.Task[Float32Array]:
        """A waiter whose picture is being run and stays so."""
        first = asyncio.create_task(ask(batcher, pictures(0.0)))
        assert await asyncio.to_thread(self.entered.wait, PATIENCE)
        return first


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)
