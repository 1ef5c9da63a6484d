"""`python -m training locate`: trains the locator of a run."""

from __future__ import annotations

import argparse

from training.commands.data_folder import add_data_folder
from training.commands.mixing import add_materials, require_materials
from training.commands.recipe_run import add_recipe, run_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("locate", help="train the small network that finds the hand in a photo")
    add_recipe(parser, "a recipe with [looks]")
    add_materials(parser)
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Trains, then says what comes next."""
    from training.locate import train_locator

    out = run_folder(arguments)
    train_locator(arguments.recipe, arguments.data, require_materials(arguments), out)
    print(f"next: python -m training fit {arguments.recipe} --out {out}")
