"""schemathesis, all checks on: what the descriptions allow is answered as they say, the rest refused."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.conftest import running

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("schemathesis")
PUBLISHED = HERE / "open_inference_protocol.yaml"
KEY = "sesame"
KEYS = f"ann:{hashlib.sha256(KEY.encode()).hexdigest()}"
TESTED = re.compile(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)")


def ask(folder: Path, description: str, *options: str, examples: int) -> None:
    """Lets schemathesis ask all that a description allows and forbids; fails with its report."""
    command = [str(PROGRAM), "--config-file", str(HERE / "schemathesis.toml"), "run", description, *options]
    command += ["--checks", "all", "--max-examples", str(examples), "--seed", "1", "--no-color"]
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = direct | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = TESTED.search(done.stdout)
    assert found, done.stdout
    assert found[1] == found[2] == found[3], done.stdout


@pytest.mark.parametrize("keys", ["", KEYS], ids=["without keys", "with keys"])
def test_our_own_description_is_true(tmp_path: Path, keys: str) -> None:
    sent = ["-H", f"Authorization: Bearer {KEY}", "-H", f"X-API-Key: {KEY}"] if keys else []
    with running(api_keys=keys) as address:
        ask(tmp_path, f"{address}/openapi.json", *sent, examples=8 if keys else 3)


def test_the_published_description_of_the_open_inference_protocol_is_kept(tmp_path: Path) -> None:
    with running() as address:
        ask(tmp_path, str(PUBLISHED), "--url", address, examples=30)
