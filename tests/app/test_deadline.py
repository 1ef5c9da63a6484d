"""A deadline ends what it guards, and the observer hears how it went."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.deadline import Within
from app.errors import DeadlineExceeded, TensorError
from tests.app.batching import run_in_time
from tests.app.test_observer import Diary


def test_what_is_done_in_time_is_answered() -> None:
    async def play() -> None:
        diary = Diary()
        for deadline in (None, time.monotonic() + 60):
            async with Within(deadline, diary):
                await asyncio.sleep(0)
        assert [kind for kind, *_ in diary.told] == ["answered", "answered"]

    run_in_time(play())


def test_what_is_late_fails() -> None:
    async def play() -> None:
        diary = Diary()
        for deadline in (time.monotonic() + 0.01, time.monotonic() - 1):
            with pytest.raises(DeadlineExceeded):
                async with Within(deadline, diary):
                    await asyncio.Event().wait()
        assert [kind for kind, *_ in diary.told] == ["failed", "failed"]

    run_in_time(play())


def test_an_error_of_its_own_passes_and_fails() -> None:
    async def play() -> None:
        diary = Diary()
        with pytest.raises(TensorError):
            async with Within(None, diary):
                raise TensorError("said by the error")
        assert [kind for kind, *_ in diary.told] == ["failed"]

    run_in_time(play())
