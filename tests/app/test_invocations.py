"""What Amazon SageMaker and Vertex AI ask of a container."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.serving import problem, service

GreyPng = Callable[[int], bytes]
VERTEX: dict[str, Any] = {
    "aip_health_route": "/v1/endpoints/7/deployedModels/8",
    "aip_predict_route": "/v1/endpoints/7/deployedModels/8:predict",
}
PATHS: list[str] = ["/invocations", VERTEX["aip_predict_route"]]
KEYS = {"ann": hashlib.sha256(b"sesame").hexdigest()}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(**VERTEX) as client:
        yield client


def b64(picture: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(picture).decode()}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content_type", ["image/png", "application/x-image", "application/octet-stream", None]
)
def test_a_picture_gets_the_answer_of_predict(
    client: TestClient, grey_png: GreyPng, path: str, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post(path, content=grey_png(60), headers=headers)
    assert response.status_code == 200
    assert response.json() == client.post("/predict", content=grey_png(60)).json()


@pytest.mark.parametrize("path", PATHS)
def test_a_form_is_read_as_by_predict(client: TestClient, grey_png: GreyPng, path: str) -> None:
    assert client.post(path, files={"file": grey_png(255)}).json()["label"] == "5"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("form", "answer_key"), [("instances", "predictions"), ("inputs", "outputs")])
def test_json_is_answered_as_by_tensorflow_serving(
    client: TestClient, grey_png: GreyPng, path: str, form: str, answer_key: str
) -> None:
    for values in ([b64(grey_png(0)), b64(grey_png(200))], np.ones((2, 64, 64, 3)).tolist()):
        known = client.post("/v1/models/signs:predict", json={form: values}).json()
        assert known.keys() == {answer_key}
        response = client.post(path, json={form: values, "parameters": {"any": "thing"}})
        assert (response.status_code, response.json()) == (200, known)


def test_errors_have_the_shape_of_their_path(client: TestClient) -> None:
    assert "Missing 'inputs'" in problem(client.post("/invocations", json={}), 400)["detail"]
    problem(client.post("/invocations", content=b"x"), 415)
    problem(client.post("/invocations", content=b""), 400)
    problem(client.post("/invocations", content=b"x", headers={"Content-Type": "text/csv"}), 415)
    assert client.post(PATHS[1], json={}).json().keys() == {"error"}


@pytest.mark.parametrize("path", ["/ping", VERTEX["aip_health_route"]])
def test_health_is_readiness_and_needs_no_key(path: str, tmp_path: Path) -> None:
    app = create_app(Settings(**VERTEX, api_keys=KEYS), ConstantEngine())
    with TestClient(app) as client:
        assert client.get(path).status_code == 200
        app.state.classifier.begin_drain()
        assert (client.get(path).status_code, client.get(path).json()["reason"]) == (503, "draining")
    with TestClient(create_app(Settings(**VERTEX, model_dir=tmp_path))) as client:
        assert client.get(path).status_code == 503


@pytest.mark.parametrize("path", PATHS)
def test_predictions_need_a_key_where_keys_are_set(grey_png: GreyPng, path: str) -> None:
    with service(**VERTEX, api_keys=KEYS) as client:
        assert client.post(path, content=grey_png(0)).status_code == 401
        assert client.post(path, content=grey_png(0), headers={"X-API-Key": "sesame"}).status_code == 200


def test_vertex_may_use_a_path_that_is_there_already(grey_png: GreyPng) -> None:
    with service(aip_health_route="/health", aip_predict_route="/predict") as client:
        assert client.get("/health").status_code == 200
        assert client.post("/predict", content=grey_png(0)).json()["label"] == "0"
        assert client.post("/predict", json={"instances": [b64(grey_png(0))]}).json().keys() == {
            "predictions"
        }


def test_without_its_variables_vertex_has_no_paths() -> None:
    with service() as client:
        assert client.get(VERTEX["aip_health_route"]).status_code == 400  # as TensorFlow Serving has it


@given(
    st.binary(max_size=50)
    | st.dictionaries(
        st.sampled_from(["instances", "inputs"]), st.lists(st.just({"b64": "QUJD"}) | st.floats())
    ).map(lambda document: json.dumps(document).encode()),
    st.sampled_from(
        ["application/json", "image/png", "multipart/form-data", "multipart/form-data; boundary=a", "x"]
    ),
)
def test_no_body_gives_a_500(client: TestClient, body: bytes, content_type: str) -> None:
    response = client.post("/invocations", content=body, headers={"Content-Type": content_type})
    assert response.status_code in (400, 415, 422), response.text
