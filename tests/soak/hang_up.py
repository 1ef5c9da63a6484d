"""Clients that ask and leave at once: `python -m tests.soak.hang_up --clients 1000`."""

from __future__ import annotations

import asyncio
import random
import sys

import httpx2

from app.manifest import Views
from tests.soak.client import Answer, client_of, photo, post
from tests.soak.load import answered, ask_once, closed_loop
from tests.soak.report import Figure, options_of, publish
from tests.soak.service import Service, running_service

AT_ONCE = 100
QUEUE = 64
"""Places in the service's queue."""
STAYING = 8
"""Clients that stay, so that the others meet a service at work."""
PHOTOS = [photo(seed) for seed in range(8)]


async def measure(service: Service, clients: int, seconds: float = 2.0) -> list[Figure]:
    """Figures after `clients` have hung up."""
    before = len(answered(await closed_loop(service.port, PHOTOS, STAYING, seconds)))
    ran, left = service.count("signs_batch_images_sum"), _left(service)
    staying = asyncio.create_task(closed_loop(service.port, PHOTOS, STAYING, seconds))
    chance = random.Random(0)
    for begin in range(0, clients, AT_ONCE):
        await asyncio.gather(*(_leave(service.port, chance) for _ in range(min(AT_ONCE, clients - begin))))
    stayed = len(answered(await staying))
    await _until_empty(service)
    saved = clients - int(service.count("signs_batch_images_sum") - ran - stayed)
    gone = int(_left(service) - left)
    queued = service.count("signs_queue_images")
    after = len(answered(await closed_loop(service.port, PHOTOS, STAYING, seconds)))
    room = QUEUE // _places_of_one(service)
    full = len(answered(await asyncio.gather(*(_ask_once(service.port) for _ in range(room)))))
    return [
        Figure("clients that hung up", str(clients)),
        Figure("counted as gone before their answer", str(gone), "most", gone > clients / 2),
        Figure("pictures not run for them", str(saved), "most", saved > clients / 2),
        Figure("places still taken afterwards", f"{queued:.0f}", "0", queued == 0),
        Figure(f"of {room} pictures at once, one for each place, answered", str(full), "all", full == room),
        Figure(f"answers in {seconds:g} s before and after", f"{before} and {after}"),
    ]


async def _ask_once(port: int) -> Answer:
    async with client_of(port) as client:
        return await ask_once(client, PHOTOS[0])


async def _leave(port: int, chance: random.Random) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post("/predict", PHOTOS[0]))
    await asyncio.sleep(chance.random() * 0.01)
    writer.transport.abort()


def _places_of_one(service: Service) -> int:
    """How many places a picture takes, before it is known what the network will see of it."""
    told = httpx2.get(f"{service.address}/model", trust_env=False, timeout=60).json()
    return Views.model_validate(told["views"]).most


def _left(service: Service) -> float:
    """Requests whose client left, as the service counts them."""
    return service.count('signs_requests_total{[^}]*status="(?:0|499)"}')


async def _until_empty(service: Service) -> None:
    for _ in range(600):
        if service.count("signs_queue_images") == 0:
            return
        await asyncio.sleep(0.1)


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, clients=1000, seconds=10.0)
    with running_service(options.constant, delay=0.05, queue=QUEUE) as service:
        figures = asyncio.run(measure(service, options.clients, options.seconds))
    return publish("hang_up", "Clients that hang up", figures, options)


if __name__ == "__main__":
    sys.exit(main())
