"""`python -m supply.licences`: writes docs/licences.md from what the installed packages say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

from supply.locks import FOLDER, Package, read_lock

PAGE: Final = FOLDER.parent / "docs" / "licences.md"
SETS: Final = ("serving", "training", "dev")
HEAD: Final = """\
# Licences of the dependencies

Written by `make licences` from what each locked package says of itself, as
[SPDX](https://spdx.org/licenses/) expressions. Signs itself is under the Apache License 2.0.
`serving` is what the image contains, `training` and `dev` what comes on top.

| package | version | set | licence |
|---|---|---|---|
"""
SPDX: Final[Mapping[str, str]] = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD 3-Clause": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "MIT License": "MIT",
    "OSI Approved :: Apache Software License": "Apache-2.0",
}
"""What packages without an expression write instead."""
READ: Final[Mapping[str, str]] = {
    "astunparse": "BSD-3-Clause AND PSF-2.0",
    "axe-playwright-python": "MIT AND MPL-2.0",
    "cycler": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "kubernetes-validate": "Apache-2.0",
    "markdown-it-py": "MIT",
    "matplotlib": "LicenseRef-matplotlib",
    "mdurl": "MIT",
    "namex": "Apache-2.0",
    "pathspec": "MPL-2.0",
    "pillow-heif": "BSD-3-Clause AND LGPL-3.0-only AND GPL-2.0-only",
    "safetensors": "Apache-2.0",
    "scipy": "BSD-3-Clause",
    "uvloop": "MIT OR Apache-2.0",
}
"""Of packages whose metadata is silent or too coarse: read in the licence files that they carry.

`LicenseRef-matplotlib` is a permissive licence modelled on Python's own.
"""


def licence_of(name: str) -> str:
    """The SPDX expression of an installed package; "" where it is not installed or does not tell."""
    if name in READ:
        return READ[name]
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    said = (told.get_all("License-Expression") or told.get_all("License") or [""])[0].partition("\n")[0]
    return SPDX.get(said, said)


def locked() -> list[tuple[Package, str]]:
    """Every locked package by name, with the smallest set that has it."""
    found: dict[str, tuple[Package, str]] = {}
    for name in SETS:
        for package in read_lock(FOLDER / f"{name}.txt").values():
            found.setdefault(package.name, (package, name))
    return [found[name] for name in sorted(found)]


def page() -> str:
    """The document."""
    rows = (
        f"| {package.name} | {package.version} | {where} | {licence_of(package.name) or 'unknown'} |\n"
        for package, where in locked()
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
