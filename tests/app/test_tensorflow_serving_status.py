"""The states of the model and its versions, as TensorFlow Serving and KServe tell them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.serving import error, service

MakeVersion = Callable[..., Path]
PREDICT = "/v1/models/signs:predict"
BLACK = np.zeros((1, 64, 64, 3)).tolist()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


def until_ready(client: TestClient) -> None:
    """Waits until a version serves; an error after 60 s."""
    for _ in range(1200):
        if client.get("/health/ready").is_success:
            return
        time.sleep(0.05)
    raise AssertionError("no version became ready")


@pytest.mark.parametrize("address", ["signs", "signs/versions/1", "signs/labels/stable"])
def test_the_status_is_of_both_protocols(client: TestClient, address: str) -> None:
    known = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    response = client.get(f"/v1/models/{address}")
    assert response.status_code == 200
    assert response.json() == {"model_version_status": [known], "name": "signs", "ready": True}
    head = client.head(f"/v1/models/{address}")
    assert (head.status_code, head.content) == (200, b"")


def test_the_models_are_listed(client: TestClient) -> None:
    assert client.get("/v1/models").json() == {"models": ["signs"]}


def test_every_version_on_disk_has_its_state(make_version: MakeVersion, tmp_path: Path) -> None:
    root = tmp_path / "signs"
    for number in (1, 2):
        make_version(root, number)
    make_version(root, 3, sha256={})
    with TestClient(create_app(Settings(model_dir=root))) as client:
        until_ready(client)
        status = client.get("/v1/models/signs").json()
        assert [(entry["version"], entry["state"]) for entry in status["model_version_status"]] == [
            ("3", "END"),
            ("2", "AVAILABLE"),
            ("1", "END"),
        ]
        assert status["model_version_status"][0]["status"]["error_code"] == "FAILED_PRECONDITION"
        only = client.get("/v1/models/signs/versions/3").json()["model_version_status"]
        assert only == status["model_version_status"][:1]
        assert client.get("/v1/models/signs/metadata").json()["model_spec"]["version"] == "2"
        assert client.get("/v1/models/signs/versions/1/metadata").status_code == 404
        told = error(client.post("/v1/models/signs/versions/1:predict", json={"instances": BLACK}), 404)
        assert told == "Servable not found for request: Specific(signs, 1)"
        assert client.post("/v1/models/signs/versions/2:predict", json={"instances": BLACK}).is_success


def test_without_a_model_it_is_not_ready(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path / "signs"))) as client:
        response = client.get("/v1/models/signs")
        assert (response.status_code, int(response.headers["retry-after"])) == (503, 5)
        assert response.json() == {"model_version_status": [], "name": "signs", "ready": False}
        assert client.get("/v1/models").json() == {"models": ["signs"]}
        assert error(client.post(PREDICT, json={"instances": BLACK}), 503)
        assert error(client.get("/v1/models/signs/metadata"), 503)
        assert error(client.post("/v1/models/foo:predict", json={"instances": BLACK}), 404)


def test_a_draining_service_still_answers_but_is_not_ready() -> None:
    app = create_app(Settings(), ConstantEngine())
    with TestClient(app) as client:
        app.state.classifier.begin_drain()
        response = client.get("/v1/models/signs")
        assert (response.status_code, response.json()["ready"]) == (503, False)
        assert response.json()["model_version_status"][0]["state"] == "UNLOADING"
        assert client.get("/v1/models/signs/versions/1").status_code == 200
        assert client.post(PREDICT, json={"instances": BLACK}).status_code == 200
