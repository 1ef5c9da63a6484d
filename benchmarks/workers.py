"""One process with all threads against several with a share each: `python -m benchmarks.workers`.

They take turns, round after round, so that whatever else the machine does slows each alike; the medians of
the rounds are told. The load generator runs on the same processors, so only ratios within one run say
anything. Writes `workers.json` and `workers.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import uvloop

from app.threads import plan_threads
from benchmarks import pictures
from benchmarks.client import Client
from benchmarks.contenders import OUR_COMMAND, ROOT
from benchmarks.load import closed_loop, open_loop
from benchmarks.processes import READY_WITHIN, Server, running
from benchmarks.service import RESULTS, machine

CLIENTS = 64
HALF = 0.5
COLUMNS = (
    "workers",
    "threads each",
    "peak/s",
    "p99 at peak",
    "p50",
    "p99",
    "MB at rest",
    "at peak",
    "ready s",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one layout came to; times in ms, memory in MB (10^6 bytes) of all processes together."""

    workers: int
    threads: int
    peak: float
    """Answers a second to as many clients as `CLIENTS` that ask again at once."""
    p99_at_peak: float
    p50: float
    """At the rate that is offered to all layouts alike, as is the next."""
    p99: float
    megabytes_at_rest: float
    megabytes_at_peak: float
    seconds_to_ready: float
    failed: int


@dataclass(frozen=True, slots=True)
class Load:
    """What each layout is asked: so long, with what, and at which rate where they are compared."""

    seconds: float
    requests: Sequence[bytes]
    rate: float | None = None
    """Requests a second; unset: half of the peak that is found first."""


def main() -> None:
    """Measures and writes the results."""
    options = _parser().parse_args()
    requests = [pictures.multipart("/predict", "file", each) for each in pictures.thumbnails()]
    load = Load(options.seconds, requests)
    rounds = uvloop.run(measure_all(options.workers, load, options.rounds))
    report = {
        "machine": machine(),
        "seconds": options.seconds,
        "rounds": [list(map(asdict, each)) for each in rounds],
    }
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "workers.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown([medians(each) for each in zip(*rounds, strict=True)], report)
    (options.to / "workers.md").write_text(text, encoding="utf-8")
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    most = plan_threads().granted
    parser.add_argument("--workers", type=int, nargs="+", default=sorted({1, 2, most}), metavar="N")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement (default: 8)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--to", type=Path, default=RESULTS, help="where the results go")
    return parser


async def measure_all(
    counts: Sequence[int], load: Load, rounds: int, command: Sequence[str] = OUR_COMMAND
) -> list[list[Figures]]:
    """The figures of each round, in the order of `counts`; all are offered half of the first's first peak."""
    found: list[list[Figures]] = []
    for _ in range(rounds):
        found.append([])
        for count in counts:
            figures = await measure(count, load, command)
            load = load if load.rate else replace(load, rate=HALF * figures.peak)
            found[-1].append(figures)
            print(f"{count} workers: {figures.peak:.1f} a second, p99 {figures.p99:.1f} ms", flush=True)
    return found


async def measure(workers: int, load: Load, command: Sequence[str] = OUR_COMMAND) -> Figures:
    """Starts so many workers, asks them, and ends them."""
    log = Path(tempfile.gettempdir()) / f"benchmark-workers-{workers}.log"
    environment = {"SIGNS_WORKERS": str(workers), "SIGNS_SHOW_DOCS": "false", "SIGNS_POLL_SECONDS": "0"}
    begun = time.monotonic()
    with running(command, environment, ROOT, log) as server:
        await server.await_answer(load.requests[0])
        await _all_ready(server, log)
        seconds_to_ready = time.monotonic() - begun
        client = Client(server.port)
        await closed_loop(client, load.requests, CLIENTS, load.seconds / 4)  # warms up
        client.close()  # connections stay with their worker: each measurement opens its own
        await asyncio.sleep(min(1.0, load.seconds))
        at_rest = server.megabytes
        peak = await closed_loop(client := Client(server.port), load.requests, CLIENTS, load.seconds)
        at_peak = server.megabytes
        client.close()
        rate = load.rate or HALF * peak.answered
        half = await open_loop(client := Client(server.port), load.requests, rate, load.seconds)
        client.close()
    return Figures(
        workers=workers,
        threads=plan_threads(workers=workers).inference,
        peak=peak.answered,
        p99_at_peak=peak.p99,
        p50=half.p50,
        p99=half.p99,
        megabytes_at_rest=at_rest,
        megabytes_at_peak=at_peak,
        seconds_to_ready=seconds_to_ready,
        failed=peak.failed + half.failed,
    )


async def _all_ready(server: Server, log: Path) -> None:
    """The first answer comes of the first worker; what is measured is all of them."""
    async with asyncio.timeout(READY_WITHIN):
        while not _tells_ready(log):
            if server.process.poll() is not None:
                raise RuntimeError(f"the service ended; its log: {log}")
            await asyncio.sleep(0.05)


def _tells_ready(log: Path) -> bool:
    return "ready after" in log.read_text(encoding="utf-8")


def medians(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure over the rounds; failures are summed."""
    fields = {name: statistics.median(getattr(each, name) for each in rounds) for name in asdict(rounds[0])}
    return Figures(**fields | {"failed": sum(each.failed for each in rounds)})


def markdown(layouts: Sequence[Figures], report: dict[str, Any]) -> str:
    """The table, and what it was measured on."""
    machine, first, best = report["machine"], layouts[0], max(layouts, key=lambda each: each.peak)
    lines = [
        "# One process or several, measured",
        "",
        f"{machine['measured']}, {machine['processor']}, {machine['cpus']} CPUs, Python {machine['python']}; "
        f"medians of {len(report['rounds'])} rounds, {report['seconds']:g} s a figure, load generator on the "
        "same CPUs.",
        "",
        f"64x64 JPEG uploads. Peak: {CLIENTS} clients that ask again at once. p50 and p99: random (Poisson) "
        f"arrivals at half of the peak with workers = {first.workers:.0f}, for all alike. Times in ms, "
        "memory in MB, resident, of all processes together, so that what they share counts for each.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *map(_row, layouts),
        "",
        f"Failed: {sum(each.failed for each in layouts):.0f} requests. The highest peak is that of workers = "
        f"{best.workers:.0f}, {best.peak / first.peak:.2f} times that of workers = {first.workers:.0f}.",
        "",
    ]
    return "\n".join(lines)


def _row(layout: Figures) -> str:
    cells = [
        f"{layout.workers:.0f}",
        f"{layout.threads:.0f}",
        *(f"{value:.1f}" for value in (layout.peak, layout.p99_at_peak, layout.p50, layout.p99)),
        f"{layout.megabytes_at_rest:.0f}",
        f"{layout.megabytes_at_peak:.0f}",
        f"{layout.seconds_to_ready:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
