"""What a load takes, from what one copy of the service was measured to carry: cores, memory, money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np

from benchmarks.queueing import BulkQueue

HOURS_A_MONTH = 730
NOISE = 0.1
"""By so much two measurements of the same may differ."""
P95 = NormalDist().inv_cdf(0.95)


def assumed(default: float, means: str) -> Any:
    """A field of `Assumptions` with what it means."""
    return field(default=default, metadata={"means": means})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What was not measured. Prices are round numbers in the region of large clouds' lists, not offers."""

    goal_ms: float = assumed(250, "99 of 100 requests are answered within so many ms")
    load_share: float = assumed(0.6, "the most of its peak that a copy is to carry: the autoscaler's target")
    fewest_copies: float = assumed(3, "copies at any load: one for each of three zones")
    core_hour: float = assumed(0.04, "price of a core for an hour")
    gigabyte_hour: float = assumed(0.005, "price of 1 GB of memory for an hour")
    egress_gigabyte: float = assumed(0.08, "price of 1 GB that leaves the cloud")
    answer_bytes: float = assumed(1200, "an answer of `/predict` with its headers")
    small_bytes: float = assumed(2500, "a request with a 64x64 picture")
    photo_bytes: float = assumed(4e6, "a request with a 12-megapixel photo")
    requests_a_connection: float = assumed(10, "requests that share one TLS handshake")
    handshakes_a_core: float = assumed(2000, "full TLS 1.3 handshakes (ECDSA P-256) a second on a core")
    ciphered_a_core: float = assumed(1.5e9, "bytes a second that a core ciphers (AES-GCM)")
    node_cores: float = assumed(32, "cores of a node")
    node_gigabits: float = assumed(25, "Gbit/s that a node receives or sends")
    image_gigabytes: float = assumed(0.8, "the image with its model, as a node fetches it, in GB")
    registry_gigabits: float = assumed(10, "Gbit/s that the registry gives to all nodes together")
    rollout_minutes: float = assumed(10, "how long all nodes together may take to fetch a new version")
    scheduling_seconds: float = assumed(
        30, "from a rising load to a container that starts, the image being there"
    )
    doubling_seconds: float = assumed(300, "the shortest time in which the load doubles")


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the service, as it was measured."""

    title: str
    cpus: int
    queue: BulkQueue
    lone_seconds: float
    """The mean time of one request at a time."""
    peak: float
    """Requests with a 64x64 picture a second, at most."""
    megabytes: float
    ready_seconds: float
    decode_seconds: float
    """Of a 64x64 picture."""
    photo_seconds: float
    """The time of one request with a 12-megapixel photo at a time."""

    @property
    def shift(self) -> float:
        """Seconds that a lone request takes beyond the model's: it does no work for others meanwhile."""
        return self.lone_seconds - self.queue.seconds[0]

    def share_within(self, goal_seconds: float) -> float:
        """The share of its peak at which 99 of 100 requests are answered in time; at most 1."""
        return min(1.0, self.queue.rate_within(goal_seconds - self.shift) / self.peak)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request, by what it takes."""

    name: str
    core_seconds: float
    decode_seconds: float
    """Of these, what decoding takes."""
    request_bytes: float


@dataclass(frozen=True, slots=True)
class Size:
    """What a load of one kind takes; bits a second and prices a month."""

    rate: float
    kind: Kind
    copies: int
    cores: int
    gigabytes: float
    ingress_gigabits: float
    egress_gigabits: float
    core_price: float
    memory_price: float
    egress_price: float

    @property
    def price(self) -> float:
        """All of it, a month."""
        return self.core_price + self.memory_price + self.egress_price


def read_copy(report: Mapping[str, Any], title: str | None = None) -> Copy:
    """The copy in a report of `benchmarks.service`: the fastest of this service's, or the one of that title.

    Raises `ValueError` where the report has none, or contradicts itself.
    """
    servers = {each["title"]: each for each in report["servers"] if not each["peer"] and not each["error"]}
    if title not in servers and (title is not None or not servers):
        raise ValueError(f"no such measurement: {title or 'of this service'}; choices: {sorted(servers)}")
    server = servers[title] if title else max(servers.values(), key=lambda each: each["peak"]["answered"])
    alone, extras = server["alone"], report["extras"][server["title"]]
    return Copy(
        title=server["title"],
        cpus=report["machine"]["cpus"],
        queue=BulkQueue(_batch_seconds(report, server), _variation(alone)),
        lone_seconds=alone["mean"] / 1000,
        peak=server["peak"]["answered"],
        megabytes=max(server["megabytes_at_peak"], extras["photo"]["megabytes_of_eight"]),
        ready_seconds=server["seconds_to_ready"],
        decode_seconds=extras["split"]["decode"] / 1000,
        photo_seconds=extras["photo"]["ms"] / 1000,
    )


def _batch_seconds(report: Mapping[str, Any], server: Mapping[str, Any]) -> tuple[float, ...]:
    """Of each batch: the network's own time, and for each request all other work, which takes turns with it.

    That other work is what at the peak is missing to the network's best rate alone.
    """
    network = next(
        each["images_per_second"]
        for each in report["alone"]
        if (each["engine"], each["precision"]) == (server["engine"], server["precision"])
    )
    sizes = sorted(map(int, network))
    counts = np.arange(1, sizes[-1] + 1)
    times = np.interp(counts, sizes, [size / network[str(size)] for size in sizes])
    peak, best = server["peak"]["answered"], max(network.values())
    if peak > best * (1 + NOISE):
        raise ValueError(
            f"expected a peak of at most the network's best rate alone, {best:.1f} a second, received "
            f"{peak:.1f}: the machine was busy with other things, so measure again"
        )
    other = max(0.0, 1 / peak - 1 / best)
    return tuple((times + counts * other).tolist())


def _variation(alone: Mapping[str, float]) -> float:
    """The squared coefficient of variation of a lone request's time, taken for log-normal."""
    return math.expm1((math.log(alone["p95"] / alone["p50"]) / P95) ** 2)


