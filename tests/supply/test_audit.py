"""A locked package with a known hole is found by its version, and no other is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from supply.audit import HOLES, WRONG_USE, audit, concerns, main
from supply.locks import Package, read_lock
from tests.conftest import ROOT

SERVING = ROOT / "requirements" / "serving.txt"


def locked(version: str, name: str = "pillow") -> Package:
    return Package(name, version, (), (), True)


def advisory(name: str = "Pillow", **affected: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": name}
    return {
        "id": "PYSEC-1",
        "aliases": ["CVE-1"],
        "summary": "bad",
        "affected": [{"package": package} | affected],
    }


def versions(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


FIXED = versions({"introduced": "0"}, {"fixed": "10.2"})
AGAIN = versions({"introduced": "2"}, {"fixed": "3"}, {"introduced": "5"}, {"last_affected": "6"})


@pytest.mark.parametrize(
    ("affected", "version", "found"),
    [
        (FIXED, "10.1.9", True),
        (FIXED, "10.2", False),
        (FIXED, "10.2rc1", True),
        (FIXED, "10.10", False),
        (AGAIN, "1.9", False),
        (AGAIN, "2", True),
        (AGAIN, "3", False),
        (AGAIN, "5.5", True),
        (AGAIN, "6", True),
        (AGAIN, "6.0.1", False),
        ({"versions": ["1.0", "1.1"]}, "1.1", True),
        ({"versions": ["1.0", "1.1"]}, "1.2", False),
        (versions({"introduced": "0"}, kind="GIT"), "1.0", False),
        (versions({"introduced": "1.2"}), "99", True),
    ],
)
def test_the_version_decides(affected: dict[str, Any], version: str, found: bool) -> None:
    assert concerns(advisory(**affected), locked(version)) is found


def test_the_name_and_the_ecosystem_decide() -> None:
    assert not concerns(advisory(name="pillow-heif", **FIXED), locked("1"))
    assert concerns(advisory(name="PILLOW_HEIF", **FIXED), locked("1", "pillow-heif"))
    other = advisory(**FIXED)
    other["affected"][0]["package"]["ecosystem"] = "npm"
    assert not concerns(other, locked("1"))
    assert not concerns({"id": "x"}, locked("1"))


def test_what_is_ignored_is_passed_over() -> None:
    everything = advisory(**versions({"introduced": "0"}))
    (line,) = audit(SERVING, [everything])
    assert line == f"pillow {read_lock(SERVING)['pillow'].version}: PYSEC-1 CVE-1: bad"
    assert audit(SERVING, [everything], ["CVE-1"]) == []


@pytest.mark.parametrize("packed", [False, True])
def test_the_command_tells_by_its_status(
    packed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, old = advisory(**versions({"introduced": "0"})), advisory(**FIXED)
    withdrawn = bad | {"withdrawn": "2026-01-01T00:00:00Z"}
    for name, content, status in (("a", [bad, old], HOLES), ("b", [withdrawn, old], 0)):
        path = tmp_path / name
        path.mkdir()
        for index, one in enumerate(content):
            (path / f"{index}.json").write_text(json.dumps(one))
        if packed:
            path = tmp_path / f"{name}.zip"
            with ZipFile(path, "w") as archive:
                for index, one in enumerate(content):
                    archive.writestr(f"{index}.json", json.dumps(one))
        assert main([str(path)]) == status
        assert ("pillow" in capsys.readouterr().out) == bool(status)


def test_no_advisories_is_no_all_clear(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == WRONG_USE
    assert main([str(tmp_path / "nothing")]) == WRONG_USE
