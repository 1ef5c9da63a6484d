"""What is measured of one server: alone, at its peak, and under random arrivals of several rates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import pictures
from benchmarks.client import Client
from benchmarks.contenders import Contender
from benchmarks.load import Summary, closed_loop, open_loop
from benchmarks.processes import Server

TOLERANCES = {"float32": 2e-3, "int8": 0.15}
"""How far an answer may be from this network's own in float32: pictures are JPEGs, so all see the same."""
AT_ONCE = 8
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to measure."""

    seconds: float = 3.0
    rounds: int = 3
    """Each figure is the median of so many."""
    clients: tuple[int, ...] = (16, 64, 128)
    """The most requests at once that the peak is sought with."""
    loads: tuple[float, ...] = (0.25, 0.5, 0.75, 0.9)
    """Of the server's own peak."""


@dataclass(slots=True)
class Measured:
    """One server's figures; `error` says why there are none."""

    title: str
    engine: str
    precision: str
    peer: str
    error: str = ""
    seconds_to_ready: float = 0.0
    megabytes_at_rest: float = 0.0
    megabytes_at_peak: float = 0.0
    alone: Summary | None = None
    peak: Summary | None = None
    loads: list[Summary] = field(default_factory=list)


async def measure(
    server: Server, contender: Contender, thumbnails: Sequence[bytes], plan: Plan, found: Measured
) -> None:
    """Fills in what is found of a server that answers already."""
    client, requests = Client(server.port), [contender.carry(picture) for picture in thumbnails]
    found.seconds_to_ready = server.seconds_to_ready
    await asyncio.sleep(min(1.0, plan.seconds))
    found.megabytes_at_rest = server.megabytes
    for clients in (1, *plan.clients):  # warms up whatever the server makes ready late
        await closed_loop(client, requests, clients, plan.seconds / 4)
    found.alone = await closed_loop(client, requests, 1, plan.seconds)
    peaks = [await closed_loop(client, requests, clients, plan.seconds) for clients in plan.clients]
    found.peak = max(peaks, key=lambda peak: peak.answered)
    found.megabytes_at_peak = server.megabytes
    for share in plan.loads:
        rate = max(0.5, share * found.peak.answered)
        found.loads.append(await open_loop(client, requests, rate, plan.seconds))
    client.close()


def check_answer(body: bytes, expected: Sequence[float], precision: str) -> None:
    """Raises `RuntimeError` unless a server's answer is that of the network."""
    difference = float(np.abs(np.array(row_of(body)) - expected).max())
    if not difference <= TOLERANCES[precision]:
        raise RuntimeError(f"it answers otherwise than the network, by {difference:.3f}: {body[:300]!r}")


def row_of(body: bytes) -> list[float]:
    """The probabilities in the order of the labels, whatever form they come in."""
    told: Any = json.loads(body)
    if isinstance(told, dict) and "probabilities" in told:
        return [each["probability"] for each in sorted(told["probabilities"], key=lambda each: each["label"])]
    if isinstance(told, dict):
        told = told["outputs"][0]["data"]
    row: list[float] = np.ravel(told).tolist()
    return row


async def split(server: Server, requests: Sequence[bytes], rate: float, seconds: float) -> dict[str, float]:
    """Where this service's latency goes at an open loop's rate: milliseconds a request, on average."""
    client = Client(server.port)
    before = await _counters(client)
    total = await open_loop(client, requests, rate, seconds, seed=1)
    after = await _counters(client)
    grown = {name: after[name] - before.get(name, 0.0) for name in after}
    count = grown["signs_decode_seconds_count"]
    parts = {
        "decode": grown["signs_decode_seconds_sum"] / count * 1000,
        "queue": grown["signs_queue_seconds_sum"] / count * 1000,
        "inference": grown["signs_images_inference_seconds_total"] / count * 1000,
    }
    client.close()
    return parts | {"rest": total.mean - sum(parts.values()), "total": total.mean, "per second": rate}


async def _counters(client: Client) -> dict[str, float]:
    text = (await client.ask(pictures.get("/metrics"))).body.decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


async def batch_route(server: Server, thumbnails: Sequence[bytes], seconds: float) -> float:
    """Pictures a second through `/predict/batch`, 32 a request, two requests at once."""
    client, request = Client(server.port), pictures.multipart("/predict/batch", "files", *thumbnails)
    summary = await closed_loop(client, [request], 2, seconds)
    client.close()
    return summary.answered * len(thumbnails)


async def photo(
    server: Server, contender: Contender, photos: Sequence[bytes], seconds: float
) -> dict[str, Any]:
    """12-megapixel photos: one at a time, and eight at once with the most memory that this takes."""
    client, requests = Client(server.port), [contender.carry(picture) for picture in photos]
    rows = [row_of((await client.ask(request)).body) for request in requests]
    alone = await closed_loop(client, requests, 1, seconds)
    most = 0.0
    crowd = asyncio.gather(*(closed_loop(client, requests, 1, seconds) for _ in range(AT_ONCE)))
    while not crowd.done():
        most = max(most, server.megabytes)
        await asyncio.sleep(POLL_SECONDS)
    client.close()
    return {"ms": alone.p50, "labels": [int(np.argmax(row)) for row in rows], "megabytes_of_eight": most}
