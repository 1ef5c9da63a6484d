"""Asks ten times as often as the service can answer: `python -m tests.soak.overload --seconds 60 --rounds 3`.

The pictures are as large as those that the page sends. The service has half of the processors and the
clients the others, so that the load itself takes nothing from what is measured. Machines that others use
too drift within minutes: each round is compared with the peaks around it, and the goodput is the median.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import uvloop

from tests.soak.client import Answer, client_of, get, photo
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


@dataclass(frozen=True, slots=True)
class Round:
    """One bout of overload: what was answered in the `seconds` until the last answer, and what came after."""

    answers: list[Answer]
    health: list[float]
    seconds: float
    recovery: float

    @property
    def rate(self) -> float:
        """Pictures answered a second."""
        return len(answered(self.answers)) / self.seconds


async def measure(
    service: Service, seconds: float, side: int = SIDE, recover: bool = True, rounds: int = 1
) -> list[Figure]:
    """Figures of `rounds` times `seconds` at `FACTOR` times the service's peak, with a peak before and after.

    The pictures have `side` pixels a side.
    """
    photos = [photo(seed, side) for seed in range(8)]
    peaks = [await _peak(service.port, photos, seconds / 4)]
    played = list[Round]()
    for _ in range(rounds):
        played.append(await _overload(service.port, photos, peaks[-1] * FACTOR, seconds, recover))
        peaks.append(await _peak(service.port, photos, seconds / 4))
    kilobytes = len(photos[0]) / 1000
    return [
        Figure("pictures", f"{side} pixels a side, {kilobytes:.0f} kB"),
        Figure("peaks", f"{_listed(peaks, '.0f')} answers/s from {CLIENTS} clients, around the rounds"),
        *_figures(played, _shares(played, peaks), seconds),
    ]


def _shares(played: Sequence[Round], peaks: Sequence[float]) -> list[float]:
    """The goodput of each round as a share of the two peaks around it."""
    around = [max((before + after) / 2, 1e-9) for before, after in pairwise(peaks)]
    return [each.rate / peak for each, peak in zip(played, around, strict=True)]


def _figures(played: Sequence[Round], shares: Sequence[float], seconds: float) -> list[Figure]:
    answers = [answer for each in played for answer in each.answers]
    slowest = milliseconds(answered(answers), 99)
    alive = milliseconds([took for each in played for took in each.health], 99)
    statuses = Counter(answer.status for answer in answers)
    odd = sum(number for status, number in statuses.items() if status not in (200, 503, 504))
    unsaid = sum("retry-after" not in answer.headers for answer in answers if answer.status == 503)
    goodput, recovery = median(shares), max(each.recovery for each in played)
    asked = len(answers) / len(played) / seconds
    return [
        Figure("asked", f"{asked:.0f} requests/s for {seconds:g} s, {len(played)} times"),
        Figure("answers by status", ", ".join(f"{key}: {statuses[key]}" for key in sorted(statuses))),
        Figure("requests with another status or none", str(odd), "0", odd == 0),
        Figure("503 without Retry-After", str(unsaid), "0", unsaid == 0),
        Figure(
            "goodput",
            f"{goodput:.0%} of peak, the median of {_listed(shares, '.0%')}",
            f">= {LEAST_GOODPUT:.0%}",
            goodput >= LEAST_GOODPUT,
        ),
        Figure("p99 of the answered", f"{slowest:.0f} ms", f"< {DEADLINE_MS} ms", slowest < DEADLINE_MS),
        Figure("p99 of /health/live meanwhile", f"{alive:.0f} ms", f"< {HEALTH_MS} ms", alive < HEALTH_MS),
        Figure(
            "recovered after", f"{recovery:.2f} s", f"< {RECOVERS_WITHIN:g} s", recovery < RECOVERS_WITHIN
        ),
    ]


def _listed(numbers: Sequence[float], form: str) -> str:
    return ", ".join(f"{number:{form}}" for number in numbers)


async def _overload(port: int, photos: Sequence[bytes], rate: float, seconds: float, recover: bool) -> Round:
    health: list[float] = []
    asking = asyncio.create_task(_ask_for_health(port, health))
    begun = time.monotonic()
    answers = await open_loop(port, photos, rate, seconds)
    lasted = time.monotonic() - begun
    asking.cancel()
    return Round(answers, health, lasted, await _recovery(port, photos[0]) if recover else 0.0)


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
    options = options_of(__doc__, seconds=60.0, side=SIDE, rounds=3)
    everywhere = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, everywhere[::2])  # the service is started there
    with (
        running_service(options.constant, delay=0.05, deadline_ms=DEADLINE_MS) as service,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,  # takes less of what is measured
    ):
        os.sched_setaffinity(0, everywhere[1::2] or everywhere)
        figures = runner.run(measure(service, options.seconds, options.side, rounds=options.rounds))
    return publish("overload", "Ten times the load", figures, options)


if __name__ == "__main__":
    sys.exit(main())
