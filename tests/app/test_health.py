"""Live as long as the process is, ready only when it can answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.serving import service

GreyPng = Callable[[int], bytes]


def test_live_and_ready() -> None:
    with service() as client:
        assert client.get("/health/live").json()["status"] == "live"
        assert client.get("/health/ready").status_code == 200


def test_without_a_model_it_lives_and_says_why_it_is_not_ready(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path / "none"))) as client:
        while "loading" in (reason := client.get("/health/ready").json()["reason"]):
            time.sleep(0.01)
        assert str(tmp_path / "none") in reason
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200


def test_draining_is_not_ready_but_still_answers(grey_png: GreyPng) -> None:
    app = create_app(Settings(), ConstantEngine())
    with TestClient(app) as client:
        app.state.classifier.begin_drain()
        response = client.get("/health/ready")
        assert (response.status_code, response.json()["reason"]) == (503, "draining")
        assert client.get("/health/live").status_code == 200
        assert client.post("/predict", content=grey_png(0)).status_code == 200


def test_a_dead_inference_thread_is_told_to_whoever_can_start_it_anew(grey_png: GreyPng) -> None:
    def die(_images: Any) -> None:
        raise SystemExit

    with service(ConstantEngine(before_run=die)) as client:
        assert client.post("/predict", content=grey_png(0)).status_code == 503
        response = client.get("/health/live")
        assert (response.status_code, response.json()["status"]) == (503, "dead")
        assert "the inference thread died" in response.json()["reason"]
        assert client.get("/v2/health/live").status_code == 503


def test_health_waits_for_nobody(grey_png: GreyPng) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(_images: Any) -> None:
        running.set()
        assert release.wait(20)

    with service(ConstantEngine(before_run=hold)) as client, ThreadPoolExecutor(60) as pool:
        waiting = [pool.submit(client.post, "/predict", content=grey_png(0)) for _ in range(50)]
        assert running.wait(20)
        begun = time.monotonic()
        assert client.get("/health/ready").status_code == 200
        assert client.get("/health/live").status_code == 200
        seconds = time.monotonic() - begun
        release.set()
        assert {response.result().status_code for response in waiting} == {200}
    assert seconds < 5


def test_health_needs_no_key_and_is_not_cached() -> None:
    with service(api_keys={"ann": "0" * 64}) as client:
        for path in ("/health/live", "/health/ready"):
            response = client.get(path)
            assert response.status_code == 200
            assert response.headers["cache-control"] == "no-store"
