"""The command line of training: `python -m training COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from app.errors import SignsError
from training import commands


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; 0 when it worked, 1 with one line of reason, 130 after Ctrl-C."""
    arguments = build_parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (SignsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    """A parser with one subparser for each command module."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in iter_modules(commands.__path__):
        add = getattr(import_module(f"{commands.__name__}.{module.name}"), "add", None)
        if add is not None:
            add(subparsers)
    return parser
