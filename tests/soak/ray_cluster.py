"""Two Ray nodes under load, one of which is killed: `python -m tests.soak.ray_cluster --seconds 30`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import ROOT
from tests.soak.report import Figure, options_of, publish

PYTHON = ROOT / ".venv-ray" / "bin" / "python"
PROGRAM = "tests.end_to_end.ray_cluster"
NAME = "ray_cluster"
Told = Mapping[str, Any]


def figures_of(told: Told) -> list[Figure]:
    """What the program saw, and what of it must hold."""
    events, statuses = told["events"], Counter(status for _, status in told["failures"])
    most, last = max(count for _, count in told["replicas"]), told["replicas"][-1][1]
    after = sum(moment > events["load ended"] for moment, _ in told["failures"])
    kinds = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(statuses.items()))
    return [
        Figure("requests sent", str(told["sent"])),
        Figure("tries that failed", f"{len(told['failures'])} ({kinds or 'none'})"),
        Figure("requests that were retried", str(told["retried"])),
        Figure("requests lost", str(told["lost"]), "0", told["lost"] == 0),
        Figure("answers unlike those without load", str(told["wrong"]), "0", told["wrong"] == 0),
        Figure("tries that failed while replicas were taken away", str(after), "0", after == 0),
        Figure("replicas under load", str(most), "2", most == 2),
        Figure("replicas in the end", str(last), "1", last == 1),
        Figure("from the load to two replicas", _between(events, "load", "two replicas")),
        Figure("from the kill until it was noticed", _between(events, "node killed", "one replica")),
        Figure("from the new node to two replicas", _between(events, "node added", "two replicas again")),
        Figure("from the load's end to one replica", _between(events, "load ended", "scaled down")),
    ]


def _between(events: Mapping[str, float], first: str, second: str) -> str:
    return f"{events[second] - events[first]:.1f} s"


def draw(told: Told, path: Path) -> None:
    """Replicas, answers and failed tries over time, with what happened when."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(10, 5.5), layout="constrained")
    moments, counts = zip(*told["replicas"], strict=True)
    above.step(moments, counts, where="post", color="tab:blue")
    above.set(ylabel="replicas", ylim=(0, 3.4), yticks=[0, 1, 2])
    edges = np.arange(0, moments[-1] + 1)
    below.hist(told["moments"], edges, histtype="step", color="tab:green", label="answers")
    if told["failures"]:
        below.hist(
            [moment for moment, _ in told["failures"]], edges, color="tab:red", label="tries that failed"
        )
    below.set(xlabel="seconds", ylabel="a second")
    below.legend(loc="upper right")
    for number, (what, moment) in enumerate(told["events"].items()):
        for axes in (above, below):
            axes.axvline(moment, color="0.7", linewidth=0.8, zorder=0)
        above.text(moment, 3.2 - 0.3 * (number % 3), f" {what}", fontsize=8, va="top")
    figure.savefig(path, dpi=110)


def run(options: argparse.Namespace) -> Told:
    """Runs the program to its end; raises `SystemExit` where it fails."""
    command = [str(PYTHON), "-m", PROGRAM, str(options.seconds), str(options.clients)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit("the cluster could not be measured")
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> int:
    """Runs the command."""
    options = options_of(__doc__, seconds=30.0, clients=8)
    if not PYTHON.exists():
        raise SystemExit("Ray is not here: `make ray` installs it into .venv-ray")
    told = run(options)
    options.into.mkdir(parents=True, exist_ok=True)
    draw(told, options.into / f"{NAME}.png")
    return publish(NAME, "A node of two killed under load", figures_of(told), options)


if __name__ == "__main__":
    sys.exit(main())
