"""The lock files are complete, agree with each other and with pyproject.toml, and name no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
SETS = {
    "serving": PROJECT["dependencies"],
    "training": [*PROJECT["dependencies"], *EXTRAS["training"]],
    "dev": [
        *PROJECT["dependencies"],
        *EXTRAS["training"],
        *EXTRAS["telemetry"],
        *EXTRAS["bulk"],
        *EXTRAS["dev"],
    ],
}
RAY = {"ray": [*PROJECT["dependencies"], *EXTRAS["ray"]]}
"""The service's set with Ray, which is too large for the others."""
APART = {
    "kserve": re.findall(r"^\w.*", (ROOT / "requirements" / "kserve.in").read_text(encoding="utf-8"), re.M)
}
"""Locked by themselves, for environments of their own."""
LOCKS = SETS | RAY | APART
ENTRY = re.compile(
    r"^([\w.-]+)==(\S+)(?: ; [^\\]+)? \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


def read_lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def versions(text: str) -> dict[str, Version]:
    return {canonicalize_name(package): Version(version) for package, version, _ in ENTRY.findall(text)}


def statements(text: str) -> str:
    """The lock without its comments and empty lines."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


@pytest.mark.parametrize("name", LOCKS)
def test_every_statement_is_a_pinned_version_with_hashes(name: str) -> None:
    rest = ENTRY.sub("", statements(read_lock(name)))
    assert rest == ""


@pytest.mark.parametrize("name", LOCKS)
def test_no_address_is_named(name: str) -> None:
    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", read_lock(name)) == []


@pytest.mark.parametrize(("name", "requirement"), [(name, line) for name in LOCKS for line in LOCKS[name]])
def test_every_requirement_is_met(name: str, requirement: str) -> None:
    wanted = Requirement(requirement)
    assert wanted.specifier.contains(versions(read_lock(name))[canonicalize_name(wanted.name)])


def test_the_smaller_sets_are_part_of_the_larger() -> None:
    serving, training, dev = (versions(read_lock(name)).items() for name in SETS)
    assert serving <= training <= dev


def test_the_service_on_ray_is_the_service() -> None:
    assert versions(read_lock("serving")).items() <= versions(read_lock("ray")).items()


def test_serving_needs_nothing_of_training() -> None:
    only_training = {canonicalize_name(Requirement(line).name) for line in EXTRAS["training"]}
    assert only_training.isdisjoint(versions(read_lock("serving")))


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r'  "[\w-]+(\[[\w,]+\])?[<>=]', line)]
    assert len(lines) == len(SETS["dev"]) + len(EXTRAS["ray"])
    assert [line for line in lines if not re.search(r'",\s+# \w', line)] == []
