"""The load generator: random arrivals that wait for nobody, timed from when they were due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from benchmarks import pictures
from benchmarks.client import Client
from benchmarks.load import GOOD_WITHIN, Sample, Summary, closed_loop, open_loop
from benchmarks.measure import check_answer, row_of
from tests.app.serving import server_process

REQUEST = pictures.multipart("/predict", "file", pictures.thumbnails()[0])


def _loaded(port: int, load: Callable[[Client], Coroutine[Any, Any, Summary]]) -> Summary:
    """What a load gives, all connections closed again."""

    async def play() -> Summary:
        client = Client(port)
        try:
            return await load(client)
        finally:
            client.close()
            await asyncio.sleep(0.01)  # a transport is closed by the loop

    return asyncio.run(play())


def test_a_summary_counts_what_failed_and_what_came_late() -> None:
    samples = [Sample(0.01, 200)] * 97 + [Sample(GOOD_WITHIN * 2, 200), Sample(0.001, 503), Sample(30, 0)]
    summary = Summary.of(samples, 10)
    assert (summary.offered, summary.answered, summary.good, summary.failed) == (10, 9.8, 9.7, 2)
    assert (summary.p50, summary.p95) == (10, 10)
    assert 10 < summary.p99 < GOOD_WITHIN * 2000
    assert np.isnan(Summary.of([Sample(1, 0)], 1).p50)


def test_an_open_loop_asks_at_its_rate_though_nobody_answers_in_time() -> None:
    # Each answer takes longer than all arrivals together: clients in turn would ask once.
    with server_process(delay=0.5, max_batch=1) as server:
        summary = _loaded(server.port, lambda client: open_loop(client, [REQUEST], rate=100, seconds=0.2))
    assert 8 <= summary.offered * 0.2 <= 35
    assert summary.failed == 0
    assert summary.p99 > summary.p50 > 500  # the queue shows


def test_a_closed_loop_keeps_as_many_asking_as_there_are_clients() -> None:
    with server_process(delay=0.05) as server:
        summary = _loaded(server.port, lambda client: closed_loop(client, [REQUEST], clients=3, seconds=0.3))
    assert summary.failed == 0
    assert summary.offered == summary.answered > 0


def test_what_is_no_answer_fails() -> None:
    with server_process() as server:
        summary = _loaded(server.port, lambda client: closed_loop(client, [pictures.get("/nothing")], 1, 0.1))
    assert summary.answered == 0 < summary.failed
    gone = _loaded(server.port, lambda client: closed_loop(client, [REQUEST], 1, 0.05))
    assert gone.answered == 0 < gone.failed


@pytest.mark.parametrize(
    "body",
    [
        b"[0.25, 0.75]",
        b"[[0.25, 0.75]]",
        b'{"outputs": [{"data": [0.25, 0.75]}]}',
        b'{"probabilities": [{"label": "1", "probability": 0.75}, {"label": "0", "probability": 0.25}]}',
    ],
)
def test_every_servers_answer_is_read(body: bytes) -> None:
    assert row_of(body) == [0.25, 0.75]
    check_answer(body, [0.2505, 0.7495], "float32")
    with pytest.raises(RuntimeError, match="answers otherwise than the network"):
        check_answer(body, [0.75, 0.25], "float32")
