"""What tests of every package share."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]

# Tests leave nothing behind, and their networks must not push out the served one's.
os.environ["SIGNS_CACHE_DIR"] = ""

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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """`cert.pem` for 127.0.0.1, signed by itself, and its `key.pem`, in one folder."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=signs"
    )
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return paths
