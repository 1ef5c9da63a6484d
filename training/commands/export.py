"""`python -m training export`: a run becomes a model version."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("export", help="write a run's network as the next model version")
    parser.add_argument("folder", metavar="run", type=Path, help="a run's folder, fitted and evaluated")
    parser.add_argument("--to", type=Path, default=Path("model/signs"), help="default: model/signs")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="add the network in 8 bits, if it reads as well; calibrated on the training pictures in --data",
    )
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints where the version lies and how well the engines agree on it."""
    from training.export import export

    export(arguments.folder, arguments.to, int8_data=arguments.data if arguments.int8 else None)
