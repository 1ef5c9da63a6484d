"""`python -m training report`: one page about a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("report", help="write one self-contained page about a run")
    parser.add_argument("folder", metavar="run", type=Path, help="a run's folder, made by fit")
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints where the page lies."""
    from training.report import write_report

    print(f"wrote {write_report(arguments.folder, arguments.data)}")
