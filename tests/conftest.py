"""What tests of every package share."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]

# Examples run on shared machines, where the time of a single one says nothing.
hypothesis.settings.register_profile("signs", deadline=None)
hypothesis.settings.load_profile("signs")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of the data sets, from `SIGNS_DATA`; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SIGNS_DATA", ROOT.parent / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"the data sets are not here: {folder} (SIGNS_DATA names another folder)")
    return folder
