"""How fast a bulk run is beside the network alone, what memory it takes, and what a kill costs it.

`python -m benchmarks.bulk --files 100000` writes `benchmarks/results/bulk.md`; `--ray ADDRESS` has a cluster
run it too. All happens on this machine, so only ratios within one run say anything.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import pictures
from benchmarks.offline import measure_alone
from benchmarks.service import RESULTS, add_model, machine

FEW = 64
"""Pictures of the run whose time is taken off the others': that of starting and of loading the model."""

NUMBER = re.compile(r"confidence|p\d")
"""Columns that depend on which pictures were in one batch, by their last digits."""

START_OF_PICTURE = 2
"""Bytes of a JPEG before which nothing may stand (ITU-T T.81, B.2.1)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that ended or, where it was `killed`, was ended."""

    seconds: float
    megabytes: float
    told: str
    killed: bool


def main() -> None:
    """Measures and writes the table."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, all_of_them = folder / "few", folder / "all"
        fill(few, FEW)
        fill(all_of_them, options.files)
        before = alone(options)
        report = measure(few, all_of_them, options)
        # What else the machine does changes in the meantime, so the network is measured on either side.
        report["limit"] = (before + alone(options)) / 2
    text = markdown(report, options)
    print(text)
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "bulk.md").write_text(text, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000, help="how many pictures (default: 100000)")
    add_model(parser)
    parser.add_argument("--precision", default="auto", help="of the network (default: auto)")
    parser.add_argument("--seconds", type=float, default=30.0, help="for the network alone (default: 30)")
    parser.add_argument("--ray", metavar="ADDRESS", help="a cluster that is to run it too")
    parser.add_argument("--to", type=Path, default=RESULTS, help="where the results go")
    return parser


def fill(folder: Path, count: int) -> None:
    """Pictures of which no two are the same file: each has a comment of its own."""
    folder.mkdir()
    thumbnails = pictures.thumbnails()
    for number in range(count):
        data, text = thumbnails[number % len(thumbnails)], f"number {number}".encode()
        comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2) + text
        path = folder / f"{number:07}.jpg"
        path.write_bytes(data[:START_OF_PICTURE] + comment + data[START_OF_PICTURE:])


def alone(options: argparse.Namespace) -> float:
    """Pictures a second of the network alone, at its best batch."""
    found = measure_alone(options.model, "openvino", options.precision, options.seconds)
    return float(max(found["images_per_second"].values()))


def measure(few: Path, many: Path, options: argparse.Namespace) -> dict[str, Any]:
    """An unbroken run, one that is killed at half and taken up, and one on the cluster."""
    run(few, options)  # leaves the compiled network behind, for the others to find
    _take(few)
    start = run(few, options)
    whole = run(many, options)
    unbroken = _take(many)
    killed = run(many, options, kill_after=start.seconds + (whole.seconds - start.seconds) / 2)
    if not killed.killed:
        raise RuntimeError("the run ended before it was half done: try a calmer machine or more --files")
    taken_up = run(many, options)
    report: dict[str, Any] = {
        "files": options.files,
        "start": start.seconds,
        "whole": whole,
        "rate": _rate(whole, start, options),
        "done": int((re.findall(r"unfinished run: (\d+)", taken_up.told) or ["0"])[0]),
        "taken_up": taken_up,
        "difference": difference(unbroken, _take(many)),
    }
    if options.ray:
        _take(few)
        begun = run(few, options, options.ray)
        on_cluster = run(many, options, options.ray)
        report["cluster"] = _rate(on_cluster, begun, options)
        report["difference_on_cluster"] = difference(unbroken, _take(many))
    return report


def run(folder: Path, options: argparse.Namespace, ray: str = "", kill_after: float | None = None) -> Ended:
    """Classifies a folder in a process of its own; raises `RuntimeError` where it fails."""
    command = [sys.executable, "-m", "app", "classify", str(folder), "--out", str(_output(folder))]
    environment = os.environ | {
        "SIGNS_MODEL_DIR": str(options.model.absolute().parent),
        "SIGNS_VERSION": options.model.name,
        "SIGNS_PRECISION": options.precision,
    }
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command + (["--ray", ray] if ray else []), env=environment, stderr=log)
        # Not by `process.kill`, which would take the child's end, and its figures, away from `wait4`.
        killer = threading.Timer(kill_after or 0, os.kill, (process.pid, signal.SIGKILL))
        if kill_after is not None:
            killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begun
        log.seek(0)
        told = log.read().decode()
    killed = process.returncode < 0
    if process.returncode > 0:
        raise RuntimeError(f"exit status {process.returncode}: {told}")
    return Ended(seconds, usage.ru_maxrss * 1024 / 1e6, told, killed)


def markdown(report: dict[str, Any], options: argparse.Namespace) -> str:
    """The table."""
    on, whole, taken_up = machine(), report["whole"], report["taken_up"]
    rows = {
        "the network alone, at its best batch": f"{report['limit']:.1f} pictures/s",
        "a bulk run": f"{report['rate']:.1f} pictures/s, {report['rate'] / report['limit']:.0%} of that",
        "its start": f"{report['start']:.1f} s",
        "its peak memory": f"{whole.megabytes:.0f} MB",
        "killed at half": f"{report['done']} of {report['files']} pictures were answered and kept",
        "taken up": f"{taken_up.seconds:.1f} s, where the whole took {whole.seconds:.1f} s",
        "its rows and those of the unbroken run": report["difference"],
    }
    if "cluster" in report:
        rate = report["cluster"]
        rows["on the cluster"] = f"{rate:.1f} pictures/s, {rate / report['limit']:.0%} of one network alone"
        rows["its rows and those of one process"] = report["difference_on_cluster"]
    lines = [
        "# Bulk runs, measured",
        "",
        f"{on['measured']}, {on['processor']}, {on['cpus']} CPUs, Python {on['python']}; model version "
        f"{options.model.name}, precision {options.precision}; {report['files']} 64x64 JPEGs in one folder.",
        "",
        "| what | figure |",
        "|---|---|",
        *(f"| {what} | {figure} |" for what, figure in rows.items()),
        "",
    ]
    return "\n".join(lines)


def _rate(whole: Ended, start: Ended, options: argparse.Namespace) -> float:
    """Pictures a second, without what it takes to start."""
    return float((options.files - FEW) / (whole.seconds - start.seconds))


def _output(folder: Path) -> Path:
    return folder.with_suffix(".csv")


def difference(one: bytes, other: bytes) -> str:
    """How far two outputs in CSV are apart: how many rows beside their probabilities, and these at most."""
    rows = [list(csv.reader(data.decode().splitlines())) for data in (one, other)]
    if len(rows[0]) != len(rows[1]):
        return f"**{len(rows[0]) - 1} rows against {len(rows[1]) - 1}**"
    numbers = [place for place, name in enumerate(rows[0][0]) if NUMBER.fullmatch(name)]
    most, differ = 0.0, 0
    for a, b in zip(*(told[1:] for told in rows), strict=True):
        most = max([most, *(abs(float(a[place] or 0) - float(b[place] or 0)) for place in numbers)])
        differ += any(x != y for place, (x, y) in enumerate(zip(a, b, strict=True)) if place not in numbers)
    return f"{differ} of {len(rows[0]) - 1} differ; probabilities by {most:.1g} at most"


def _take(folder: Path) -> bytes:
    """The output of a run, which is then gone."""
    data = _output(folder).read_bytes()
    _output(folder).unlink()
    return data


if __name__ == "__main__":
    main()
