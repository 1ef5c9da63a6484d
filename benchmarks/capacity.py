"""What a load takes, as a page: `python -m benchmarks.capacity RESULTS --to docs/capacity.md`.

RESULTS is `benchmarks/results/service.json`, which `make bench` writes; nothing is fetched. Beside the page
it draws measured and modelled latency.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.bottlenecks import next_bottleneck, short, strains
from benchmarks.queueing import PLAYED
from benchmarks.sizing import Assumptions, Copy, Size, kinds, read_copy, size

RATES = (10, 1_000, 1_000_000)
TEMPLATE = Path(__file__).with_name("capacity.template.md")
FIGURES = "figures"
CURVE = np.linspace(0.02, 0.97, 24)
"""Shares of the model's limit at which its curve is drawn."""


@dataclass(frozen=True, slots=True)
class Point:
    """Latencies at one load, ms."""

    rate: float
    measured_mean: float
    modelled_mean: float
    measured_p99: float
    modelled_p99: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the page and its figure."""
    parser = _parser()
    options = parser.parse_args(arguments)
    assumptions = Assumptions(**{each.name: getattr(options, each.name) for each in fields(Assumptions)})
    try:
        report = json.loads(options.results.read_text(encoding="utf-8"))
        copy = read_copy(report, options.title)
        figure = options.to.with_suffix(".png").name
        text = page(report, copy, assumptions, options.currency, figure)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    folder = options.to.parent / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    draw(copy, compare(report, copy), folder / figure)
    options.to.write_text(text, encoding="utf-8")
    print(f"wrote {options.to}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("results", type=Path, help="service.json, as `make bench` writes it")
    parser.add_argument(
        "--to", type=Path, required=True, help="the page; its figure goes to figures/ beside it"
    )
    parser.add_argument("--title", help="which of this service's measurements (default: the fastest)")
    parser.add_argument("--currency", default="USD", help="of the prices (default: %(default)s)")
    assumed = Assumptions()
    for each in fields(assumed):
        value = getattr(assumed, each.name)
        told = f"{each.metadata['means']} (default: {_plain(value)})".replace("%", "%%")
        parser.add_argument(_option(each.name), type=_positive, default=value, metavar="N", help=told)
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, received {text}")
    return value


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def page(report: dict[str, Any], copy: Copy, assumptions: Assumptions, currency: str, figure: str) -> str:
    """The document; raises `ValueError` where the goal cannot be kept at any load."""
    within = copy.share_within(assumptions.goal_ms / 1000)
    if not within:
        raise ValueError(
            f"expected a goal that a lone request can keep, received {assumptions.goal_ms:g} ms: "
            f"one takes {copy.lone_seconds * 1000:.1f} ms on average"
        )
    share = min(within, assumptions.load_share)
    sizes = [
        size(copy, kind, rate, share, assumptions) for kind in kinds(copy, assumptions) for rate in RATES
    ]
    points = compare(report, copy)
    return TEMPLATE.read_text(encoding="utf-8").format(
        title=copy.title,
        cpus=copy.cpus,
        processor=report["machine"]["processor"],
        measured=report["machine"]["measured"],
        currency=currency,
        sizes="\n".join(map(_size, sizes)),
        megabytes=copy.megabytes,
        peak=copy.peak,
        share=share,
        why_share=_why(share, within, assumptions),
        played=PLAYED,
        batch=len(copy.queue.seconds),
        first_ms=copy.queue.seconds[0] * 1000,
        last_ms=copy.queue.seconds[-1] * 1000,
        variation=copy.queue.variation,
        lone_ms=copy.lone_seconds * 1000,
        figure=figure,
        points="\n".join(_point(point, copy) for point in points),
        verdict=_verdict(points),
        strains="\n".join(_strains(copy, each, assumptions) for each in sizes),
        assumptions="\n".join(_assumptions(assumptions)),
    )


def compare(report: dict[str, Any], copy: Copy) -> list[Point]:
    """Measured and modelled latency at each load that was measured and that the model can carry."""
    server = next(each for each in report["servers"] if each["title"] == copy.title)
    answered = (load for load in server["loads"] if load["answered"])
    loads = [load for load in answered if load["offered"] < copy.queue.limit]
    return [
        Point(load["offered"], load["mean"], mean, load["p99"], p99)
        for load in loads
        for mean, p99 in [modelled(copy, load["offered"])]
    ]


def modelled(copy: Copy, rate: float) -> tuple[float, float]:
    """The model's mean and 99th percentile at so many requests a second, in ms."""
    mean = copy.queue.mean_seconds(rate)
    p99 = float(np.percentile(copy.queue.sample_seconds(rate), 99))
    return (mean + copy.shift) * 1000, (p99 + copy.shift) * 1000


