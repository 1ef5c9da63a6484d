"""`python -m app`: serves, or answers for files."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import NotReady
from app.logs import configure_logs
from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from app.engines.base import Engine

WRONG_USE = 2  # as argparse exits
STOPPED = 3
INTERRUPTED = 130  # as shells tell of SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    begun = time.monotonic()
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    try:
        settings = Settings.load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    if options.command == "classify":
        return _classify(options, settings)
    return run_service(settings, begun)


def run_service(settings: Settings, begun: float, engine: Engine | None = None) -> int:
    """Serves until a signal, in one process or in several; returns the exit status.

    `begun` is the `time.monotonic()` instant from which the start is timed. Tests give an `engine`, which
    several workers must be able to unpickle, in place of a model folder.
    """
    configure_logs(settings.log_format)
    # Late, so that help and a wrong setting are told at once, and who only watches workers stays small.
    if settings.workers > 1:
        from app.supervisor import supervise

        return supervise(settings, begun, engine)
    from app.server import serve

    serve(settings, begun, engine)
    return 0


def _classify(options: argparse.Namespace, settings: Settings) -> int:
    from app.bulk.errors import RunRefused, RunStopped
    from app.bulk.run import Run, run_bulk
    from app.bulk.sources import Sources
    from app.classify import classify_sources

    sources = Sources(tuple(map(str, options.paths)), tuple(map(str, options.list)))
    try:
        if options.out is None:
            return classify_sources(sources, options.json, settings)
        return run_bulk(Run(sources, options.out, options.overwrite, options.ray), settings)
    except NotReady as error:
        return _tell(f"no model to classify with: {error} (SIGNS_MODEL_DIR={settings.model_dir})", WRONG_USE)
    except RunRefused as error:
        return _tell(str(error), WRONG_USE)
    except RunStopped as error:
        return _tell(f"stopped: {error}\nThe same command takes the run up.", STOPPED)
    except KeyboardInterrupt:
        again = "" if options.out is None else "; the same command takes the run up"
        return _tell(f"interrupted{again}", INTERRUPTED)


def _tell(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends with a message where options do not go together."""
    if options.command != "classify":
        return
    if not options.paths and not options.list:
        parser.error("classify: expected a PATH or --list, received neither")
    if options.out is None and (options.overwrite or options.ray):
        parser.error("classify: --overwrite and --ray are for answers in a file: expected --out as well")
    if options.out is not None and options.json:
        parser.error(
            "classify: --json is for the screen; the ending of --out names the format, such as .jsonl"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Reads the digit (0-5) that a hand signs in a photo; without a command, over HTTP.",
        epilog=f"settings, as environment variables [default]:\n{Settings.describe()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="answer over HTTP until a signal (the default)")
    _describe_classify(commands.add_parser("classify", help="answer for files, folders and archives"))
    return parser


def _describe_classify(classify: argparse.ArgumentParser) -> None:
    classify.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="a picture, a folder, a .zip or .tar of them, or a quoted pattern such as 'photos/**/*.jpg'",
    )
    classify.add_argument(
        "--list",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a text file with one PATH a line; may be given several times",
    )
    classify.add_argument("--json", action="store_true", help="one JSON object a line in place of a table")
    classify.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write .parquet, .csv or .jsonl in place of a table; a run that was cut off is taken up again",
    )
    classify.add_argument("--overwrite", action="store_true", help="replace --out where it exists already")
    classify.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="let a Ray cluster work on it: host:port, or auto for the one on this machine",
    )


if __name__ == "__main__":
    sys.exit(main())
