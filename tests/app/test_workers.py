"""Several processes answer as one: what they count together, and what becomes of those that die."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from app.main import create_app
from app.repository import Repository
from app.settings import Settings
from tests.app.serving import server_process, until
from tests.app.workers import is_running, workers_process

GreyPng = Callable[[int], bytes]
PREDICTED = '{route="/predict",status="200"}'


def test_all_answer_and_nothing_counted_is_lost_where_one_is_killed(grey_png: GreyPng) -> None:
    with workers_process() as workers:
        assert workers.count == 2
        assert len(set(workers.pids.values()) - {workers.server.pid}) == 2
        assert workers.ask(grey_png(255), 40) == {200}
        assert workers.metric("signs_requests_total")[PREDICTED] == 40
        assert workers.metric("signs_images_total") == {"": 40}
        for number in (1, 2):
            killed = workers.kill(number)
            assert workers.ask(grey_png(0), 20) == {200}
            workers.await_replacement()
            assert workers.pids[number] != killed
        assert workers.ask(grey_png(0), 20) == {200}
        assert workers.metric("signs_requests_total")[PREDICTED] == 100
        assert workers.metric("signs_request_seconds_count")['{route="/predict"}'] == 100
        assert workers.metric("signs_predictions_total")['{accepted="true",label="0"}'] == 60
        assert workers.metric("signs_worker_starts_total") == {"": 4}
        workers.server.terminate()
        assert workers.server.end() == 0
    assert workers.answers().total() == 100
    assert set(workers.answers()) == {"worker-1", "worker-2"}
    log = "".join(workers.server.lines)
    assert log.count("ended by SIGKILL, as for want of memory") == 2
    assert log.count("ready after") == 1


def test_the_state_of_all_is_told_by_each() -> None:
    with workers_process(workers=2) as workers:
        # Each publishes once a second, so both have by the time that both have answered a few times.
        while len(resident := workers.metric("process_resident_memory_bytes")) < 2:
            pass
        assert resident.keys() == {'{worker="1"}', '{worker="2"}'}
        assert all(2**20 < value < 2**36 for value in resident.values())
        assert workers.metric("signs_ready") == {"": 1}
        assert workers.metric("signs_model_version") == {"": 1}
        assert workers.metric("signs_model_precision") == {'{precision="float32"}': 1}


def test_a_worker_that_is_told_to_end_finishes_and_is_replaced(grey_png: GreyPng) -> None:
    with workers_process(drain_seconds=0) as workers:
        ended = workers.pids[1]
        os.kill(ended, signal.SIGTERM)
        workers.server.wait_for(re.compile(rf"worker-1 \(pid {ended}\) ended by status 0"))
        assert workers.ask(grey_png(0), 10) == {200}
        workers.await_replacement()
        assert workers.pids[1] != ended


def test_workers_end_when_their_parent_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with workers_process(drain_seconds=0) as workers:
        (folder,) = tmp_path.glob("signs-metrics-*")
        os.kill(workers.server.pid, signal.SIGKILL)
        workers.server.end()  # the log ends when its last writer has
        assert not any(map(is_running, workers.pids.values()))
        assert not folder.exists()


def test_who_cannot_answer_yet_accepts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking, loaded = threading.Event(), threading.Event()

    def refresh(_repository: Repository) -> None:
        looking.set()
        assert loaded.wait(60)

    monkeypatch.setattr(Repository, "refresh", refresh)
    app = create_app(Settings(model_dir=tmp_path, workers=2))
    accepts = asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            accepts.set()

    async def play() -> None:
        task = asyncio.create_task(live())
        await until(looking.is_set)
        await asyncio.sleep(0.1)
        assert not accepts.is_set()
        loaded.set()
        await until(accepts.is_set)
        await task

    asyncio.run(play())


def test_without_a_model_each_says_so(tmp_path: Path) -> None:
    with server_process("-m", "app", model_dir=tmp_path, workers=2, drain_seconds=0) as server:
        server.wait_for(re.compile(f"worker-[12]: not ready: .*{re.escape(str(tmp_path))}"))
        assert httpx2.get(f"{server.address}/health/live", timeout=60).status_code == 200
        told = httpx2.get(f"{server.address}/health/ready", timeout=60)
        assert (told.status_code, str(tmp_path) in told.json()["reason"]) == (503, True)
        server.terminate()
        assert server.end() == 0
