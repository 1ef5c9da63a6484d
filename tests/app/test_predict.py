"""`POST /predict` and `/predict/batch`: the answers, and what stands in their way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.conftest import Encode
from tests.app.serving import problem, service

GreyPng = Callable[[int], bytes]
GREYS = {"0": 0, "1": 51, "2": 102, "3": 153, "4": 204, "5": 255}  # by the constant engine's rule


@pytest.fixture(scope="module")
def client() -> Any:
    with service(max_bytes=200_000, max_pixels=1_000_000) as client:
        yield client


def test_prediction_is_as_in_the_contract(client: TestClient, grey_png: GreyPng) -> None:
    response = client.post("/predict", files={"file": ("hand.png", grey_png(255), "image/png")})
    assert response.status_code == 200
    answer = response.json()
    assert answer.keys() == {"label", "confidence", "accepted", "probabilities", "model"}
    assert answer["label"] == "5"
    assert answer["accepted"] is True
    assert answer["model"] == {"name": "signs", "version": 1}
    values = [entry["probability"] for entry in answer["probabilities"]]
    assert answer["probabilities"][0] == {"label": "5", "probability": answer["confidence"]}
    assert sorted(entry["label"] for entry in answer["probabilities"]) == list("012345")
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/jpeg", "IMAGE/PNG; q=1", "application/octet-stream", None]
)
def test_the_body_itself_may_be_the_picture(
    client: TestClient, grey_png: GreyPng, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post("/predict", content=grey_png(102), headers=headers)
    assert (response.status_code, response.json()["label"]) == (200, "2")


def test_an_unlikely_picture_is_not_accepted(grey_png: GreyPng) -> None:
    with service(ConstantEngine([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])) as client:
        answer = client.post("/predict", files={"file": grey_png(0)}).json()
    assert (answer["label"], answer["accepted"]) == ("0", False)


def test_concurrent_pictures_each_get_their_own_answer(client: TestClient, grey_png: GreyPng) -> None:
    labels = list(GREYS) * 8
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda label: client.post("/predict", files={"file": grey_png(GREYS[label])}), labels
        )
        assert [answer.json()["label"] for answer in answers] == labels


def test_batch_keeps_order_and_one_bad_file_spoils_no_other(client: TestClient, grey_png: GreyPng) -> None:
    files: list[tuple[str, tuple[str, bytes] | tuple[str, bytes, str]]] = [
        ("files", ("a.png", grey_png(0))),
        ("files", ("b.txt", b"no picture", "application/octet-stream")),
        ("files", ("c.png", grey_png(255))),
        ("files", ("d.png", b"")),
        ("files", ("e.txt", grey_png(0), "text/plain")),
    ]
    response = client.post("/predict/batch", files=files)
    assert response.status_code == 200
    answer = response.json()
    assert answer["model"] == {"name": "signs", "version": 1}
    results = answer["results"]
    assert [result["filename"] for result in results] == ["a.png", "b.txt", "c.png", "d.png", "e.txt"]
    assert [result["prediction"]["label"] for result in (results[0], results[2])] == ["0", "5"]
    assert [results[index]["error"]["status"] for index in (1, 3, 4)] == [415, 400, 415]
    assert [sorted(result) for result in results[:2]] == [["filename", "prediction"], ["error", "filename"]]


def test_batch_takes_32_files_and_no_more(client: TestClient, grey_png: GreyPng) -> None:
    files = [("files", (f"{index}.png", grey_png(index * 8))) for index in range(33)]
    assert len(client.post("/predict/batch", files=files[:32]).json()["results"]) == 32
    assert "32" in problem(client.post("/predict/batch", files=files), 400)["detail"]


def test_too_many_pixels_are_refused(client: TestClient, encode: Encode) -> None:
    told = problem(client.post("/predict", content=encode(Image.new("1", (1001, 1000)))), 422)
    assert told["type"] == "urn:signs:problem:image-too-large"
    assert "1,000,000" in told["detail"]


def test_without_a_model_the_answer_is_503(tmp_path: Path, grey_png: GreyPng) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path))) as client:
        for response in (
            client.post("/predict", files={"file": grey_png(0)}),
            client.post("/predict/batch", files={"files": grey_png(0)}),
            client.get("/model"),
        ):
            assert problem(response, 503)["type"] == "urn:signs:problem:not-ready"
            assert int(response.headers["retry-after"]) > 0


def part_of(route: str) -> str:
    return "file" if route == "/predict" else "files"


@pytest.mark.parametrize("route", ["/predict", "/predict/batch"])
def test_a_full_queue_is_503_and_empties_again(route: str, grey_png: GreyPng) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(_images: object) -> None:
        running.set()
        assert release.wait(20)

    part = part_of(route)
    with service(ConstantEngine(before_run=hold), queue=1) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, route, files={part: grey_png(0)})
        assert running.wait(20)
        refused = client.post(route, files={part: grey_png(0)})
        release.set()
        assert problem(refused, 503)["type"] == "urn:signs:problem:overloaded"
        assert int(refused.headers["retry-after"]) > 0
        assert first.result().status_code == 200
        assert client.post(route, files={part: grey_png(0)}).status_code == 200


@pytest.mark.parametrize("route", ["/predict", "/predict/batch"])
def test_no_answer_by_the_deadline_is_504(route: str, grey_png: GreyPng) -> None:
    with service(ConstantEngine(delay=0.5), deadline_ms=100) as client:
        response = client.post(route, files={part_of(route): grey_png(0)})
    assert problem(response, 504)["type"] == "urn:signs:problem:deadline-exceeded"


def test_a_failing_engine_is_no_500(grey_png: GreyPng) -> None:
    def fail(_images: object) -> None:
        raise RuntimeError("out of luck")

    with service(ConstantEngine(before_run=fail)) as client:
        told = problem(client.post("/predict", files={"file": grey_png(0)}), 503)
        assert "Traceback" not in told["detail"]
        results = client.post("/predict/batch", files={"files": grey_png(0)}).json()["results"]
    assert results[0]["error"]["type"] == "urn:signs:problem:inference-error"


def test_the_window_is_told_only_when_asked_for(client: TestClient, grey_png: GreyPng) -> None:
    whole = {"x0": 0.0, "y0": 0.0, "x1": 1.0, "y1": 1.0}
    photo = grey_png(0)
    assert "window" not in client.post("/predict", content=photo).json()
    assert client.post("/predict?explain=true", content=photo).json()["window"] == whole
    files = [("files", ("a.png", photo)), ("files", ("b.png", b"none"))]
    told = client.post("/predict/batch?explain=true", files=files).json()["results"]
    assert told[0]["prediction"]["window"] == whole
    assert told[1].keys() == {"filename", "error"}
    assert "window" not in client.post("/predict/batch", files=files).json()["results"][0]["prediction"]


def test_explain_must_be_yes_or_no(client: TestClient, grey_png: GreyPng) -> None:
    told = problem(client.post("/predict?explain=perhaps", content=grey_png(0)), 422)
    assert "explain" in told["detail"]
