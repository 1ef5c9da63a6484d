"""The Open Inference Protocol over REST: what it tells of the service's state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.classifier import Classifier
from app.engines.constant import ConstantEngine
from app.main import create_app
from app.repository import VersionStatus
from app.settings import Settings
from tests.app.open_inference import INFER, LENGTH, grey, json_request, refusal, tensor
from tests.app.serving import service

GreyPng = Callable[[int], bytes]
COMPUTE = ("compute_input", "compute_infer", "compute_output")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


def test_health_and_index(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    serving = [{"name": "signs", "version": "1", "state": "READY", "reason": ""}]
    for body in (b"", b"{}", b'{"ready": true}'):
        assert client.post("/v2/repository/index", content=body).json() == serving
    refusal(client.post("/v2/repository/index", content=b'{"ready": 1}'), 400)


def test_versions_that_do_not_serve_are_listed_and_not_ready(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = (
        VersionStatus(4, "refused", "its files were altered"),
        VersionStatus(3, "loading", "is being loaded"),
        VersionStatus(2, "standby"),
        VersionStatus(1, "serving"),
    )
    monkeypatch.setattr(Classifier, "versions", property(lambda _: statuses))
    told = client.post("/v2/repository/index").json()
    assert [(each["version"], each["state"], each["reason"]) for each in told] == [
        ("4", "UNAVAILABLE", "its files were altered"),
        ("3", "LOADING", "is being loaded"),
        ("2", "UNAVAILABLE", "standby"),
        ("1", "READY", ""),
    ]
    assert len(client.post("/v2/repository/index", json={"ready": True}).json()) == 1
    assert "standby" in refusal(client.get("/v2/models/signs/versions/2/ready"), 503)
    assert client.get("/v2/models/signs/versions/1/ready").status_code == 200
    refusal(client.get("/v2/models/signs/versions/5/ready"), 404)
    refusal(client.post("/v2/models/signs/versions/2/infer", json=json_request()), 404)


def test_a_service_without_a_model_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "signs" / "7").mkdir(parents=True)
    with TestClient(create_app(Settings(model_dir=tmp_path / "signs"))) as client:
        while "loading" in refusal(client.get("/v2/health/ready"), 503):
            pass
        assert client.get("/v2/health/live").status_code == 200
        for path in ("", "/ready", "/config", "/stats"):
            response = client.get(f"/v2/models/signs{path}")
            refusal(response, 503)
            assert int(response.headers["retry-after"]) > 0
        refusal(client.post(INFER, json=json_request()), 503)
        refusal(client.post(INFER, content=b"x", headers={LENGTH: "0"}), 503)
        (told,) = client.post("/v2/repository/index").json()
        assert (told["name"], told["version"], told["state"]) == ("signs", "7", "UNAVAILABLE")
        assert "manifest" in told["reason"]
        assert client.post("/v2/repository/index", json={"ready": True}).json() == []


def test_statistics_tell_what_happened(grey_png: GreyPng) -> None:
    with service(ConstantEngine(delay=0.01)) as client:
        client.post(INFER, json=json_request())
        client.post(INFER, json={"inputs": [tensor(grey(0, 1).tolist(), [2, 64, 64, 3])]})
        client.post("/predict", content=grey_png(0))
        client.post("/predict", content=b"no picture")
        for path in ("/v2/models/stats", "/v2/models/signs/stats", "/v2/models/signs/versions/1/stats"):
            (told,) = client.get(path).json()["model_stats"]
            assert (told["name"], told["version"]) == ("signs", "1")
            assert (told["inference_count"], told["execution_count"]) == (4, 3)
            counts = {kind: taken["count"] for kind, taken in told["inference_stats"].items()}
            assert {counts[kind] for kind in ("success", "queue", *COMPUTE)} == {3}
            assert (counts["fail"], counts["cache_hit"]) == (1, 0)
            taken = told["inference_stats"]
            assert taken["success"]["ns"] > taken["compute_infer"]["ns"] > 3 * 10_000_000
            assert [(each["batch_size"], each["compute_infer"]["count"]) for each in told["batch_stats"]] == [
                (1, 2),
                (2, 1),
            ]
