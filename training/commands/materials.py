"""`python -m training materials`: renders hands, and cuts real ones from their walls."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.data_folder import add_data_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("materials", help="render hands and cut real ones out, to mix pictures from")
    parser.add_argument(
        "--hand",
        type=Path,
        required=True,
        metavar="GLB",
        help="generic-hand/left.glb of the npm package @webxr-input-profiles/assets",
    )
    parser.add_argument("--count", type=int, default=6000, help="rendered hands (default: 6000)")
    parser.add_argument("--out", type=Path, default=Path("runs/materials"), help="default: runs/materials")
    add_data_folder(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Shows progress, then says what was made."""
    from training.materials import make_materials

    make_materials(arguments.data, arguments.hand, arguments.count, arguments.out)
