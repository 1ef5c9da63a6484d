"""What the documents name exists, and what exists is documented."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest

from app.main import create_app
from app.manifest import read_manifest
from app.settings import Settings
from tests.conftest import ROOT
from training.cli import build_parser

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "model" / "README.md"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKE_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ROUTES = set(create_app(Settings()).openapi()["paths"])
UNDESCRIBED = {"/", "/docs", "/openapi.json"}
"""Routes for people, left out of the description for programs."""


def commands(text: str) -> list[str]:
    """The lines of all fenced shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def words_like(pattern: str) -> list[tuple[str, str]]:
    """Each match of a pattern in the documents, with its document's name."""
    return [
        (path.name, match)
        for path in DOCUMENTS
        for match in re.findall(pattern, path.read_text(encoding="utf-8"))
    ]


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip(" `"): row for row in text.splitlines() if row.startswith("| `SIGNS_")}
    assert set(rows) == {f"SIGNS_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default if field.default not in ((), {}) else ""
        assert f"| `{default}` |" in rows[f"SIGNS_{name.upper()}"].replace("| |", "| `` |"), name


def test_every_setting_that_is_named_exists() -> None:
    known = {f"SIGNS_{name.upper()}" for name in Settings.model_fields} | {"SIGNS_DATA"}
    assert not [(where, name) for where, name in words_like(r"SIGNS_[A-Z_]*[A-Z]") if name not in known]


def test_every_route_is_documented_and_every_documented_route_exists() -> None:
    told = set(re.findall(r"`(?:GET|POST) (/[\w/.-]*)`", README))
    assert told == ROUTES | UNDESCRIBED


def test_every_make_target_that_is_named_exists() -> None:
    named = words_like(r"`make ([a-z]+)[`;]") + [
        ("README.md", line.split()[1]) for line in commands(README) if line.startswith("make ")
    ]
    assert named
    assert not [(where, name) for where, name in named if name not in MAKE_TARGETS]


@pytest.mark.parametrize("target", ["serve", "test", "setup"])
def test_make_knows_how_to_do_what_the_readme_says(target: str) -> None:
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_every_training_command_in_the_readme_parses() -> None:
    lines = [line for line in commands(README) if "-m training" in line]
    assert len(lines) == 3
    for line in lines:
        build_parser().parse_args(shlex.split(line)[3:])


def test_every_link_and_picture_leads_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (path.parent / target).exists(), (path.name, target)


def test_every_path_in_the_layout_exists() -> None:
    layout = README.split("## Where things are")[1]
    for path in re.findall(r"^\| `([^`]+)`", layout, re.MULTILINE):
        assert (ROOT / path).exists(), path


def test_the_model_card_tells_the_newest_versions_scores() -> None:
    card = (ROOT / "model" / "README.md").read_text(encoding="utf-8")
    newest = max((ROOT / "model" / "signs").iterdir(), key=lambda folder: int(folder.name))
    manifest = read_manifest(newest)
    assert f"version {manifest.version}" in card.splitlines()[0]
    for name, score in manifest.scores.items():
        right = f"{round(score.n * score.accuracy)} ({100 * score.accuracy:.1f} %)"
        assert f"| {score.n} | {right} | {score.calibration_error:.3f} |" in card, name


def test_the_answer_in_the_readme_has_the_fields_of_the_schema() -> None:
    example = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    schema = create_app(Settings()).openapi()["components"]["schemas"]["Prediction"]
    assert example.keys() == schema["properties"].keys()
