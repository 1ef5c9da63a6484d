"""Asks ten times as often as the service can answer: `python -m tests.soak.overload --seconds 60`.

The pictures are as large as those that the page sends. The service has half of the processors and the
clients the others, so that the load itself takes nothing from what is measured.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

import uvloop

from tests.soak.client import client_of, get, photo
from tests.soak.load import answered, ask_once, closed_loop, milliseconds, open_loop
from tests.soak.report import Figure, options_of, publish
from tests.soak.service import Service, running_service

FACTOR = 10
CLIENTS = 32
DEADLINE_MS = 10_000
LEAST_GOODPUT = 0.9
HEALTH_MS = 50
RECOVERS_WITHIN = 2.0
SIDE = 512


async def measure(service: Service, seconds: float, side: int = SIDE, recover: bool = True) -> list[Figure]:
    """Figures of `seconds` at `FACTOR` times the service's peak, which is measured before and after.

    The pictures have `side` pixels a side.
    """
    photos = [photo(seed, side) for seed in range(8)]
    before = await _peak(service.port, photos, seconds / 4)
    health: list[float] = []
    asking = asyncio.create_task(_ask_for_health(service.port, health))
    begun = time.monotonic()
    answers = await open_loop(service.port, photos, before * FACTOR, seconds)
    lasted = time.monotonic() - begun  # until the last answer
    asking.cancel()
    recovery = await _recovery(service.port, photos[0]) if recover else 0.0
    # Machines that others use too drift within minutes: the load is compared with what was around it.
    after = await _peak(service.port, photos, seconds / 4)
    peak = (before + after) / 2
    good = answered(answers)
    share = len(good) / lasted / max(peak, 1e-9)
    slowest, alive = milliseconds(good, 99), milliseconds(health, 99)
    statuses = Counter(answer.status for answer in answers)
    odd = sum(number for status, number in statuses.items() if status not in (200, 503, 504))
    unsaid = sum("retry-after" not in answer.headers for answer in answers if answer.status == 503)
    return [
        Figure("pictures", f"{side} pixels a side, {len(photos[0]) / 1000:.0f} kB"),
        Figure("peak", f"{before:.0f} answers/s from {CLIENTS} clients before, {after:.0f} after"),
        Figure("asked", f"{len(answers) / seconds:.0f} requests/s for {seconds:g} s"),
        Figure("answers by status", ", ".join(f"{key}: {statuses[key]}" for key in sorted(statuses))),
        Figure("requests with another status or none", str(odd), "0", odd == 0),
        Figure("503 without Retry-After", str(unsaid), "0", unsaid == 0),
        Figure("goodput", f"{share:.0%} of peak", f">= {LEAST_GOODPUT:.0%}", share >= LEAST_GOODPUT),
        Figure("p99 of the answered", f"{slowest:.0f} ms", f"< {DEADLINE_MS} ms", slowest < DEADLINE_MS),
        Figure("p99 of /health/live meanwhile", f"{alive:.0f} ms", f"< {HEALTH_MS} ms", alive < HEALTH_MS),
        Figure(
            "recovered after", f"{recovery:.2f} s", f"< {RECOVERS_WITHIN:g} s", recovery < RECOVERS_WITHIN
        ),
    ]


async def _peak(port: int, photos: Sequence[bytes], seconds: float) -> float:
    """Answers a second that `CLIENTS` get, each asking again as soon as it is answered."""
    begun = time.monotonic()
    answers = await closed_loop(port, photos, CLIENTS, seconds)
    return len(answered(answers)) / (time.monotonic() - begun)


async def _ask_for_health(port: int, seconds: list[float]) -> None:
    async with client_of(port) as client:
        while True:
            seconds.append((await client.ask(get("/health/live"))).seconds)
            await asyncio.sleep(0.05)


async def _recovery(port: int, picture: bytes) -> float:
    """Seconds from the end of the load until a picture is answered."""
    begun = time.monotonic()
    async with client_of(port) as client:
        for _ in range(1000):
            if (await ask_once(client, picture)).status == 200:
                break
            await asyncio.sleep(0.01)
    return time.monotonic() - begun


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, seconds=60.0, side=SIDE)
    everywhere = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, everywhere[::2])  # the service is started there
    with (
        running_service(options.constant, delay=0.05, deadline_ms=DEADLINE_MS) as service,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,  # takes less of what is measured
    ):
        os.sched_setaffinity(0, everywhere[1::2] or everywhere)
        figures = runner.run(measure(service, options.seconds, options.side))
    return publish("overload", "Ten times the load", figures, options)


if __name__ == "__main__":
    sys.exit(main())
