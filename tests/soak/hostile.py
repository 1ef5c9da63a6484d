"""Sends broken and malicious pictures and requests: `python -m tests.soak.hostile --count 20000`.

With `--port` and `--pid` they go to a service that runs already, such as one in a container.
Beside them one neighbour asks for the same good picture again and again, and must get the same answer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress

from tests.app.hostile_pictures import hostile_pictures
from tests.app.hostile_requests import hostile_requests, mangled
from tests.soak.client import Answer, Client, Lost, client_of, photo, post
from tests.soak.report import Figure, options_of, publish
from tests.soak.service import Running, running_service

SENDERS = 6
EVERY = 20
"""One in so many inputs is a broken request instead of a broken picture."""
MOST_MEMORY = 600
"""MB of resident memory, at the most."""
ALLOWED = {200, 400, 413, 415, 422, 503, 504}
TOLERANCE = 0.02
"""By which a probability may differ between batches of different sizes, in bfloat16."""


async def measure(service: Running, count: int, seed: int = 0) -> list[Figure]:
    """Figures after `count` inputs."""
    statuses: Counter[int] = Counter()
    inputs = itertools.islice(_inputs(seed), count)
    sending = asyncio.gather(*(_send(service.port, inputs, statuses) for _ in range(SENDERS)))
    neighbour = asyncio.create_task(_ask_again_and_again(service.port, sending))
    await sending
    answers = await neighbour
    odd = sum(number for status, number in statuses.items() if status not in ALLOWED)
    peak, alive = service.memory("VmHWM"), service.alive()
    changed, refused = _changed(answers), sum(answer.status != 200 for answer in answers)
    told = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
    return [
        Figure("hostile inputs sent", f"{count:,} (seed {seed})"),
        Figure("answers to the pictures by status", told),
        Figure("answers with status 500, or with one that is not foreseen", str(odd), "0", odd == 0),
        Figure("the process lives, is ready and logged no unexpected error", str(alive), "True", alive),
        Figure("answers to the neighbour", str(len(answers)), "some", len(answers) > 0),
        Figure("of these not 200", str(refused), "0", refused == 0),
        Figure("of these different from the first", str(changed), "0", changed == 0),
        Figure("peak resident memory", f"{peak:.0f} MB", f"< {MOST_MEMORY} MB", peak < MOST_MEMORY),
    ]


def _inputs(seed: int) -> Iterator[bytes | tuple[bytes]]:
    """Requests with pictures and, as tuples of one, raw bytes after which the client hangs up."""
    chance = random.Random(seed)
    requests = [request for _, request in hostile_requests(photo(0))]
    for number, (_, data) in enumerate(hostile_pictures(seed)):
        if number % EVERY == 0:
            request = requests[number // EVERY % len(requests)]
            yield (request if chance.random() < 0.5 else mangled(chance, request),)
        else:
            yield post("/predict", data)


async def _send(port: int, inputs: Iterator[bytes | tuple[bytes]], statuses: Counter[int]) -> None:
    async with client_of(port) as client:
        for each in inputs:
            if isinstance(each, tuple):
                await _throw(port, each[0])
                continue
            try:
                statuses[(await client.ask(each)).status] += 1
            except Lost:
                statuses[0] += 1


async def _throw(port: int, request: bytes) -> None:
    """Sends bytes that need not be HTTP, and does not care for the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(OSError, TimeoutError):
        writer.write(request)
        async with asyncio.timeout(0.2):
            await reader.read()
    writer.close()


async def _ask_again_and_again(port: int, until: asyncio.Future[list[None]]) -> list[Answer]:
    answers = []
    async with client_of(port) as client:
        while not until.done():
            answers.append(await _ask(client))
            await asyncio.sleep(0.01)
    return answers


async def _ask(client: Client) -> Answer:
    try:
        return await client.ask(post("/predict", photo(1)))
    except Lost:
        return Answer(0, {}, b"", 0)


def _changed(answers: list[Answer]) -> int:
    """How many good answers are not the first one."""
    rows = [_row(answer) for answer in answers if answer.status == 200]
    return sum(
        row.keys() != rows[0].keys() or any(abs(row[label] - rows[0][label]) > TOLERANCE for label in row)
        for row in rows
    )


def _row(answer: Answer) -> dict[str, float]:
    return {each["label"]: each["probability"] for each in json.loads(answer.body)["probabilities"]}


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, count=20_000, seed=0, port=0, pid=0)
    there = nullcontext(Running(options.port, options.pid)) if options.port else None
    with there or running_service(options.constant) as service:
        figures = asyncio.run(measure(service, options.count, options.seed))
    return publish("hostile", "Hostile inputs", figures, options)


if __name__ == "__main__":
    sys.exit(main())
