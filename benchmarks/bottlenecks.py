"""What gives next when a load grows: each by how much of what it may take it takes already."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.sizing import Assumptions, Copy, Size


@dataclass(frozen=True, slots=True)
class Strain:
    """One thing that a load strains."""

    name: str
    share: float
    """Of what it may take at most: of all cores, of the time for a roll-out, of the copies."""
    told: str


def strains(copy: Copy, size: Size, assumptions: Assumptions) -> list[Strain]:
    """Decoding, TLS, the nodes' network, the model's way to them, and cold start, at one size."""
    return [
        _decode(size),
        _tls(size, assumptions),
        _bandwidth(size, assumptions),
        _distribution(size, assumptions),
        _cold_start(copy, size, assumptions),
    ]


def next_bottleneck(found: list[Strain]) -> Strain:
    """The most strained."""
    return max(found, key=lambda strain: strain.share)


def _decode(size: Size) -> Strain:
    cores = size.rate * size.kind.decode_seconds
    return Strain("decode", size.kind.decode_seconds / size.kind.core_seconds, f"{short(cores)} cores")


def _tls(size: Size, assumptions: Assumptions) -> Strain:
    handshakes = size.rate / assumptions.requests_a_connection / assumptions.handshakes_a_core
    ciphered = size.rate * (size.kind.request_bytes + assumptions.answer_bytes) / assumptions.ciphered_a_core
    cores = handshakes + ciphered
    return Strain("TLS", cores / size.cores, f"{short(cores)} cores")


def _bandwidth(size: Size, assumptions: Assumptions) -> Strain:
    gigabits = max(size.ingress_gigabits, size.egress_gigabits) / _nodes(size, assumptions)
    return Strain("bandwidth", gigabits / assumptions.node_gigabits, f"{short(gigabits)} Gbit/s a node")


def _distribution(size: Size, assumptions: Assumptions) -> Strain:
    nodes = _nodes(size, assumptions)
    minutes = nodes * assumptions.image_gigabytes * 8 / assumptions.registry_gigabits / 60
    told = f"{nodes:,} {'node' if nodes == 1 else 'nodes'}, {short(minutes)} min"
    return Strain("model distribution", minutes / assumptions.rollout_minutes, told)


def _nodes(size: Size, assumptions: Assumptions) -> int:
    return math.ceil(size.cores / assumptions.node_cores)


def _cold_start(copy: Copy, size: Size, assumptions: Assumptions) -> Strain:
    """Copies that must be there beyond the load, since new ones come too late for it."""
    seconds = assumptions.scheduling_seconds + copy.ready_seconds
    spare = math.ceil(size.copies * seconds / assumptions.doubling_seconds)
    return Strain("cold start", spare / size.copies, f"{seconds:.0f} s, {spare:,} spare")


def short(value: float) -> str:
    """A quantity to two digits, as people write it."""
    if value < 0.001:
        return "below 0.001"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
