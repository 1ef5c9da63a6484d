"""The dashboard and the alerts ask for metrics and labels that the service has, and show all it has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.shared_metrics import WORKER_STARTS
from tests.app.serving import service
from tests.conftest import ROOT

GreyPng = Callable[[int], bytes]
Labels = dict[str, set[str]]

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/signs.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ROOT / "deploy/prometheus/signs.yml").read_text(encoding="utf-8"))["groups"][0][
    "rules"
]
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
SHOWN = [target["expr"] for target in TARGETS] + [DASHBOARD["annotations"]["list"][0]["expr"]]
EXPRESSIONS = SHOWN + [rule["expr"] for rule in RULES]
METRIC = re.compile(r"\b((?:signs|process)_\w+)(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"job", "instance", "version"}  # the last is made by count_values
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: prometheus)")


@pytest.fixture(scope="module")
def exposition(grey_png: GreyPng) -> str:
    """What is scraped of a service that has answered, and has a training record."""
    with service() as client:
        training = client.app.state.classifier.manifest.training  # type: ignore[attr-defined]
        training.labels["0"] = 1
        acceptance = client.app.state.classifier.manifest.acceptance  # type: ignore[attr-defined]
        vars(acceptance)["true_acceptance_rate"] = 0.9
        client.post("/predict", content=grey_png(0))
        return client.get("/metrics").text


@pytest.fixture(scope="module")
def known(exposition: str) -> Labels:
    """The labels of each sample by its name."""
    labels: Labels = defaultdict(set, {f"{WORKER_STARTS}_total": set()})  # of several processes only
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels[sample.name] |= set(sample.labels)
    return labels


def test_every_metric_that_is_asked_for_exists(known: Labels) -> None:
    asked = {name for text in EXPRESSIONS for name, _ in METRIC.findall(text)}
    assert len(asked) > 15
    assert asked - set(known) == set()


def test_every_label_that_is_asked_for_exists(known: Labels) -> None:
    for text in EXPRESSIONS:
        names = [name for name, _ in METRIC.findall(text)]
        of_metrics = set[str]().union(*(known[name] for name in names)) | OF_PROMETHEUS
        grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", text) for label in by.split(",")}
        assert grouped <= of_metrics, text
        for name, matchers in METRIC.findall(text):
            matched = set(re.findall(r"(\w+)(?==|!=)", matchers))
            assert matched <= known[name] | OF_PROMETHEUS, text


def test_every_metric_of_the_service_is_shown(exposition: str) -> None:
    families = {family.name for family in text_string_to_metric_families(exposition)}
    ours = {name for name in families if name.startswith("signs_") and not name.endswith("_created")}
    shown = " ".join(SHOWN)
    assert {name for name in ours | {WORKER_STARTS} if name not in shown} == set()


def test_legends_name_labels_of_their_metric(known: Labels) -> None:
    for target in TARGETS:
        (name, _) = METRIC.findall(target["expr"])[0]
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known[name] | OF_PROMETHEUS


def test_panels_have_places_of_their_own() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@needs_promtool
def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    filled = [text.replace("$__rate_interval", "5m").replace("$window", "1d") for text in SHOWN]
    records = [{"record": f"shown:number_{index}", "expr": text} for index, text in enumerate(filled)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": records + RULES}]}))
    checked = subprocess.run(
        [str(PROMTOOL), "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(SHOWN) + len(RULES)} rules found" in checked.stdout


@needs_promtool
def test_prometheus_finds_nothing_odd_in_the_metrics(exposition: str) -> None:
    command = [str(PROMTOOL), "check", "metrics"]
    checked = subprocess.run(command, input=exposition, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
