"""Hours of ordinary load in short: `python -m tests.soak.steady --minutes 20`, at 70 % of the peak."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

import numpy as np

from tests.app.hostile_pictures import animations, every_mode, every_orientation
from tests.soak.client import photo
from tests.soak.load import answered, closed_loop, milliseconds, open_loop
from tests.soak.report import Figure, options_of, publish
from tests.soak.service import Service, running_service

SHARE = 0.7
CLIENTS = 16
PROBES = 240
MOST_GROWTH = 0.02
"""Of resident memory over the second half, by a straight line through it."""
PICTURES = [
    *(photo(seed, side) for seed, side in enumerate((96, 640, 96, 1600, 96, 4000))),
    *(data for make in (every_mode, every_orientation, animations) for _, data in make()),
]


async def measure(service: Service, seconds: float, peak_seconds: float = 20.0) -> list[Figure]:
    """Figures of `seconds` at 70 % of what the service answers in `peak_seconds` without a pause."""
    at_peak = await closed_loop(service.port, PICTURES, CLIENTS, peak_seconds)
    rate = SHARE * len(answered(at_peak)) / peak_seconds
    samples: list[tuple[float, float]] = []
    watching = asyncio.create_task(_watch(service, seconds / PROBES, samples))
    answers = await open_loop(service.port, PICTURES, rate, seconds)
    watching.cancel()
    statuses = Counter(answer.status for answer in answers)
    failed = len(answers) - statuses[200]
    growth, noise = growth_of(samples[len(samples) // 2 :])
    good = answered(answers)
    return [
        Figure("load", f"{rate:.1f} requests/s, {SHARE:.0%} of peak, for {seconds / 60:.1f} min"),
        Figure("requests answered", str(statuses[200])),
        Figure("requests failed", str(failed), "0", failed == 0),
        Figure("p50 and p99", f"{milliseconds(good, 50):.0f} ms and {milliseconds(good, 99):.0f} ms"),
        Figure("resident memory at first and last", f"{samples[0][1]:.0f} MB and {samples[-1][1]:.0f} MB"),
        Figure(
            "its growth over the second half",
            f"{growth:+.2%}, standard error {noise:.2%}",
            f"< {MOST_GROWTH:.0%}, or within twice its error",
            growth < max(MOST_GROWTH, 2 * noise),
        ),
    ]


def growth_of(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """How much memory grows over samples of (seconds, MB), as a share of it, and the standard error.

    Least squares; see any textbook on simple linear regression for the error of its slope.
    """
    times, memory = np.array(samples).T
    slope, start = np.polyfit(times, memory, 1)
    rest = memory - (start + slope * times)
    error = np.sqrt((rest**2).sum() / max(1, len(rest) - 2) / ((times - times.mean()) ** 2).sum())
    scale = (times[-1] - times[0]) / memory.mean()
    return float(slope * scale), float(error * scale)


async def _watch(service: Service, every: float, samples: list[tuple[float, float]]) -> None:
    while True:
        samples.append((time.monotonic(), service.memory()))
        await asyncio.sleep(every)


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, minutes=20.0)
    with running_service(options.constant, delay=0.02) as service:
        figures = asyncio.run(measure(service, 60 * options.minutes))
    return publish("steady", "Steady load", figures, options)


if __name__ == "__main__":
    sys.exit(main())
