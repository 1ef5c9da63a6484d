"""`python -m training crossvalidate`: what a recipe will do on people it has never seen."""

from __future__ import annotations

import argparse

from training.commands.data_folder import add_data_folder
from training.commands.mixing import add_materials, require_materials
from training.commands.recipe_run import add_recipe, run_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser(
        "crossvalidate", help="train four times with other people left out, and keep the answers to them"
    )
    add_recipe(parser, "a recipe with a mixture")
    add_materials(parser)
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Says which fold is at work, then what comes next."""
    from training.folds import cross_validate

    out = run_folder(arguments)
    cross_validate(arguments.recipe, arguments.data, require_materials(arguments), out)
    print(f"next: python -m training fit {arguments.recipe} --out {out}")
