"""`python -m app`: serves, or answers for files."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.errors import NotReady
from app.logs import configure_logs
from app.settings import Settings, SettingsError

WRONG_USE = 2  # as argparse exits


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    begun = time.monotonic()
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    if options.command == "classify":
        return _classify(options.paths, options.json, settings)
    return _serve(settings, begun)


def _serve(settings: Settings, begun: float) -> int:
    from app.server import serve  # late, so that help and a wrong setting are told at once

    configure_logs(settings.log_format)
    serve(settings, begun)
    return 0


def _classify(paths: Sequence[Path], as_json: bool, settings: Settings) -> int:
    from app.classify import classify_paths

    try:
        return classify_paths(paths, as_json, settings)
    except NotReady as error:
        print(f"no model to classify with: {error} (SIGNS_MODEL_DIR={settings.model_dir})", file=sys.stderr)
        return WRONG_USE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Reads the digit (0-5) that a hand signs in a photo; without a command, over HTTP.",
        epilog=f"settings, as environment variables [default]:\n{Settings.describe()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="answer over HTTP until a signal (the default)")
    classify = commands.add_parser("classify", help="answer for files and folders")
    classify.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a picture, or a folder of them"
    )
    classify.add_argument("--json", action="store_true", help="one JSON object a line in place of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
