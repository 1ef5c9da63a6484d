"""The page about the model and about pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app import classifier
from app.engines.constant import constant_manifest
from app.main import create_app
from app.manifest import Score
from app.settings import Settings
from tests.app.serving import service


def test_it_tells_the_model_its_threshold_and_privacy() -> None:
    with service() as client:
        page = client.get("/about").text
    assert "signs, version 1, made on 2000-01-01." in page
    assert "from a confidence of 50.0\u00a0% on." in page
    assert "It is not written to disk" in page
    assert "Wrong? Tell us" not in page


def test_the_card_beside_the_model_is_shown(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Card, version 1\n\n## Limits\n\nMany.\n", encoding="utf-8")
    with service(model_dir=tmp_path / "signs") as client:
        assert "<h2>Limits</h2>\n<p>Many.</p>" in client.get("/about").text
    with service(model_dir=tmp_path / "elsewhere" / "signs") as client:
        assert "no model card beside this model" in client.get("/about").text


def test_scores_come_from_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"signs_test": Score(n=120, accuracy=0.975, calibration_error=0.0128)}
    scored = constant_manifest().model_copy(update={"scores": scores})
    monkeypatch.setattr(classifier, "constant_manifest", lambda: scored)
    with service() as client:
        page = client.get("/about").text
    row = page.partition("SIGNS, test</th>")[2].partition("</tr>")[0]
    assert re.findall(r">([^<]+)</td>", row) == ["120", "97.5\u00a0%", "0.013"]


def test_without_a_model_it_says_so(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path))) as client:
        answer = client.get("/about")
    assert answer.status_code == 200
    assert "No model is ready just now." in answer.text
