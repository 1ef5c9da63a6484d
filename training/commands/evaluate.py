"""`python -m training evaluate`: scores a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("evaluate", help="score a run, in numbers and pictures")
    parser.add_argument("folder", metavar="run", type=Path, help="a run's folder, made by fit")
    parser.add_argument(
        "--no-test", action="store_true", help="leave the SIGNS test set alone while choosing a recipe"
    )
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="score an evaluated run on this folder of photos instead: with a manifest.csv "
        "(file,label,person), or with folders 0 to 5 and none",
    )
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints one line a data set, then where the pictures lie."""
    from training.evaluate import evaluate
    from training.photo_evaluation import evaluate_photos

    if arguments.photos is not None:
        evaluate_photos(arguments.folder, arguments.photos)
    else:
        evaluate(arguments.folder, arguments.data, test=not arguments.no_test)
    print(f"numbers and pictures are in {arguments.folder}")
