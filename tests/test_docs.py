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
from tests.app.serving import service
from tests.conftest import ROOT
from training.cli import build_parser

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "model" / "README.md"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLIENTS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
MAKE_TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ROUTES = set(create_app(Settings()).openapi()["paths"])
UNDESCRIBED = {"/", "/about", "/docs", "/feedback", "/openapi.json"}
"""Routes for people, left out of the description for programs."""
TENSORFLOW_SERVING = {
    "/v1/models",
    "/v1/models/signs",
    "/v1/models/signs/metadata",
    "/v1/models/signs:predict",
}
"""Routes that TensorFlow Serving describes."""


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
    rows = {row.split("|")[1].strip(" `"): row for row in text.splitlines() if re.match(r"\| `[A-Z]", row)}
    assert set(rows) == {Settings.variable(name) for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default if field.default not in (None, (), {}) else ""
        assert f"| `{default}` |" in rows[Settings.variable(name)].replace("| |", "| `` |"), name


def test_every_setting_that_is_named_exists() -> None:
    known = {Settings.variable(name) for name in Settings.model_fields} | {"SIGNS_DATA"}
    assert not [(where, name) for where, name in words_like(r"SIGNS_[A-Z_]*[A-Z]") if name not in known]


def test_every_route_is_documented_and_every_documented_route_exists() -> None:
    told = set(re.findall(r"`(?:GET|POST) (/[\w/.:{}-]*)`", README + CLIENTS))
    assert told == ROUTES | UNDESCRIBED | TENSORFLOW_SERVING


@pytest.mark.parametrize("path", sorted(TENSORFLOW_SERVING))
def test_every_documented_route_of_tensorflow_serving_exists(path: str) -> None:
    with service() as client:
        told = client.post(path, content=b"").text if path.endswith(":predict") else client.get(path).text
    assert not re.search("not found|Could not find|Malformed", told), told


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


def test_every_training_command_of_the_experiments_parses() -> None:
    lines = commands((ROOT / "docs" / "experiments.md").read_text(encoding="utf-8"))
    assert {shlex.split(line)[3] for line in lines} >= {"materials", "locate", "crossvalidate"}
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
    assert example.keys() == set(schema["required"])
