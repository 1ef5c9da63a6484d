"""Who was refused is put off, and the event loop works in bouts until it is listened to again."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from app.door import Door
from tests.app.test_door import door_before


def test_the_event_loop_rests_while_somebody_is_not_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    rests = list[float]()
    monkeypatch.setattr("app.door.time", SimpleNamespace(sleep=rests.append, monotonic=time.monotonic))

    async def refuse(door: Door) -> None:
        monkeypatch.setattr("app.door.DEAF_SECONDS", 60)
        _put_off(door, 5)
        assert not rests  # all of them are refused first
        for turns, rested in ((1, 1), (9, 1), (1, 2), (9, 2), (1, 3)):
            for _ in range(turns):
                await asyncio.sleep(0)  # others have their turns
            assert len(rests) == rested
        assert min(rests) == max(rests) == pytest.approx(0.0032)  # 64 places

    async def hear(door: Door) -> None:
        monkeypatch.setattr("app.door.DEAF_SECONDS", 0.01)
        for _ in range(2):
            before = len(rests)
            _put_off(door, 5)
            await asyncio.sleep(0.05)
            rested = len(rests)
            assert rested > before
            await asyncio.sleep(0.05)
            assert len(rests) == rested

    for play in (refuse, hear):
        with door_before(4) as (door, _):
            asyncio.run(play(door))


def _put_off(door: Door, count: int) -> None:
    for _ in range(count):
        transport = create_autospec(asyncio.Transport, instance=True)
        door.put_off(transport, create_autospec(FlowControl), asyncio.get_running_loop())


def test_who_was_refused_is_listened_to_again_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.door.DEAF_SECONDS", 0.01)
    stays, leaves = (create_autospec(asyncio.Transport, instance=True) for _ in range(2))
    stays.is_closing.return_value, leaves.is_closing.return_value = False, True

    async def refuse(door: Door) -> None:
        for _ in range(2):
            flows = FlowControl(stays), FlowControl(leaves)
            for transport, flow in zip((stays, leaves), flows, strict=True):
                door.put_off(transport, flow, asyncio.get_running_loop())
            assert [flow.read_paused for flow in flows] == [True, True]
            await asyncio.sleep(0.05)
            assert not flows[0].read_paused
        assert (stays.resume_reading.call_count, leaves.resume_reading.call_count) == (2, 0)

    with door_before(4) as (door, _):
        asyncio.run(refuse(door))
