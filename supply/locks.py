"""The lock files under `requirements/`, as pip-compile writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "requirements"
ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)[^\n]*\n(?P<rest>(?:[ ]{4}[^\n]*\n?)*)", re.MULTILINE
)


@dataclass(frozen=True)
class Package:
    """A locked package.

    `hashes` are those of its files, hex SHA-256; `via` names what needs it, packages in the same lock
    or constraints; `direct` says that Signs itself does.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]
    direct: bool

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(path: Path) -> dict[str, Package]:
    """The packages of a lock file by their names, in order."""
    packages = (_package(found) for found in ENTRY.finditer(path.read_text(encoding="utf-8")))
    return {package.name: package for package in packages}


def _package(found: re.Match[str]) -> Package:
    rest = found["rest"]
    return Package(
        found["name"],
        found["version"],
        hashes=tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)),
        via=tuple(re.findall(r"^ +#(?: via)? +([\w.-]+)$", rest, re.MULTILINE)),
        direct="signs (pyproject.toml)" in rest,
    )
