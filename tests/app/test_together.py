"""Several waits at once."""

from __future__ import annotations

import asyncio

import pytest

from app.together import together


def test_results_keep_their_order() -> None:
    async def later(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert asyncio.run(together(later(seconds) for seconds in (0.02, 0.0, 0.01))) == [0.02, 0.0, 0.01]


def test_the_first_error_ends_the_others_and_comes_as_itself() -> None:
    ended: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(together((fail(), wait())))
    assert ended == ["ended"]
