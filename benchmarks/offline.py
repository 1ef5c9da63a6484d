"""The network alone, without a server: pictures a second by batch, and what the batcher adds when idle.

`python -m benchmarks.offline VERSION ENGINE PRECISION SECONDS` prints JSON. Each engine is measured in a
process of its own, since two would disturb each other.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from app.batcher import Batcher
from app.engines import load_engine
from app.engines.base import MOST_LANES, Engine, Float32Array
from app.manifest import InputSpec, golden_input
from app.threads import granted_threads

BATCHES = (1, 2, 4, 8, 16, 32)


def measure_alone(version: Path, engine: str, precision: str, seconds: float) -> dict[str, Any]:
    """What `main` prints, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.offline", str(version), engine, precision, str(seconds)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def main() -> None:
    """Measures one engine."""
    version, name, precision, seconds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
    one = golden_input(0, InputSpec())
    threads = granted_threads()
    as_served = load_engine(name, version, threads, precision, lanes=MOST_LANES)
    engines = [as_served]
    if as_served.lanes > 1:  # whether all threads in one run are faster differs from machine to machine
        engines.append(load_engine(name, version, threads, precision))
    each = seconds / len(BATCHES) / len(engines)
    rates = {
        size: max(_rate(engine, np.repeat(one, size, axis=0), each) for engine in engines) for size in BATCHES
    }
    overhead = asyncio.run(_overhead(as_served, one, seconds))
    print(json.dumps({"images_per_second": rates, "idle_overhead": overhead}))


def _rate(engine: Engine, images: Float32Array, seconds: float) -> float:
    engine.warm_up(images)
    begun = time.perf_counter()

    def run_on(_: int) -> int:
        runs = 0
        while time.perf_counter() - begun < seconds or runs < 3:
            engine.run(images)
            runs += 1
        return runs

    with ThreadPoolExecutor(engine.lanes) as lanes:
        runs = sum(lanes.map(run_on, range(engine.lanes)))
    return runs * len(images) / (time.perf_counter() - begun)


async def _overhead(engine: Engine, one: Float32Array, seconds: float) -> float:
    """How much longer one picture takes through the idle batcher, as a fraction: median of pairs in turn."""
    batcher = Batcher(engine, max_batch=32, capacity=32)
    direct: list[float] = []
    batched: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds or len(direct) < 10:
        direct.append(await _seconds(asyncio.to_thread(engine.run, one)))
        batched.append(await _seconds(batcher.run(one)))
    await asyncio.to_thread(batcher.close)
    return statistics.median(batched) / statistics.median(direct) - 1


async def _seconds(work: Any) -> float:
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
