"""SIGTERM under load, again and again: `python -m tests.soak.terminate --times 20`.

The clients do as a load balancer does: they send no more once `/health/ready` says that it is not.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

from tests.soak.client import Client, Lost, get, photo
from tests.soak.load import ask_once
from tests.soak.report import Figure, options_of, publish
from tests.soak.service import Service, running_service

CLIENTS = 8
PROBE_SECONDS = 0.2
PHOTOS = [photo(seed) for seed in range(8)]


async def measure(service: Service, seconds: float) -> tuple[Counter[int], int, float]:
    """Answers by status (0: lost), the exit status, and how long the end took in seconds.

    SIGTERM comes after `seconds` of load.
    """
    routed, statuses = asyncio.Event(), Counter[int]()
    routed.set()
    asking = asyncio.gather(*(_ask(service.port, routed, statuses) for _ in range(CLIENTS)))
    probing = asyncio.create_task(_probe(service.port, routed))
    await asyncio.sleep(seconds)
    begun = time.monotonic()
    service.terminate()
    await asking
    status = await asyncio.to_thread(service.process.wait, 60)
    await probing
    return statuses, status, time.monotonic() - begun


async def _ask(port: int, routed: asyncio.Event, statuses: Counter[int]) -> None:
    client = Client(port)
    while routed.is_set():
        statuses[(await ask_once(client, PHOTOS[statuses.total() % len(PHOTOS)])).status] += 1
    client.close()


async def _probe(port: int, routed: asyncio.Event) -> None:
    client = Client(port)
    while routed.is_set():
        await asyncio.sleep(PROBE_SECONDS)
        try:
            answer = await client.ask(get("/health/ready"))
        except (Lost, OSError):
            answer = None
        if answer is None or answer.status != 200:
            routed.clear()
    client.close()


def figures_of(ends: list[tuple[Counter[int], int, float]]) -> list[Figure]:
    """The table for some ends."""
    statuses = sum((each for each, _, _ in ends), Counter[int]())
    exits = sorted({status for _, status, _ in ends})
    lost = statuses.total() - statuses[200]
    return [
        Figure("SIGTERM under load", f"{len(ends)} times"),
        Figure("requests answered", str(statuses[200]), "some", statuses[200] > 0),
        Figure("requests lost or refused", str(lost), "0", lost == 0),
        Figure("exit statuses", ", ".join(map(str, exits)), "0", exits == [0]),
        Figure("longest end", f"{max(seconds for _, _, seconds in ends):.1f} s, 1 s of it the drain delay"),
    ]


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, times=20, seconds=2.0)
    ends = []
    for _ in range(options.times):
        with running_service(options.constant, delay=0.05) as service:
            ends.append(asyncio.run(measure(service, options.seconds)))
    return publish("terminate", "SIGTERM under load", figures_of(ends), options)


if __name__ == "__main__":
    sys.exit(main())
