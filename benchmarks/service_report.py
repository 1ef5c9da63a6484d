"""What was measured of the servers, as JSON, as Markdown tables and as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Row = dict[str, Any]

COLUMNS = (
    "server",
    "peak/s",
    "alone p50",
    "half load p50",
    "p95",
    "p99",
    "good/s",
    "MB at rest",
    "at peak",
    "ready s",
)


def write_report(report: dict[str, Any], folder: Path) -> None:
    """Writes `service.json`, `service.md` and `service.png` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "service.md").write_text(markdown(report), encoding="utf-8")
    draw(report, folder / "service.png")
    print(markdown(report))


def markdown(report: dict[str, Any]) -> str:
    """The tables: servers, the network alone, where the time goes, and what the ratios come to."""
    machine = report["machine"]
    vector = [flag for flag in machine["flags"].split() if flag.startswith(("avx", "amx"))]
    lines = [
        "# Serving, measured",
        "",
        f"{machine['measured']}, {machine['processor']}, {machine['cpus']} CPUs ({' '.join(vector)}), "
        f"Python {machine['python']}, model version {report['model']}; {report['seconds']:g} s a figure, "
        f"medians of {report['rounds']} rounds, "
        "load generator on the same CPUs. Times in ms, memory in MB.",
        "",
        "64x64 JPEG uploads. Alone: one request at a time. Half load: random (Poisson) arrivals at half the "
        "server's own peak.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *map(_server, sorted(report["servers"], key=_order)),
        "",
        *_alone(report),
        *_splits(report),
        "| ratio | found |",
        "|---|---|",
        *(f"| {what} | {found} |" for what, found in ratios(report).items()),
        "",
    ]
    return "\n".join(lines)


def _order(server: Row) -> tuple[str, str, float]:
    return server["engine"], server["precision"], -(server["peak"] or {"answered": 0})["answered"]


def _server(server: Row) -> str:
    if server["error"]:
        reason = server["error"].split(" (log")[0][:80].replace("|", "/")
        return f"| {server['title']} | {reason} {'| ' * (len(COLUMNS) - 2)}|"
    half = half_load(server)
    cells = [
        f"{server['peak']['answered']:.1f}",
        *(f"{value:.1f}" for value in (server["alone"]["p50"], half["p50"], half["p95"], half["p99"])),
        f"{half['good']:.1f}",
        f"{server['megabytes_at_rest']:.0f}",
        f"{server['megabytes_at_peak']:.0f}",
        f"{server['seconds_to_ready']:.1f}",
    ]
    return f"| {server['title']} | {' | '.join(cells)} |"


def half_load(server: Row) -> Row:
    """The open loop nearest to half of the server's peak."""
    half: Row = min(server["loads"], key=lambda load: abs(load["offered"] - server["peak"]["answered"] / 2))
    return half


def _alone(report: dict[str, Any]) -> list[str]:
    sizes = list(report["alone"][0]["images_per_second"])
    return [
        "The network alone, pictures a second by batch:",
        "",
        f"| engine | {' | '.join(map(str, sizes))} | idle batcher adds |",
        f"|---|{'---|' * (len(sizes) + 1)}",
        *(
            f"| {each['engine']} {each['precision']} | "
            + " | ".join(f"{each['images_per_second'][size]:.1f}" for size in sizes)
            + f" | {each['idle_overhead']:+.1%} |"
            for each in report["alone"]
        ),
        "",
    ]


def _splits(report: dict[str, Any]) -> list[str]:
    splits = {title: extras["split"] for title, extras in report["extras"].items() if "split" in extras}
    names = ("decode", "queue", "inference", "rest", "total")
    return [
        "Where the time of a request goes at half load, ms on average:",
        "",
        f"| server | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
        *(
            f"| {title} | {' | '.join(f'{parts[name]:.2f}' for name in names)} |"
            for title, parts in splits.items()
        ),
        "",
    ]


def ratios(report: dict[str, Any]) -> dict[str, str]:
    """What the issue of speed comes to, each from this run alone; only of what was measured."""
    measured = [server for server in report["servers"] if not server["error"]]
    told = {}
    for ours in (server for server in measured if not server["peer"] and server["engine"] == "openvino"):
        name, rate = f"Signs {ours['precision']}", ours["peak"]["answered"]
        for what, peers in (
            ("the best peer with TensorFlow", _peers(measured, "tensorflow", "float32")),
            (
                f"the best peer with OpenVINO {ours['precision']}",
                _peers(measured, "openvino", ours["precision"]),
            ),
        ):
            if peers:
                best = max(peers, key=lambda server: server["peak"]["answered"])
                told[f"{name}: peak, times {what} ({best['title']})"] = (
                    f"{rate / best['peak']['answered']:.2f}"
                )
        alone = next(
            max(each["images_per_second"].values())
            for each in report["alone"]
            if (each["engine"], each["precision"]) == ("openvino", ours["precision"])
        )
        told[f"{name}: peak, share of the network alone at its best batch"] = f"{rate / alone:.0%}"
        told[f"{name}: p99 at half load, times a lone request"] = (
            f"{half_load(ours)['p99'] / ours['alone']['p50']:.2f}"
        )
        extras = report["extras"][ours["title"]]
        told[f"{name}: pictures a second by /predict/batch"] = f"{extras['batch_route']:.1f}"
        told |= _photo(name, extras["photo"], report["extras"])
    return told


def _peers(measured: list[Row], engine: str, precision: str) -> list[Row]:
    return [
        server
        for server in measured
        if server["peer"] and (server["engine"], server["precision"]) == (engine, precision)
    ]


def _photo(name: str, ours: Row, extras: dict[str, Row]) -> dict[str, str]:
    told = {
        f"{name}: 12-megapixel photo, ms": f"{ours['ms']:.1f}",
        f"{name}: eight such photos at once, MB": f"{ours['megabytes_of_eight']:.0f}",
    }
    plain = next(
        (
            each["photo"]
            for title, each in extras.items()
            if "FastAPI" in title and "TensorFlow" in title and "photo" in each
        ),
        None,
    )
    if plain is not None:
        same = "same labels" if plain["labels"] == ours["labels"] else "other labels"
        told[f"{name}: 12-megapixel photo, share of full decode and TensorFlow"] = (
            f"{ours['ms'] / plain['ms']:.0%}, {same}"
        )
    return told


def draw(report: dict[str, Any], path: Path) -> None:
    """Latency against load: the 99th percentile over answers a second, a panel for each engine."""
    engines = dict.fromkeys((server["engine"], server["precision"]) for server in report["servers"])
    names = list(dict.fromkeys(_name(server) for server in report["servers"]))
    figure = Figure(figsize=(4.2 * len(engines), 4.6), layout="constrained")
    panels = figure.subplots(1, len(engines), sharey=True, squeeze=False)[0]
    for axes, (engine, precision) in zip(panels, engines, strict=True):
        for server in report["servers"]:
            loads = [load for load in server["loads"] if load["p99"] == load["p99"]]
            if (server["engine"], server["precision"]) == (engine, precision) and not server["error"]:
                axes.plot(
                    [load["offered"] for load in loads],
                    [load["p99"] for load in loads],
                    marker="o",
                    color=f"C{names.index(_name(server))}",
                    linewidth=1.2 if server["peer"] else 3,
                    label=_name(server),
                )
        axes.set(title=f"{engine} {precision}", xlabel="requests a second (Poisson)", yscale="log")
        axes.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("p99 latency, ms")
    lines = {
        label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=len(lines) or 1)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _name(server: Row) -> str:
    """The server's name without its engine."""
    name: str = server["title"].rpartition(", ")[0]
    return name
