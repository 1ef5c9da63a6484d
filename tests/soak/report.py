"""Figures with what they must be, printed and kept as a Markdown table."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table; `wanted` says in words what makes it hold."""

    what: str
    value: str
    wanted: str = ""
    holds: bool = True


def options_of(description: str | None, **numbers: float) -> argparse.Namespace:
    """The command's options: one for each of `numbers`, with its default, and where results go."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in numbers.items():
        parser.add_argument(
            f"--{name}", type=type(default), default=default, metavar="N", help=f"[{default}]"
        )
    parser.add_argument("--constant", action="store_true", help="an engine that needs no model")
    parser.add_argument("--into", type=Path, default=RESULTS, help="the folder of the table")
    return parser.parse_args()


def publish(name: str, title: str, figures: Sequence[Figure], options: argparse.Namespace) -> int:
    """Prints the table and writes it to a file; the exit status, 1 where a figure does not hold."""
    lines = [f"# {title}", "", "| what | figure | must be | holds |", "|---|---|---|---|"]
    lines += [
        f"| {each.what} | {each.value} | {each.wanted} | {'yes' if each.holds else '**no**'} |"
        if each.wanted
        else f"| {each.what} | {each.value} | | |"
        for each in figures
    ]
    engine = "A constant engine in place of the model" if options.constant else "The committed model"
    cores, load = os.cpu_count(), os.getloadavg()[0]
    lines += ["", f"{engine}; {cores} CPUs, clients included; load average at the end {load:.1f}.", ""]
    text = "\n".join(lines)
    print(text)
    options.into.mkdir(parents=True, exist_ok=True)
    (options.into / f"{name}.md").write_text(text, encoding="utf-8")
    return 0 if all(each.holds for each in figures) else 1
