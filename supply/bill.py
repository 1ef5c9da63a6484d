"""`python -m supply.bill [LOCK]`: the bill of materials of a lock file, CycloneDX 1.6 in JSON."""

from __future__ import annotations

import argparse
import json
import tomllib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from supply.licences import licence_of
from supply.locks import FOLDER, Package, read_lock


def bill(lock: Path) -> dict[str, Any]:
    """The document; the same lock gives the same, its serial number included."""
    packages = read_lock(lock).values()
    itself = _itself()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, lock.read_text(encoding='utf-8'))}",
        "version": 1,
        "metadata": {"component": itself},
        "components": [_component(package) for package in packages],
        "dependencies": [
            _needs(itself["bom-ref"], [part for part in packages if part.direct]),
            *(_needs(each.purl, [part for part in packages if each.name in part.via]) for each in packages),
        ],
    }


def _itself() -> dict[str, Any]:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "type": "application",
        "bom-ref": f"signs@{project['version']}",
        "name": project["name"],
        "version": project["version"],
        "licenses": [{"expression": project["license"]}],
    }


def _component(package: Package) -> dict[str, Any]:
    licence = licence_of(package.name)
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "hashes": [{"alg": "SHA-256", "content": content} for content in package.hashes],
    } | ({"licenses": [{"expression": licence}]} if licence else {})


def _needs(ref: str, parts: Iterable[Package]) -> dict[str, Any]:
    return {"ref": ref, "dependsOn": sorted(part.purl for part in parts)}


def main() -> None:
    """Prints the bill."""
    parser = argparse.ArgumentParser(prog="python -m supply.bill", description=__doc__)
    parser.add_argument("lock", nargs="?", type=Path, default=FOLDER / "serving.txt", help="a lock file")
    print(json.dumps(bill(parser.parse_args().lock), indent=2))


if __name__ == "__main__":
    main()
