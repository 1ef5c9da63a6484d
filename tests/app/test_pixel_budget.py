"""Decoded pixels in memory stay below the budget, and nobody waits for ever."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from app.pixel_budget import PixelBudget
from tests.app.batching import PATIENCE, wait_for


def test_never_more_than_the_budget_unless_one_is_larger_alone() -> None:
    budget, lock, held, seen = PixelBudget(100), threading.Lock(), list[int](), list[list[int]]()

    def use(pixels: int) -> None:
        with budget.hold(pixels):
            with lock:
                held.append(pixels)
                seen.append(list(held))
            with lock:
                held.remove(pixels)

    sizes = random.Random(0).choices([1, 30, 60, 100, 500], k=500)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, sizes, timeout=PATIENCE))
    assert all(sum(pixels) <= 100 or len(pixels) == 1 for pixels in seen)


def test_a_large_picture_is_not_kept_out_by_small_ones() -> None:
    budget, order = PixelBudget(100), list[str]()

    def use(name: str, pixels: int) -> None:
        with budget.hold(pixels):
            order.append(name)

    with budget.hold(60):
        large = threading.Thread(target=use, args=("large", 100))
        large.start()
        wait_for(budget._turn.locked)
        small = threading.Thread(target=use, args=("small", 1))
        small.start()
        small.join(0.05)
        assert order == []
    for thread in (large, small):
        thread.join(PATIENCE)
    assert order == ["large", "small"]


def test_pixels_are_given_back_after_an_error() -> None:
    budget = PixelBudget(10)
    for _ in range(3):
        try:
            with budget.hold(10):
                raise ValueError
        except ValueError:
            pass
    with budget.hold(10):
        pass
