"""The bill of materials names every locked package, its licence, its files and who needs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from supply.bill import bill
from supply.locks import read_lock
from tests.conftest import ROOT

LOCKS = [ROOT / "requirements" / f"{name}.txt" for name in ("serving", "training", "dev")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_it_lists_what_is_locked(lock: object) -> None:
    path = next(each for each in LOCKS if each == lock)
    packages, told = read_lock(path), bill(path)
    parts = {part["name"]: part for part in told["components"]}
    assert {name: part["version"] for name, part in parts.items()} == {
        name: package.version for name, package in packages.items()
    }
    assert len({part["bom-ref"] for part in parts.values()}) == len(parts)
    assert all(part["hashes"] for part in parts.values())
    assert parts["fastapi"]["licenses"] == [{"expression": "MIT"}]


def test_it_tells_who_needs_what() -> None:
    told = bill(LOCKS[0])
    needs = {entry["ref"].split("@")[0]: entry["dependsOn"] for entry in told["dependencies"]}
    assert any(ref.startswith("pkg:pypi/fastapi@") for ref in needs["signs"])
    assert not any(ref.startswith("pkg:pypi/idna@") for ref in needs["signs"])
    assert any(ref.startswith("pkg:pypi/starlette@") for ref in needs["pkg:pypi/fastapi"])
    known = {part["bom-ref"] for part in told["components"]} | {told["metadata"]["component"]["bom-ref"]}
    assert {ref for refs in needs.values() for ref in refs} <= known
    reached = {ref for refs in needs.values() for ref in refs}
    assert reached == known - {told["metadata"]["component"]["bom-ref"]}, "each is needed by somebody"


def test_the_same_lock_gives_the_same_bill() -> None:
    command = [sys.executable, "-m", "supply.bill", str(LOCKS[0])]
    first, second = (
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout for _ in range(2)
    )
    assert first == second
    assert json.loads(first)["specVersion"] == "1.6"
