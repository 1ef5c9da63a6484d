"""Load on a service: as fast as some clients get their answers, or at a rate of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np

from tests.soak.client import Answer, Client, Lost, post

LOST = Answer(0, {}, b"", 0.0)
"""Stands for an answer that never came."""


async def closed_loop(port: int, pictures: Sequence[bytes], clients: int, seconds: float) -> list[Answer]:
    """What `clients` got in `seconds`, each asking again as soon as it is answered."""
    end = time.monotonic() + seconds

    async def ask() -> list[Answer]:
        client, answers = Client(port), list[Answer]()
        while time.monotonic() < end:
            answers.append(await ask_once(client, pictures[len(answers) % len(pictures)]))
        client.close()
        return answers

    each = await asyncio.gather(*(ask() for _ in range(clients)))
    return [answer for answers in each for answer in answers]


async def open_loop(port: int, pictures: Sequence[bytes], rate: float, seconds: float) -> list[Answer]:
    """What was got by asking `rate` times a second, whether the service keeps up or not."""
    begun, tasks, idle = time.monotonic(), list[asyncio.Task[Answer]](), list[Client]()

    async def ask(number: int) -> Answer:
        client = idle.pop() if idle else Client(port)
        answer = await ask_once(client, pictures[number % len(pictures)])
        idle.append(client)
        return answer

    while (passed := time.monotonic() - begun) < seconds:
        tasks += [asyncio.create_task(ask(number)) for number in range(len(tasks), int(passed * rate))]
        await asyncio.sleep(0.005)
    answers = await asyncio.gather(*tasks)
    for client in idle:
        client.close()
    return answers


async def ask_once(client: Client, picture: bytes) -> Answer:
    """The answer to a picture; `LOST` where none came."""
    try:
        return await client.ask(post("/predict", picture))
    except (Lost, OSError):
        return LOST


def answered(answers: Sequence[Answer]) -> list[float]:
    """The seconds that each answer with status 200 took."""
    return [answer.seconds for answer in answers if answer.status == 200]


def milliseconds(seconds: Sequence[float], percentile: float) -> float:
    """A percentile of times, in milliseconds; 0 without any."""
    return float(np.percentile(seconds, percentile)) * 1000 if seconds else 0.0
