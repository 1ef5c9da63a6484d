"""The options of commands that mix hands and backgrounds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.materials import Materials


def add_materials(parser: argparse.ArgumentParser) -> None:
    """Adds `--materials DIR` and `--backgrounds DIR`."""
    parser.add_argument("--materials", type=Path, metavar="DIR", help="what `materials` made")
    parser.add_argument(
        "--backgrounds", type=Path, metavar="DIR", help="a folder of pictures without hands, to lay them into"
    )


def read_materials(arguments: argparse.Namespace) -> Materials | None:
    """The materials, where both options are given; raises `DataError` where only one is."""
    from training.errors import DataError
    from training.materials import load_materials

    if arguments.materials is None and arguments.backgrounds is None:
        return None
    if arguments.materials is None or arguments.backgrounds is None:
        raise DataError("expected both --materials and --backgrounds, received one of them")
    return load_materials(arguments.materials, arguments.backgrounds)


def require_materials(arguments: argparse.Namespace) -> Materials:
    """The materials; raises `DataError` where an option is missing."""
    from training.errors import DataError

    materials = read_materials(arguments)
    if materials is None:
        raise DataError("expected --materials and --backgrounds, received neither")
    return materials
