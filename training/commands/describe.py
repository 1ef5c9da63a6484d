"""`python -m training describe`: the network in words and as a diagram."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command's parser."""
    parser = commands.add_parser("describe", help="tell a network by its blocks, or draw it")
    parser.add_argument("--network", default="residual", help="residual (default), plain, ...-without-bn")
    parser.add_argument("--full", action="store_true", help="every layer instead of every block")
    parser.add_argument("--svg", type=Path, help="draw the network into this file as well")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints the network, and draws it where asked to."""
    from training.diagram import diagram
    from training.gradients import find_variants
    from training.network import ResNet50
    from training.outline import outline, outline_text

    (variant,) = find_variants([arguments.network]).values()
    model = ResNet50(shortcuts=variant.shortcuts, batch_norm=variant.batch_norm)
    if arguments.full:
        model.summary(line_length=110)
    else:
        print(*outline_text(model), sep="\n")
    if arguments.svg:
        arguments.svg.write_text(diagram(model.name, outline(model)), encoding="utf-8")
        print(f"drawn into {arguments.svg}")
