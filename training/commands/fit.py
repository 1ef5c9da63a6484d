"""`python -m training fit`: trains a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser(
        "fit", help="train a recipe; an interrupted run is taken up where it stopped"
    )
    parser.add_argument("recipe", type=Path, help="a recipe file, e.g. training/recipes/signs.toml")
    parser.add_argument("--out", type=Path, help="the run's folder (default: runs/NAME-OF-RECIPE)")
    parser.add_argument(
        "--tensorboard", action="store_true", help="log for TensorBoard too, into the run's tensorboard/"
    )
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Trains, then says where the run lies."""
    from training.config import read_recipe
    from training.fit import fit, tensorboard

    out = arguments.out or Path("runs") / read_recipe(arguments.recipe).name
    callbacks = [tensorboard(out)] if arguments.tensorboard else []
    fit(arguments.recipe, arguments.data, out, extra_callbacks=callbacks)
    print(f"trained into {out}; next: python -m training evaluate {out}")
