"""`python -m training robustness`: how right a run stays as photos get worse."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder
from training.commands.mixing import add_materials, require_materials


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser(
        "robustness", help="draw accuracy against hand size, rotation, brightness, blur and compression"
    )
    parser.add_argument("folder", metavar="run", type=Path, help="a run's folder, made by fit")
    parser.add_argument("--hands", type=int, default=150, help="so many in each photo set (default: 150)")
    add_materials(parser)
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Shows progress, then says where the figure is."""
    from training.robustness import measure_robustness

    measure_robustness(arguments.folder, arguments.data, require_materials(arguments), arguments.hands)
    print(f"robustness.csv and robustness.png are in {arguments.folder}")
