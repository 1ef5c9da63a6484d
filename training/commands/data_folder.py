"""The `--data` option that several commands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

DEFAULT = "../shared/data"


def add_data_folder(parser: argparse.ArgumentParser) -> None:
    """Adds `--data DIR`, the folder that holds `signs/` and `digits/`."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("SIGNS_DATA", DEFAULT)),
        help=f"the folder that holds signs/ and digits/ (default: $SIGNS_DATA or {DEFAULT})",
    )
