"""How fast the service is, beside others that serve the same network: `make bench`.

Everything runs one after the other on this machine, load generator and servers on the same processors,
so only ratios within one run say anything; and in rounds, of which each figure is the median, since machines
drift. Results: JSON, a Markdown table and a picture.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from app.engines import load_engine
from app.imaging import decode, fit
from app.manifest import INT8_PATH, read_manifest
from app.threads import granted_threads
from benchmarks import pictures
from benchmarks.contenders import Contender, Precision, contenders, make_environment, versions
from benchmarks.measure import Measured, Plan, batch_route, check_answer, measure, photo, split
from benchmarks.offline import measure_alone
from benchmarks.processes import running
from benchmarks.rounds import median_of, median_of_sound

RESULTS = Path(__file__).parent / "results"
HALF = 0.5


def main() -> None:
    """Measures and writes the results."""
    options = _parser().parse_args()
    precisions: tuple[Precision, ...] = ("float32",)
    if (options.model / INT8_PATH).exists():
        precisions = ("float32", "int8")
    chosen = [
        each for each in contenders(precisions) if not options.only or (each.peer or "signs") in options.only
    ]
    for peer in sorted({each.peer for each in chosen} - {""}):
        make_environment(peer)
    plan = Plan(seconds=options.seconds, rounds=options.rounds)
    report = uvloop.run(_measure_all(chosen, options.model.resolve(), plan))
    from benchmarks.service_report import write_report  # late: what others take from here draws nothing

    write_report(report, options.to)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds `--model VERSION`, by default the newest."""
    newest = max(Path("model/signs").glob("[0-9]*"), key=lambda folder: int(folder.name))
    parser.add_argument("--model", type=Path, default=newest, help=f"a version's folder (default: {newest})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    add_model(parser)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement (default: 3)")
    parser.add_argument("--rounds", type=int, default=3, help="each with all of them in turn (default: 3)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="signs, and folders of benchmarks/peers/")
    parser.add_argument("--to", type=Path, default=RESULTS, help="where the results go")
    return parser


@dataclass(frozen=True, slots=True)
class Trial:
    """What every server is asked, and what it is to answer."""

    model: Path
    thumbnails: Sequence[bytes]
    photos: Sequence[bytes]
    expected: Sequence[float]
    """For the first thumbnail."""


async def _measure_all(chosen: Sequence[Contender], model: Path, plan: Plan) -> dict[str, Any]:
    thumbnails = pictures.thumbnails()
    trial = Trial(model, thumbnails, pictures.photos(2), _expected(model, thumbnails[0]))
    engines = sorted({(each.engine, each.precision) for each in chosen})
    alone: list[list[dict[str, Any]]] = [[] for _ in engines]
    servers: list[list[dict[str, Any]]] = [[] for _ in chosen]
    for number in range(1, plan.rounds + 1):
        print(f"round {number} of {plan.rounds}", flush=True)
        for (engine, precision), found in zip(engines, alone, strict=True):
            measured = measure_alone(model, engine, precision, plan.seconds)
            found.append({"engine": engine, "precision": precision} | measured)
        for contender, found in zip(chosen, servers, strict=True):
            found.append(await _measure_one(contender, trial, plan))
    merged = [median_of_sound(rounds) for rounds in servers]
    return {
        "machine": machine(),
        "model": read_manifest(model).version,
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "versions": {peer: versions(peer) for peer in sorted({each.peer for each in chosen} - {""})},
        "alone": [median_of(rounds) for rounds in alone],
        "extras": {each["title"]: each.pop("extras") for each in merged},
        "servers": merged,
    }


async def _measure_one(contender: Contender, trial: Trial, plan: Plan) -> dict[str, Any]:
    """A round's figures of one server, `extras` being those that not all have."""
    found = Measured(contender.title, contender.engine, contender.precision, contender.peer)
    extras: dict[str, Any] = {}
    log = Path(tempfile.gettempdir()) / f"benchmark-{contender.peer or 'signs'}-{contender.engine}.log"
    with running(contender.command, contender.environment(trial.model), contender.folder, log) as server:
        try:
            answer = await server.await_answer(contender.carry(trial.thumbnails[0]))
            check_answer(answer.body, trial.expected, contender.precision)
            await measure(server, contender, trial.thumbnails, plan, found)
            if contender.peer in ("", "fastapi"):
                extras["photo"] = await photo(server, contender, trial.photos, plan.seconds)
            if not contender.peer and found.peak is not None:
                rate = max(0.5, HALF * found.peak.answered)
                requests = [contender.carry(picture) for picture in trial.thumbnails]
                extras["split"] = await split(server, requests, rate, plan.seconds)
                extras["batch_route"] = await batch_route(server, trial.thumbnails, plan.seconds)
        # One server that cannot be measured must not cost the figures of all others.
        except Exception as error:
            found.error = f"{type(error).__name__}: {error} (log: {log})"
    told = found.error or f"{found.peak.answered:.1f} a second"  # type: ignore[union-attr]
    print(f"{contender.title}: {told}", flush=True)
    return asdict(found) | {"extras": extras}


def _expected(model: Path, thumbnail: bytes) -> list[float]:
    """What the network itself says of a picture, in float32."""
    engine = load_engine("openvino", model, granted_threads(), "float32")
    row: list[float] = engine.run(fit(decode(thumbnail))[np.newaxis])[0].tolist()
    return row


def machine() -> dict[str, Any]:
    """The processor with its flags, and when this was measured."""
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    return {
        "processor": facts.get("model name", platform.processor()),
        "flags": facts.get("flags", ""),
        "cpus": granted_threads(),
        "python": platform.python_version(),
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
    }


if __name__ == "__main__":
    main()
