"""`python -m supply.audit ADVISORIES`: which locked packages have known holes.

ADVISORIES is a folder or a zip file of advisories in the OSV format, such as the PyPI export of the
OSV database or the PyPA's advisory database. Nothing is downloaded, so it works where nothing can be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from supply.locks import FOLDER, Package, read_lock

Advisory = Mapping[str, Any]
HOLES, WRONG_USE = 1, 2


def read_advisories(path: Path) -> Iterator[Advisory]:
    """Every advisory of a folder or a zip file that still stands."""
    if path.is_dir():
        texts: Iterable[bytes] = (file.read_bytes() for file in sorted(path.rglob("*.json")))
    else:
        archive = ZipFile(path)
        texts = (archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".json"))
    return (advisory for advisory in map(json.loads, texts) if "withdrawn" not in advisory)


def concerns(advisory: Advisory, package: Package) -> bool:
    """Whether an advisory is about a package in its locked version (OSV schema, "Evaluation")."""
    version = Version(package.version)
    return any(
        affected.get("package", {}).get("ecosystem") == "PyPI"
        and canonicalize_name(affected["package"]["name"]) == package.name
        and (
            package.version in affected.get("versions", ())
            or any(
                _within(version, each["events"])
                for each in affected.get("ranges", ())
                if _is_of_versions(each)
            )
        )
        for affected in advisory.get("affected", ())
    )


def _is_of_versions(affected_range: Mapping[str, Any]) -> bool:
    return affected_range.get("type") in ("ECOSYSTEM", "SEMVER")  # the other type is of commits


def _within(version: Version, events: Sequence[Mapping[str, str]]) -> bool:
    steps = sorted((_version(text), kind) for event in events for kind, text in event.items())
    inside = False
    for at, kind in steps:
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")  # "0" and what is older than any: before everything


def audit(lock: Path, advisories: Iterable[Advisory], ignored: Sequence[str] = ()) -> list[str]:
    """One line for each hole: package, version, advisory with its other names, what it says."""
    packages = read_lock(lock).values()
    return sorted(
        f"{package.name} {package.version}: {' '.join(names)}: {advisory.get('summary', 'no summary')}"
        for advisory in advisories
        if not set(names := [advisory["id"], *advisory.get("aliases", ())]) & set(ignored)
        for package in packages
        if concerns(advisory, package)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the holes; 1 where there are any, else 0."""
    parser = argparse.ArgumentParser(prog="python -m supply.audit", description=__doc__)
    parser.add_argument("advisories", type=Path, help="a folder or a zip file of OSV advisories")
    parser.add_argument("--lock", type=Path, default=FOLDER / "serving.txt", help="default: %(default)s")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="ID", help="an advisory to pass over"
    )
    options = parser.parse_args(arguments)
    if not options.advisories.exists():
        print(f"{options.advisories}: expected a folder or a zip file of advisories", file=sys.stderr)
        return WRONG_USE
    advisories = list(read_advisories(options.advisories))
    holes = audit(options.lock, advisories, options.ignore)
    print(
        "\n".join([*holes, f"{options.lock.name}: {len(holes)} holes known to {len(advisories)} advisories"])
    )
    if not advisories:
        print(f"{options.advisories}: expected advisories, found none", file=sys.stderr)
        return WRONG_USE
    return HOLES if holes else 0


if __name__ == "__main__":
    sys.exit(main())
