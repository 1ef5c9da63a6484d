"""`python -m training gradients`: the study of vanishing gradients."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder

NETWORKS = "residual,plain,residual-without-bn,plain-without-bn"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("gradients", help="show how gradients vanish, or do not, with depth")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the table and the figures")
    parser.add_argument("--networks", default=NETWORKS, help=f"separated by commas (default: {NETWORKS})")
    parser.add_argument("--epochs", type=int, default=4, help="default: 4, which is 136 steps")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures: 32 or 64 (default)")
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Trains what is not trained yet, draws, and prints the sentences."""
    from training.gradient_figures import draw_by_depth, draw_by_step
    from training.gradient_report import findings, write_report
    from training.gradient_study import study
    from training.gradients import find_variants

    out: Path = arguments.out
    recordings = study(
        find_variants([name for name in arguments.networks.split(",") if name]),
        arguments.data,
        out,
        epochs=arguments.epochs,
        size=arguments.size,
    )
    draw_by_step(recordings, out / "gradients.png")
    draw_by_depth(recordings, out / "depth.png")
    write_report(recordings, out)
    print(*findings(recordings), f"table, figures and report are in {out}", sep="\n")
