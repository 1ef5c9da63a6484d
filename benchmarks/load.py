"""Puts load on a server: requests at random moments whatever happens, or clients that wait in turn."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.client import Client

PATIENCE = 30.0
"""Seconds after which an answer no longer counts."""
GOOD_WITHIN = 0.25
"""An answer is good when it came within so many seconds: what people take as at once."""
OK = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one request; `status` 0 means no answer. Seconds from when it was due."""

    seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Milliseconds and answers a second; the percentiles are of what was answered rightly."""

    offered: float
    """Requests a second."""
    answered: float
    good: float
    """Answers a second that came within `GOOD_WITHIN`."""
    failed: int
    mean: float
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[Sample], seconds: float) -> Summary:
        """Of all requests of so many seconds."""
        right = np.array([sample.seconds for sample in samples if sample.status == OK])
        some = right if len(right) else np.array([np.nan])
        p50, p95, p99 = np.percentile(some, (50, 95, 99)) * 1000
        return cls(
            offered=len(samples) / seconds,
            answered=len(right) / seconds,
            good=float((right <= GOOD_WITHIN).sum()) / seconds,
            failed=len(samples) - len(right),
            mean=float(some.mean()) * 1000,
            p50=float(p50),
            p95=float(p95),
            p99=float(p99),
        )


async def open_loop(
    client: Client, requests: Sequence[bytes], rate: float, seconds: float, seed: int = 0
) -> Summary:
    """Poisson arrivals, `rate` a second: nobody waits for anybody, so a queue shows as latency.

    A request is timed from when it was due, even where the generator itself came late.
    """
    due = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, int(rate * seconds * 2) + 20))
    begun = time.monotonic()
    tasks = []
    for moment, request in zip(due[due < seconds].tolist(), itertools.cycle(requests)):
        await asyncio.sleep(begun + moment - time.monotonic())
        tasks.append(asyncio.create_task(_ask(client, request, begun + moment)))
    return Summary.of(await asyncio.gather(*tasks), seconds)


async def closed_loop(client: Client, requests: Sequence[bytes], clients: int, seconds: float) -> Summary:
    """So many clients, each of whom asks again as soon as it is answered: finds the peak.

    Nobody asks after so many seconds, and the rate is over the time until the last answer.
    """
    begun = time.monotonic()
    end = begun + seconds

    async def ask_on(first: int) -> list[Sample]:
        samples = []
        for request in itertools.islice(itertools.cycle(requests), first, None):
            if time.monotonic() >= end:
                break
            samples.append(await _ask(client, request, time.monotonic()))
        return samples

    everyone = await asyncio.gather(*(ask_on(first) for first in range(clients)))
    return Summary.of([sample for samples in everyone for sample in samples], time.monotonic() - begun)


async def _ask(client: Client, request: bytes, due: float) -> Sample:
    try:
        async with asyncio.timeout(PATIENCE):
            status = (await client.ask(request)).status
    except (OSError, TimeoutError):
        status = 0
    return Sample(time.monotonic() - due, status)
