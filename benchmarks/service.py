"""How fast a real service starts and answers `/predict`: `python -m benchmarks.service`, or `make bench`.

The clients run on the same cores as the service, so a separate machine would see better figures.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import numpy as np
from PIL import Image

PHOTO_SIZES = ((64, 64), (640, 480), (4032, 3024))
CLIENTS = (1, 8, 32)
SECONDS = 5.0
READY_WITHIN = 60.0


def main() -> None:
    """Prints one line for each photo size and number of clients."""
    with running_service() as url:
        print(f"{'photo':>11} {'clients':>7} {'answers/s':>9} {'p50 ms':>7} {'p95 ms':>7} {'p99 ms':>7}")
        for size in PHOTO_SIZES:
            photo = jpeg(size)
            for clients in CLIENTS:
                latencies = asyncio.run(load(url, photo, clients))
                print(f"{size[0]:>6}x{size[1]:<4} {clients:>7} {figures(latencies)}")


@contextmanager
def running_service() -> Iterator[str]:
    """Starts `python -m app` on a free port; gives its address once it is ready, ends it afterwards."""
    port = free_port()
    began = time.monotonic()
    environment = {**os.environ, "SIGNS_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "app"], env=environment, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        await_ready(url, process, began + READY_WITHIN)
        print(f"ready after {time.monotonic() - began:.1f} s")
        yield url
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def await_ready(url: str, process: subprocess.Popen[bytes], deadline: float) -> None:
    """Returns once the service is ready; raises `SystemExit` where it ends or takes too long."""
    reason = "it did not listen"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = httpx2.get(f"{url}/health/ready", trust_env=False)
        except httpx2.TransportError:
            time.sleep(0.02)
            continue
        if answer.status_code == 200:
            return
        reason = answer.text
        time.sleep(0.02)
    raise SystemExit(f"the service is not ready: {reason}")


def jpeg(size: tuple[int, int]) -> bytes:
    """A made-up photo, as large in bytes as a real one of its size."""
    noise = np.random.RandomState(0).randint(0, 256, (size[1] // 16, size[0] // 16, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


async def load(url: str, photo: bytes, clients: int) -> list[float]:
    """Latencies in seconds of all answers that `clients` got who each ask again and again."""
    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(base_url=url, trust_env=False, limits=limits, timeout=60) as client:
        end = time.monotonic() + SECONDS
        results = await asyncio.gather(*(ask_until(end, client, photo) for _ in range(clients)))
    return [latency for result in results for latency in result]


async def ask_until(end: float, client: httpx2.AsyncClient, photo: bytes) -> list[float]:
    """Latencies in seconds of one client's answers; any error ends the measurement."""
    latencies = []
    while (began := time.monotonic()) < end:
        answer = await client.post("/predict", content=photo, headers={"Content-Type": "image/jpeg"})
        answer.raise_for_status()
        latencies.append(time.monotonic() - began)
    return latencies


def figures(latencies: list[float]) -> str:
    """Answers per second and the latency's percentiles in milliseconds."""
    p50, p95, p99 = np.percentile(latencies, (50, 95, 99)) * 1000
    return f"{len(latencies) / SECONDS:>9.1f} {p50:>7.1f} {p95:>7.1f} {p99:>7.1f}"


if __name__ == "__main__":
    main()
