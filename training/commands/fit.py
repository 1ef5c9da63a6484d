"""`python -m training fit`: trains a recipe."""

from __future__ import annotations

import argparse

from training.commands.data_folder import add_data_folder
from training.commands.mixing import add_materials, read_materials
from training.commands.recipe_run import add_recipe, run_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser(
        "fit", help="train a recipe; an interrupted run is taken up where it stopped"
    )
    add_recipe(parser, "a recipe file, e.g. training/recipes/signs.toml")
    parser.add_argument(
        "--tensorboard", action="store_true", help="log for TensorBoard too, into the run's tensorboard/"
    )
    add_materials(parser)
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Trains, then says where the run lies."""
    from training.fit import fit, tensorboard

    out = run_folder(arguments)
    callbacks = [tensorboard(out)] if arguments.tensorboard else []
    fit(
        arguments.recipe,
        arguments.data,
        out,
        materials=read_materials(arguments),
        extra_callbacks=callbacks,
    )
    print(f"trained into {out}; next: python -m training evaluate {out}")
