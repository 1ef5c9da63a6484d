"""The Open Inference Protocol over REST: whatever is wrong gets a clear text in the protocol's own shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.app.open_inference import (
    INFER,
    LENGTH,
    JsonObject,
    binary_request,
    grey,
    json_request,
    packed,
    refusal,
    tensor,
)
from tests.app.serving import service

GreyPng = Callable[[int], bytes]
FLAT = [0.0] * (64 * 64 * 3)
SHAPE = [1, 64, 64, 3]
BLACK = grey(0).tobytes()
OUTPUT = {"name": "probabilities"}
MILLION = 1_000_000


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(max_bytes=2_500_000) as client:
        yield client


def with_input(**changes: Any) -> JsonObject:
    return {"inputs": [tensor(FLAT, SHAPE) | changes]}


def without(name: str) -> JsonObject:
    return {"inputs": [{key: value for key, value in tensor(FLAT, SHAPE).items() if key != name}]}


@pytest.mark.parametrize(
    ("request_body", "told"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "images"),
        ({"inputs": {}}, "inputs"),
        ({"inputs": [1]}, "inputs.0"),
        ({"inputs": [tensor(FLAT, SHAPE)] * 2}, "once"),
        ({"inputs": [tensor(FLAT, SHAPE)] * 17}, "at most 16"),
        ({"inputs": [1] * 400_000}, "inputs"),
        (without("name"), "inputs.0.name"),
        (without("shape"), "inputs.0.shape"),
        (without("datatype"), "inputs.0.datatype"),
        (without("data"), "neither"),
        (with_input(name="picture"), "images"),
        (with_input(name="x" * MILLION), "images"),
        (with_input(name=None), "inputs.0.name"),
        (with_input(datatype="FP64"), "FP32"),
        (with_input(datatype="UINT8"), "FP32"),
        (with_input(datatype="BYTES"), "BYTES"),
        (with_input(datatype="x" * MILLION), "FP32"),
        (with_input(shape=[64, 64, 3]), "[n, 64, 64, 3]"),
        (with_input(shape=[1, 3, 64, 64]), "[n, 64, 64, 3]"),
        (with_input(shape=[]), "[n, 64, 64, 3]"),
        (with_input(shape=[0, 64, 64, 3]), "1 to 32"),
        (with_input(shape=[2, 64, 64, 3]), "24576"),
        (with_input(shape=[33, 64, 64, 3]), "1 to 32"),
        (with_input(shape=[2**63 - 1, 64, 64, 3]), "1 to 32"),
        (with_input(shape=[2**64, 64, 64, 3]), "inputs.0.shape.0"),
        (with_input(shape=[10**400, 64, 64, 3]), "inputs.0.shape.0"),
        (with_input(shape=[-1, 64, 64, 3]), "inputs.0.shape.0"),
        (with_input(shape=[1.0, 64, 64, 3]), "inputs.0.shape.0"),
        (with_input(shape=[True, 64, 64, 3]), "inputs.0.shape.0"),
        (with_input(shape=["1", 64, 64, 3]), "inputs.0.shape.0"),
        (with_input(shape=[1] * 400_000), "at most 16"),
        (with_input(data=FLAT[1:]), "12288"),
        (with_input(data=[*FLAT[1:], "0"]), "0"),
        (with_input(data=[*FLAT[1:], True]), "True"),
        (with_input(data=[*FLAT[1:], 1e39]), "1e+39"),
        (with_input(data=[[FLAT]]), "64"),
        (with_input(data="AAAA"), "inputs.0.data"),
        (with_input(data={}), "inputs.0.data"),
        (with_input(parameters=[]), "inputs.0.parameters"),
        (with_input(parameters={"binary_data_size": 4}), "received 0"),
        (with_input(parameters={"binary_data_size": -1}), "binary_data_size"),
        (with_input(parameters={"binary_data_size": 10**30}), "binary_data_size"),
        (with_input(parameters={"binary_data_size": "4"}), "binary_data_size"),
        (with_input(parameters={"binary_data_size": 0}), "both"),
        (json_request(id=1), "id"),
        (json_request(id=None), "id"),
        (json_request(parameters=None), "parameters"),
        (json_request(parameters={"timeout": -1}), "timeout"),
        (json_request(parameters={"timeout": "1"}), "timeout"),
        (json_request(parameters={"timeout": 10**400}), "timeout"),
        (json_request(parameters={"binary_data_output": 1}), "binary_data_output"),
        (json_request(outputs=[{"name": "logits"}]), "probabilities"),
        (json_request(outputs=[{}]), "outputs.0.name"),
        (json_request(outputs=[OUTPUT, OUTPUT]), "once"),
        (json_request(outputs=[OUTPUT | {"parameters": {"classification": 0}}]), "classification"),
        (json_request(outputs=[OUTPUT | {"parameters": {"classification": True}}]), "classification"),
        (json_request(outputs=[OUTPUT | {"parameters": {"classification": "2"}}]), "classification"),
        (json_request(outputs=[OUTPUT | {"parameters": {"binary_data": 1}}]), "binary_data"),
        ({"inputs": [tensor(["%%%%"], [1], "BYTES")]}, "base64"),
        ({"inputs": [tensor([1], [1], "BYTES")]}, "base64"),
        ({"inputs": [tensor(["AAAA"], [1, 2], "BYTES")]}, "[n] or [n, 1]"),
        ({"inputs": [tensor(["AAAA"] * 33, [33], "BYTES")]}, "1 to 32"),
        ({"inputs": [tensor([], [0], "BYTES")]}, "1 to 32"),
        ({"inputs": [tensor([""], [1], "BYTES")]}, "picture"),
        ({"inputs": [tensor(["AAAA"], [1], "BYTES")]}, "JPEG"),
    ],
)
def test_a_request_that_is_wrong_is_refused(client: TestClient, request_body: Any, told: str) -> None:
    assert told in refusal(client.post(INFER, json=request_body), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b'{"inputs": NaN}',
        b'{"inputs": [], "inputs": []}',
        b'{"inputs": "\xff"}',
        b"[" * MILLION,
        b'{"inputs":' * 200_000,
        b'{"inputs": [{"name": "images", "shape": [' + b"9" * MILLION + b"]}]}",
        json.dumps(json_request()).encode() + b"x",
        json.dumps(json_request(id="\ud800")).encode(),
        json.dumps(with_input(name="\ud800")).encode(),
        BLACK,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client: TestClient, body: bytes) -> None:
    refusal(client.post(INFER, content=body), 400)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(client: TestClient, bad: float) -> None:
    pixels = grey(0)
    pixels[0, 1, 2, 0] = bad
    body, headers = binary_request(pixels.tobytes(), SHAPE)
    for content, sent in ((body, headers), (pixels.tobytes(), {LENGTH: "0"})):
        assert "finite" in refusal(client.post(INFER, content=content, headers=sent), 400)


@pytest.mark.parametrize(
    ("binary", "shape", "datatype", "size", "told"),
    [
        (BLACK[:-1], SHAPE, "FP32", None, "49152 bytes"),
        (BLACK + b"\0", SHAPE, "FP32", None, "49152 bytes"),
        (BLACK, SHAPE, "FP32", 49151, "49151 bytes"),
        (BLACK, SHAPE, "FP32", 49153, "49153 bytes"),
        (BLACK, SHAPE, "FP32", 2**63 - 1, "bytes"),
        (BLACK, [2, 64, 64, 3], "FP32", None, "98304 bytes"),
        (BLACK, SHAPE, "FP16", None, "FP32"),
        (packed(b"no picture"), [1], "BYTES", None, "JPEG"),
        (packed(b"a", b"b"), [1], "BYTES", None, "elements"),
        (packed(b"a"), [2], "BYTES", None, "elements"),
        (b"\xff\xff\xff\xffa", [1], "BYTES", None, "elements"),
        (b"", [1], "BYTES", None, "elements"),
    ],
)
def test_sizes_that_disagree_are_refused(
    client: TestClient, binary: bytes, shape: list[int], datatype: str, size: int | None, told: str
) -> None:
    body, headers = binary_request(binary, shape, datatype, size)
    assert told in refusal(client.post(INFER, content=body, headers=headers), 400)


def test_a_binary_input_needs_the_header_that_says_where(client: TestClient) -> None:
    body, headers = binary_request(BLACK, SHAPE)
    length = int(headers[LENGTH])
    refusal(client.post(INFER, content=body), 400)
    wrong = (str(len(body) + 1), str(length - 1), str(length + 1), str(2**70), "-1", "+9", "1e3", "", "²")
    for header in (*wrong, "0x10", "9" * 100_000):
        sent = {LENGTH: header.encode("latin-1")}
        refusal(client.post(INFER, content=body, headers=sent), 400)  # type: ignore[arg-type]


def test_a_picture_that_cannot_be_read_is_named(client: TestClient, grey_png: GreyPng) -> None:
    body, headers = binary_request(packed(grey_png(0), grey_png(0)[:40]), [2], "BYTES")
    assert "picture 2 of 2" in refusal(client.post(INFER, content=body, headers=headers), 400)
    raw = client.post(INFER, content=grey_png(0)[:40], headers={LENGTH: "0"})
    assert "truncated" in refusal(raw, 400)
    refusal(client.post(INFER, content=b"", headers={LENGTH: "0"}), 400)


@pytest.mark.parametrize("path", ["", "/ready", "/config", "/stats", "/infer"])
@pytest.mark.parametrize("model", ["x", "signs/versions/2", "signs/versions/01", "signs/versions/x", "%00"])
def test_an_unknown_model_or_version_is_404(client: TestClient, model: str, path: str) -> None:
    url = f"/v2/models/{model}{path}"
    response = client.post(url, json=json_request()) if path == "/infer" else client.get(url)
    assert "signs" in refusal(response, 404)


def test_unknown_paths_and_methods_have_the_protocols_shape(client: TestClient) -> None:
    for path in (
        "/v2/nothing",
        "/v2/models",
        "/v2/models/signs/versions",
        "/v2/logging",
        "/v2/models//infer",
    ):
        refusal(client.get(path), 404)
    refusal(client.get(INFER), 405)
    refusal(client.post("/v2"), 405)
    refusal(client.put("/v2/health/live"), 405)


def test_an_unknown_coding_is_refused(client: TestClient) -> None:
    refusal(client.post(INFER, content=b"x", headers={"Content-Encoding": "br"}), 415)
    refusal(client.post(INFER, content=b"x", headers={"Content-Encoding": "gzip"}), 400)


def test_too_large_a_body_is_refused(client: TestClient) -> None:
    refusal(client.post(INFER, content=bytes(2_500_001)), 413)
