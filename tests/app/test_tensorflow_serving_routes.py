"""TensorFlow Serving's REST API and KServe's V1 over HTTP: addresses, states, errors."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.engines.constant import ConstantEngine
from tests.app.serving import error, service

GreyPng = Callable[[int], bytes]
PREDICT = "/v1/models/signs:predict"
BLACK = np.zeros((1, 64, 64, 3)).tolist()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(max_bytes=3_000_000, max_pixels=1_000_000) as client:
        yield client


def b64(picture: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(picture).decode()}


@pytest.mark.parametrize(
    "address",
    [
        "/v1/models/signs:predict",
        "/v1/models/signs/versions/1:predict",
        "/v1/models/signs/versions/01:predict",
        "/v1/models/signs/labels/stable:predict",
        "/V1/Models/signs/Versions/1:Predict",
    ],
)
def test_a_picture_gets_the_answer_of_predict(client: TestClient, grey_png: GreyPng, address: str) -> None:
    pictures = [grey_png(grey) for grey in (20, 120, 240)]
    known = [client.post("/predict", content=picture).json()["probabilities"] for picture in pictures]
    rows = client.post(address, json={"instances": [b64(picture) for picture in pictures]}).json()
    assert rows == {
        "predictions": [
            [{entry["label"]: entry["probability"] for entry in ranked}[label] for label in "012345"]
            for ranked in known
        ]
    }


def test_the_form_of_the_request_names_the_answer(client: TestClient, grey_png: GreyPng) -> None:
    by_row = client.post(PREDICT, json={"instances": [b64(grey_png(0))]}).json()
    by_column = client.post(PREDICT, json={"inputs": {"images": [b64(grey_png(0))]}}).json()
    assert by_column == {"outputs": by_row["predictions"]}


def test_a_tensor_gets_the_rows_of_the_network(client: TestClient) -> None:
    tensor = np.random.RandomState(0).rand(3, 64, 64, 3).astype(np.float32)
    rows = client.post(PREDICT, json={"instances": tensor.tolist()}).json()["predictions"]
    np.testing.assert_allclose(rows, ConstantEngine().run(tensor), atol=1e-6)


def test_the_content_type_does_not_matter(client: TestClient) -> None:
    body = json.dumps({"instances": BLACK}).encode()
    for kind in ("application/x-www-form-urlencoded", "text/plain", "image/png"):
        assert client.post(PREDICT, content=body, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v1/models/foo:predict", 404, "Servable not found for request: Latest(foo)"),
        ("POST", "/v1/models/Signs:predict", 404, "Servable not found for request: Latest(Signs)"),
        ("POST", "/v1/models/signs/versions/99:predict", 404, "for request: Specific(signs, 99)"),
        ("POST", "/v1/models/signs/versions/0:predict", 404, "for request: Specific(signs, 0)"),
        ("POST", "/v1/models/signs/labels/x:predict", 400, "Unrecognized servable version label: x"),
        ("POST", f"/v1/models/signs/versions/{2**64 - 1}:predict", 400, "Failed to convert version"),
        ("POST", f"/v1/models/signs/versions/{'9' * 5000}:predict", 400, "Failed to convert version"),
        ("POST", "/v1/models/signs/versions/x:predict", 400, "Malformed request: POST /v1/models/signs/v"),
        ("POST", "/v1/models/signs/versions/1/labels/stable:predict", 400, "Malformed request"),
        ("POST", "/v1/models/signs:explain", 400, "Malformed request: POST /v1/models/signs:explain"),
        ("POST", "/v1/models/signs:classify", 400, "Expected classification signature method_name"),
        ("POST", "/v1/models/signs:regress", 400, "Expected regression signature method_name"),
        ("POST", "/v1/models/signs", 400, "Malformed request: POST /v1/models/signs"),
        ("POST", "/v1/models", 400, "Malformed request"),
        ("POST", "/v1/foo", 400, "Malformed request"),
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("GET", "/v1/", 400, "Malformed request"),
        ("GET", PREDICT, 400, "Malformed request: GET /v1/models/signs:predict"),
        ("PUT", PREDICT, 400, "Malformed request: PUT"),
        ("DELETE", "/v1/models/signs", 400, "Malformed request: DELETE"),
        ("OPTIONS", PREDICT, 400, "Malformed request: OPTIONS"),
        ("GET", "/v1/models/signs/metadata/x", 400, "Malformed request"),
        ("GET", "/v1/models/metadata/metadata", 404, "Servable not found for request: Latest(metadata)"),
        ("GET", "/v1/models/versions/1", 400, "Missing model name in request."),
        ("GET", "/v1/models/labels/stable/metadata", 400, "Missing model name in request."),
        ("GET", "/v1/models/foo", 404, "Could not find any versions of model foo"),
        ("GET", "/v1/models/signs/versions/9", 404, "Could not find version 9 of model signs"),
        ("GET", "/v1/models/signs/versions/9/metadata", 404, "for request: Specific(signs, 9)"),
        ("GET", "/v1/models/signs/labels/x", 400, "Unrecognized servable version label: x"),
        ("GET", "/v1", 404, "nothing at /v1"),
        ("PURGE", PREDICT, 405, "expected"),
    ],
)
def test_a_wrong_address_is_told(
    client: TestClient, method: str, path: str, status: int, message: str
) -> None:
    assert message in error(client.request(method, path), status)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"instances = [1, 2]", "JSON Parse error: Invalid value at offset: 0"),
        (b'{"instances": [NaN]}', "NaN is no JSON; expected a finite number"),
        (b'{"instances": [-Infinity]}', "-Infinity is no JSON; expected a finite number"),
        (b'{"instances": [[[[1e999]]]]}', "unexpected size: 1 at level: 1 expected size: 64"),
        (json.dumps({"instances": BLACK}).replace("0.0", "1e999", 1).encode(), "Infinity to float"),
        (b'{"instances": [1], "instances": [2]}', 'the name "instances" stands twice'),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"instances": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}", "nested too deeply"),
        (b"[]," * 900_000, "JSON Parse error"),
        (json.dumps({"instances": [b64(b"no picture")]}).encode(), "send a JPEG"),
        (json.dumps({"instances": [{"b64": "iVBORw0KGgo"}]}).encode(), "Unable to base64 decode"),
        (json.dumps({"instances": [{"b64": ""}]}).encode(), "expected the bytes of a picture"),
        (json.dumps({"instances": BLACK * 257})[:2_000_000].encode(), "JSON Parse error"),
    ],
)
def test_a_wrong_body_is_400_and_says_why(client: TestClient, body: bytes, message: str) -> None:
    assert message in error(client.post(PREDICT, content=body), 400)


def test_a_bad_picture_among_good_ones_is_named(client: TestClient, grey_png: GreyPng) -> None:
    instances = [b64(grey_png(0)), b64(grey_png(0)[:40])]
    assert error(client.post(PREDICT, json={"instances": instances}), 400).startswith("picture 2 of 2: ")


def test_too_many_pictures_are_400(grey_png: GreyPng) -> None:
    with service(queue=3) as client:
        told = error(client.post(PREDICT, json={"instances": [b64(grey_png(0))] * 4}), 400)
        assert told == "expected 1 to 3 pictures, received 4"
        assert "received 4" in error(client.post(PREDICT, json={"instances": BLACK * 4}), 400)


def test_a_body_over_the_limit_is_413(client: TestClient) -> None:
    assert "at most 3000000 bytes" in error(client.post(PREDICT, content=bytes(3_000_001)), 413)


def test_a_full_queue_is_503_and_a_missed_deadline_504(grey_png: GreyPng) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(_images: object) -> None:
        running.set()
        assert release.wait(20)

    body = {"instances": [b64(grey_png(0))]}
    with service(ConstantEngine(before_run=hold), queue=1) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, PREDICT, json=body)
        assert running.wait(20)
        refused = client.post(PREDICT, json=body)
        release.set()
        assert "the queue is full" in error(refused, 503)
        assert int(refused.headers["retry-after"]) > 0
        assert first.result().status_code == 200
    with service(ConstantEngine(delay=0.5), deadline_ms=100) as client:
        assert "in time" in error(client.post(PREDICT, json=body), 504)


def test_pictures_are_counted(grey_png: GreyPng) -> None:
    with service() as client:
        client.post(PREDICT, json={"instances": [b64(grey_png(255))] * 2})
        client.post(PREDICT, json={"instances": [b64(b"x")]})
        told = client.get("/metrics").text
    assert 'signs_predictions_total{accepted="true",label="5"} 2.0' in told
    assert 'signs_rejections_total{reason="unsupported-image"} 1.0' in told


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES | st.just({"b64": "QUJD"}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["images", "b64", "x"]), inner, max_size=2)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["instances", "inputs", "signature_name", "x"]), VALUES)


@given(st.binary(max_size=50) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_no_body_gives_a_500(client: TestClient, body: bytes) -> None:
    error(client.post(PREDICT, content=body), 400)


@given(st.sampled_from(["GET", "POST", "HEAD", "PUT"]), st.text(max_size=20))
def test_no_path_gives_a_500(client: TestClient, method: str, path: str) -> None:
    path = quote(path, errors="replace")
    for address in (f"/v1/{path}", f"/v1/models/{path}", f"/v1/models/signs{path}"):
        assert client.request(method, address).status_code < 500
