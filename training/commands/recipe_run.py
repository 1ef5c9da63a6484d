"""The recipe that several commands take, and the folder of its run."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_recipe(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds the positional `recipe`, told as `what`, and `--out DIR`."""
    parser.add_argument("recipe", type=Path, help=what)
    parser.add_argument("--out", type=Path, help="the run's folder (default: runs/NAME-OF-RECIPE)")


def run_folder(arguments: argparse.Namespace) -> Path:
    """Where the recipe's run lies; raises `RecipeError` where the recipe must tell and does not."""
    from training.config import read_recipe

    return arguments.out or Path("runs") / read_recipe(arguments.recipe).name
