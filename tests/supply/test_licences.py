"""The list of licences is what the locks say now, and nothing in it forbids what Signs does with it."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

import pytest

from supply.licences import PAGE, READ, licence_of, locked, page

ROW = re.compile(r"^\| (?!package \|)([\w.-]+) \| (\S+) \| (\w+) \| (.+) \|$", re.MULTILINE)
ROWS = {
    name: (at, where, licence) for name, at, where, licence in ROW.findall(PAGE.read_text(encoding="utf-8"))
}
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LicenseRef-matplotlib", "MIT",
    "MIT-CMU", "PSF-2.0", "ZPL-2.1", "Zlib",
}  # fmt: skip
WEAK = {"MPL-2.0"}
"""Asks for the source of its own files only, which are used as they are."""
EXCEPTIONS = {"pillow-heif": {"LGPL-3.0-only", "GPL-2.0-only"}}
"""Its wheels carry libheif, libde265 and x265; docs/operations.md says what follows."""


def identifiers(expression: str) -> set[str]:
    return set(re.split(r" (?:AND|OR) ", expression.replace("(", "").replace(")", "")))


def test_every_locked_package_is_listed_with_its_version() -> None:
    expected = {package.name: (package.version, where) for package, where in locked()}
    assert {name: row[:2] for name, row in ROWS.items()} == expected, "run `make licences`"


def test_every_licence_is_one_that_may_be_used() -> None:
    for name, (_, _, licence) in ROWS.items():
        assert identifiers(licence) <= PERMISSIVE | WEAK | EXCEPTIONS.get(name, set()), (name, licence)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_list_says_what_the_package_says(name: str) -> None:
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    if installed != ROWS[name][0]:
        pytest.skip(f"{name} {installed} is installed, {ROWS[name][0]} is locked")
    assert licence_of(name) == ROWS[name][2]


def test_nothing_is_kept_about_packages_that_are_gone() -> None:
    assert set(READ) <= set(ROWS)


def test_the_page_is_as_it_would_be_written() -> None:
    assert page().splitlines()[:8] == PAGE.read_text(encoding="utf-8").splitlines()[:8]
