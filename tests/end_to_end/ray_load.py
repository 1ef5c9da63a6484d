"""Clients that ask again until they are answered, and what became of each of their requests."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.soak.client import Answer, Client, post
from tests.soak.load import ask_once

TRIES = 240
PAUSE = 0.5
"""Seconds between two tries."""
WORTH_ANOTHER = {0, 500, 502, 503, 504}
"""Statuses that a retrying client takes for a passing trouble; 0: no answer."""
TOLERANCE = 1e-3


@dataclass
class Tally:
    """What happened to the requests so far; `begun` is the `time.monotonic()` instant that times are from."""

    begun: float
    sent: int = 0
    moments: list[float] = field(default_factory=list)
    """When each answered request was answered."""
    retried: int = 0
    """Requests that needed more than one try."""
    lost: int = 0
    """Requests that were never answered with a prediction."""
    wrong: int = 0
    """Requests whose answer was another than the picture's when nothing else was going on."""
    failures: list[tuple[float, int]] = field(default_factory=list)
    """Each try that failed: after how many seconds, with which status."""

    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.begun


@contextmanager
def background_loop() -> Iterator[Callable[[Coroutine[Any, Any, None]], Future[None]]]:
    """What starts a client in an event loop of another thread, since Ray starts nodes in the main one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield lambda client: asyncio.run_coroutine_threadsafe(client, loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


async def ask_on(
    port: int,
    pictures: Sequence[bytes],
    known: Sequence[float],
    stop: threading.Event,
    tally: Tally,
    rest: float = 0.0,
) -> None:
    """One client, which asks about one picture after the other until `stop`, and has a `rest` between.

    `known` are the pictures' confidences, each within 0..1; `rest` is in seconds.
    """
    client = Client(port)
    while not stop.is_set():
        number = tally.sent % len(pictures)
        tally.sent += 1
        answer = await ask_until_answered(client, pictures[number], tally)
        if answer.status == 200:
            tally.moments.append(tally.seconds())
            tally.wrong += abs(confidence(answer) - known[number]) > TOLERANCE
        else:
            tally.lost += 1
        await asyncio.sleep(rest)
    client.close()


async def ask_until_answered(client: Client, picture: bytes, tally: Tally) -> Answer:
    """The first answer that is none of `WORTH_ANOTHER`, or the last after `TRIES`."""
    for number in range(TRIES):
        answer = await ask_once(client, picture)
        if answer.status == 200:
            return answer
        tally.failures.append((tally.seconds(), answer.status))
        if answer.status not in WORTH_ANOTHER:
            return answer
        tally.retried += number == 0
        await asyncio.sleep(PAUSE)
    return answer


async def predictions(port: int, pictures: Sequence[bytes]) -> list[dict[str, float]]:
    """The probability of each label for each picture; raises `RuntimeError` for any other answer."""
    client, found = Client(port), list[dict[str, float]]()
    for picture in pictures:
        answer = await client.ask(post("/predict", picture))
        if answer.status != 200:
            raise RuntimeError(f"expected a prediction, received {answer.status}: {answer.body!r}")
        rows = json.loads(answer.body)["probabilities"]
        found.append({row["label"]: row["probability"] for row in rows})
    client.close()
    return found


def confidence(answer: Answer) -> float:
    """The probability of the best label."""
    told: float = json.loads(answer.body)["confidence"]
    return told