def draw(copy: Copy, points: Sequence[Point], path: Path) -> None:
    """Latency against load: measured as points, modelled as lines."""
    rates = (CURVE * copy.queue.limit).tolist()
    curves = [modelled(copy, rate) for rate in rates]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for index, (name, colour) in enumerate({"mean": "tab:blue", "p99": "tab:red"}.items()):
        axes.plot(rates, [curve[index] for curve in curves], color=colour, label=f"{name}, modelled")
        measured = [asdict(point)[f"measured_{name}"] for point in points]
        axes.plot([point.rate for point in points], measured, "o", color=colour, label=f"{name}, measured")
    axes.set(
        xlabel="requests a second (Poisson arrivals)", ylabel="latency, ms", yscale="log", title=copy.title
    )
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _size(size: Size) -> str:
    prices = (size.core_price, size.memory_price, size.egress_price, size.price)
    cells = [
        size.kind.name,
        f"{size.rate:,}",
        f"{size.copies:,}",
        f"{size.cores:,}",
        f"{size.gigabytes:,.1f}",
        short(size.ingress_gigabits),
        short(size.egress_gigabits),
        *(f"{price:,.0f}" for price in prices),
    ]
    return f"| {' | '.join(cells)} |"


def _why(share: float, within: float, assumptions: Assumptions) -> str:
    goal = f"99 of 100 requests within {_plain(assumptions.goal_ms)} ms"
    if share < assumptions.load_share:
        return f"With more it would not keep its goal, {goal}."
    return f"By the model it keeps its goal, {goal}, up to {within:.0%}; the rest is for what no model knows."


def _point(point: Point, copy: Copy) -> str:
    latencies = (point.measured_mean, point.modelled_mean, point.measured_p99, point.modelled_p99)
    cells = [f"{point.rate:.1f}", f"{point.rate / copy.peak:.0%}", *(f"{each:.1f}" for each in latencies)]
    return f"| {' | '.join(cells)} |"


def _verdict(points: Sequence[Point]) -> str:
    if not points:
        return "No measured load lies below what the model can carry."
    means = [abs(point.modelled_mean / point.measured_mean - 1) for point in points]
    tails = [abs(point.modelled_p99 / point.measured_p99 - 1) for point in points]
    return (
        f"The modelled mean is off by {np.mean(means):.0%} on average and by {max(means):.0%} at most, "
        f"the 99th percentile by {np.mean(tails):.0%} and {max(tails):.0%}."
    )


def _strains(copy: Copy, size: Size, assumptions: Assumptions) -> str:
    found = strains(copy, size, assumptions)
    told = [f"{strain.told} ({strain.share:.1%})" for strain in found]
    return f"| {size.kind.name} | {size.rate:,} | {' | '.join(told)} | {next_bottleneck(found).name} |"


def _assumptions(assumptions: Assumptions) -> Iterator[str]:
    for each in fields(assumptions):
        value = _plain(getattr(assumptions, each.name))
        yield f"| `{_option(each.name)}` | {value} | {each.metadata['means']} |"


def _plain(value: float) -> str:
    return f"{value:,.12g}"


if __name__ == "__main__":
    main()
