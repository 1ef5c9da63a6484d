"""How a service of several processes ends: nothing lost at the first signal, at once at the second."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable

import httpx2
import pytest

from app.endings import WORK_LOST
from tests.app.test_server import request, until_status
from tests.app.workers import ONE_READY, is_running, workers_process
from tests.soak.service import Service, running_service
from tests.soak.terminate import measure

GreyPng = Callable[[int], bytes]


def parent_only(service: Service) -> None:
    """SIGTERM as an orchestrator sends it to a container's first process."""
    service.process.send_signal(signal.SIGTERM)


def every_process(service: Service) -> None:
    """SIGTERM as systemd sends it to a service's whole control group, and Ctrl-C's SIGINT after it."""
    pids = [int(pid) for _, pid, _ in ONE_READY.findall(service.log.read_text(encoding="utf-8"))]
    assert len(pids) == 2
    for each in (service.process.pid, *pids):
        os.kill(each, signal.SIGTERM)
    for pid in pids:
        os.kill(pid, signal.SIGINT)


@pytest.mark.parametrize("terminate", [parent_only, every_process])
def test_sigterm_under_load_loses_nothing(
    terminate: Callable[[Service], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Service, "terminate", terminate)
    with running_service(constant=True, delay=0.05, workers=2) as service:
        statuses, status, _ = asyncio.run(measure(service, 2.0))
        log = service.log.read_text(encoding="utf-8")
    assert statuses[200] > 0
    assert statuses.total() == statuses[200]
    assert status == 0
    assert log.count("stopping: finishing what was admitted") == 2


def test_all_drain_at_the_first_signal_and_end_at_the_second() -> None:
    with workers_process(drain_seconds=600) as workers:
        server = workers.server
        server.terminate()
        until_status(f"{server.address}/health/ready", 503)
        for _ in range(10):  # whichever answers
            told = httpx2.get(f"{server.address}/health/ready", timeout=60)
            assert told.json()["reason"] == "draining"
            assert told.headers["connection"] == "close"
        server.terminate()
        assert server.end() == WORK_LOST
        assert "ending at once: a second signal" in "".join(server.lines)
        assert not any(map(is_running, workers.pids.values()))


def test_the_end_is_bounded_even_where_a_network_hangs(grey_png: GreyPng) -> None:
    with workers_process(delay=600, drain_seconds=0, shutdown_seconds=1) as workers:
        with workers.server.connect() as connection:
            connection.sendall(request(grey_png(0)))
            workers.server.wait_until_busy()
            workers.server.terminate()
            assert workers.server.end() == WORK_LOST
        assert "lost work: it ended by status 1" in "".join(workers.server.lines)


def test_a_worker_that_dies_while_it_drains_is_told_and_not_replaced() -> None:
    with workers_process(drain_seconds=5) as workers:
        workers.server.terminate()
        workers.server.wait_for(re.compile("stopping: the workers"))
        workers.kill(1)
        assert workers.server.end() == WORK_LOST
    log = "".join(workers.server.lines)
    assert "worker-1 (pid " in log
    assert "lost work: it ended by SIGKILL" in log
    assert len(ONE_READY.findall(log)) == 2


def test_a_worker_that_stands_still_does_not_hold_up_the_end() -> None:
    with workers_process(drain_seconds=0, shutdown_seconds=1) as workers:
        os.kill(workers.pids[1], signal.SIGSTOP)
        begun = time.monotonic()
        workers.server.terminate()
        assert workers.server.end() == WORK_LOST
        assert time.monotonic() - begun < 20  # as `end` itself demands
    assert "ending at once: not finished 1 s after the drain" in "".join(workers.server.lines)
