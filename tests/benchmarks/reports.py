"""A report such as `benchmarks.service` writes, of a service that behaves as its model says."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks.queueing import BulkQueue

FIXED, EACH, OTHER = 0.004, 0.001, 0.002
"""Seconds: of a run of the network, of each picture in it, and of all other work for a request."""
BATCHES = (1, 2, 4, 8)
LONE = 0.010
QUEUE = BulkQueue(tuple(FIXED + n * (EACH + OTHER) for n in range(1, BATCHES[-1] + 1)))
PEAK = QUEUE.limit
TITLE = "Signs, OpenVINO int8"


def summary(rate: float, seconds: np.ndarray[Any, Any]) -> dict[str, float]:
    """What the load generator says of latencies in seconds."""
    p50, p95, p99 = (np.percentile(seconds, (50, 95, 99)) * 1000).tolist()
    mean = float(seconds.mean()) * 1000
    return {
        "offered": rate,
        "answered": rate,
        "good": rate,
        "failed": 0,
        "mean": mean,
        "p50": p50,
        "p95": p95,
        "p99": p99,
    }


@cache
def _loads() -> list[dict[str, float]]:
    shift = LONE - QUEUE.seconds[0]
    rates = [share * PEAK for share in (0.25, 0.5, 0.75, 0.9)]
    return [summary(rate, QUEUE.sample_seconds(rate, 100_000, seed=7) + shift) for rate in rates]


def server(title: str = TITLE, **changes: Any) -> dict[str, Any]:
    """The measurement of this service, its loads played through the queue."""
    return {
        "title": title,
        "engine": "openvino",
        "precision": "int8",
        "peer": "",
        "error": "",
        "seconds_to_ready": 2.5,
        "megabytes_at_rest": 300.0,
        "megabytes_at_peak": 350.0,
        "alone": summary(1 / LONE, np.full(10, LONE)),
        "peak": summary(PEAK, np.full(10, 0.05)),
        "loads": _loads(),
    } | changes


def report(*servers: dict[str, Any]) -> dict[str, Any]:
    """The whole report; without `servers` of this service alone."""
    measured = servers or (server(),)
    rates = {str(n): n / (FIXED + n * EACH) for n in BATCHES}
    extras = {
        "photo": {"ms": 60.0, "labels": [1, 2], "megabytes_of_eight": 500.0},
        "split": {
            "decode": 0.5,
            "queue": 1.0,
            "inference": 5.0,
            "rest": 1.0,
            "total": 7.5,
            "per second": 50.0,
        },
        "batch_route": 200.0,
    }
    return {
        "machine": {
            "processor": "A processor",
            "flags": "avx2",
            "cpus": 2,
            "python": "3.11.2",
            "measured": "2026-01-01",
        },
        "model": 1,
        "seconds": 8.0,
        "versions": {},
        "alone": [
            {
                "engine": "openvino",
                "precision": "float32",
                "images_per_second": {"1": 1.0},
                "idle_overhead": 0.0,
            },
            {"engine": "openvino", "precision": "int8", "images_per_second": rates, "idle_overhead": 0.01},
        ],
        "servers": list(measured),
        "extras": {each["title"]: extras for each in measured},
    }