def kinds(copy: Copy, assumptions: Assumptions) -> tuple[Kind, Kind]:
    """Small pictures as measured at the peak, and photos, which take more decoding on one core."""
    small, more = copy.cpus / copy.peak, max(0.0, copy.photo_seconds - copy.lone_seconds)
    decode = min(copy.decode_seconds, small)
    return (
        Kind("64x64 pictures", small, decode, assumptions.small_bytes),
        Kind("12-megapixel photos", small + more, decode + more, assumptions.photo_bytes),
    )


def size(copy: Copy, kind: Kind, rate: float, share: float, assumptions: Assumptions) -> Size:
    """What `rate` requests a second take where each copy carries `share` of its peak (0 < share <= 1)."""
    if not 0 < share <= 1:
        raise ValueError(f"expected a share above 0 and at most 1, received {share}")
    copies = max(
        math.ceil(assumptions.fewest_copies), math.ceil(rate * kind.core_seconds / (copy.cpus * share))
    )
    cores, gigabytes = copies * copy.cpus, copies * copy.megabytes / 1000
    egress = rate * assumptions.answer_bytes
    return Size(
        rate=rate,
        kind=kind,
        copies=copies,
        cores=cores,
        gigabytes=gigabytes,
        ingress_gigabits=rate * kind.request_bytes * 8 / 1e9,
        egress_gigabits=egress * 8 / 1e9,
        core_price=cores * assumptions.core_hour * HOURS_A_MONTH,
        memory_price=gigabytes * assumptions.gigabyte_hour * HOURS_A_MONTH,
        egress_price=egress * 3600 * HOURS_A_MONTH / 1e9 * assumptions.egress_gigabyte,
    )
