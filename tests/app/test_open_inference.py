"""The Open Inference Protocol over REST: what it answers in each of its forms."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.engines.constant import ConstantEngine
from tests.app.open_inference import (
    INFER,
    LENGTH,
    binary_request,
    grey,
    json_request,
    packed,
    predicted,
    refusal,
    split,
    tensor,
)
from tests.app.serving import service

GreyPng = Callable[[int], bytes]
BINARY = {"binary_data_output": True}
BINARY_OUTPUT = {"name": "probabilities", "parameters": {"binary_data": True}}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


def probabilities(answer: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"]) == ("probabilities", "FP32")
    return np.array(output["data"]).reshape(output["shape"])


def test_the_server_tells_what_it_is(client: TestClient) -> None:
    for path in ("/v2", "/v2/"):
        told = client.get(path).json()
        assert told.keys() == {"name", "version", "extensions"}
        assert {"binary_tensor_data", "classification", "statistics"} <= set(told["extensions"])


@pytest.mark.parametrize("path", ["/v2/models/signs", "/v2/models/signs/versions/1"])
def test_the_model_tells_what_it_takes_and_gives(client: TestClient, path: str) -> None:
    assert client.get(path).json() == {
        "name": "signs",
        "versions": ["1"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "images", "datatype": "FP32", "shape": [-1, 64, 64, 3]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 6]}],
    }
    assert client.get(f"{path}/ready").json() == {"name": "signs", "ready": True}
    config = client.get(f"{path}/config").json()
    assert config["max_batch_size"] == 32
    assert config["input"] == [{"name": "images", "data_type": "TYPE_FP32", "dims": [64, 64, 3]}]
    assert config["output"] == [{"name": "probabilities", "data_type": "TYPE_FP32", "dims": [6]}]


@pytest.mark.parametrize("path", [INFER, "/v2/models/signs/versions/1/infer"])
def test_numbers_nested_or_flat_and_pictures_get_the_answer_of_predict(
    client: TestClient, grey_png: GreyPng, path: str
) -> None:
    pixels = grey(0, 1)
    pictures = [base64.b64encode(grey_png(level)).decode() for level in (0, 255)]
    expected = [predicted(client, grey_png(level)) for level in (0, 255)]
    for given in (
        tensor(pixels.tolist(), [2, 64, 64, 3]),
        tensor(pixels.ravel().tolist(), [2, 64, 64, 3]),
        tensor(pictures, [2], "BYTES"),
        tensor([[each] for each in pictures], [2, 1], "BYTES"),
    ):
        response = client.post(path, json={"inputs": [given]})
        answer = response.json()
        assert response.headers["content-type"] == "application/json"
        assert (answer["model_name"], answer["model_version"]) == ("signs", "1")
        np.testing.assert_allclose(probabilities(answer), expected, atol=1e-6)


def test_tensors_may_follow_the_json(client: TestClient, grey_png: GreyPng) -> None:
    expected = np.array([predicted(client, grey_png(level)) for level in (0, 255)])
    pictures = packed(grey_png(0), grey_png(255))
    for body, headers in (
        binary_request(grey(0, 1).tobytes(), [2, 64, 64, 3], parameters=BINARY),
        binary_request(pictures, [2], "BYTES", parameters=BINARY),
        binary_request(
            pictures,
            [2, 1],
            "BYTES",
            outputs=[{"name": "probabilities", "parameters": {"binary_data": True}}],
        ),
    ):
        told, rest = split(client.post(INFER, content=body, headers=headers))
        (output,) = told["outputs"]
        assert output["parameters"] == {"binary_data_size": len(rest)}
        assert "data" not in output
        np.testing.assert_allclose(np.frombuffer(rest, "<f4").reshape(output["shape"]), expected, atol=1e-6)


def test_an_output_decides_for_itself_whether_it_is_binary(client: TestClient) -> None:
    outputs = [{"name": "probabilities", "parameters": {"binary_data": False}}]
    response = client.post(INFER, json=json_request(outputs=outputs, parameters=BINARY))
    assert LENGTH.lower() not in response.headers
    assert probabilities(response.json()).shape == (1, 6)


def test_a_body_without_json_is_a_picture_or_its_numbers(client: TestClient, grey_png: GreyPng) -> None:
    expected = predicted(client, grey_png(255))
    for body in (grey_png(255), grey(1).tobytes()):
        told, rest = split(client.post(INFER, content=body, headers={LENGTH: "0"}))
        assert told["outputs"][0]["shape"] == [1, 6]
        np.testing.assert_allclose(np.frombuffer(rest, "<f4"), expected, atol=1e-6)


def test_a_picture_as_long_as_its_numbers_is_still_a_picture(client: TestClient, grey_png: GreyPng) -> None:
    padded = grey_png(255).ljust(grey(1).nbytes, b"\0")
    _, rest = split(client.post(INFER, content=padded, headers={LENGTH: "0"}))
    np.testing.assert_allclose(np.frombuffer(rest, "<f4"), predicted(client, grey_png(255)), atol=1e-6)


def test_labels_in_place_of_numbers() -> None:
    with service(ConstantEngine([0.1, 0.05, 0.6, 0.05, 0.0, 0.2])) as client:
        for classes, expected in ((2, ["0.600000:2:2", "0.200000:5:5"]), (99, None)):
            outputs: list[Any] = [{"name": "probabilities", "parameters": {"classification": classes}}]
            (output,) = client.post(INFER, json=json_request(outputs=outputs)).json()["outputs"]
            assert (output["datatype"], output["shape"]) == ("BYTES", [1, len(output["data"])])
            assert output["data"] == (expected or output["data"])
            assert len(output["data"]) == min(classes, 6)
            outputs[0]["parameters"]["binary_data"] = True
            told, rest = split(client.post(INFER, json=json_request(outputs=outputs)))
            assert told["outputs"][0]["datatype"] == "BYTES"
            assert rest == packed(*(text.encode() for text in output["data"]))


def test_the_id_is_the_requests_or_one_of_our_own(client: TestClient) -> None:
    assert client.post(INFER, json=json_request(id="forty-two")).json()["id"] == "forty-two"
    response = client.post(INFER, json=json_request())
    assert response.json()["id"] == response.headers["x-request-id"]


def test_a_timeout_is_in_microseconds() -> None:
    with service(ConstantEngine(delay=0.3)) as client:
        for timeout, status in ((1000, 504), (0, 200), (60_000_000, 200), (2**63 - 1, 200)):
            parameters = {"timeout": timeout}
            assert client.post(INFER, json=json_request(parameters=parameters)).status_code == status


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_requests_and_answers_may_be_compressed(
    client: TestClient, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    body, headers = binary_request(grey(0).tobytes(), [1, 64, 64, 3], parameters=BINARY)
    plain = split(client.post(INFER, content=body, headers=headers | {"Accept-Encoding": "identity"}))
    coded = headers | {"Content-Encoding": coding, "Accept-Encoding": coding}
    response = client.post(INFER, content=encode(body), headers=coded)
    assert response.headers["content-encoding"] == coding
    told, rest = split(response)
    assert (told["outputs"], rest) == (plain[0]["outputs"], plain[1])


def test_the_inflated_size_counts() -> None:
    body = json.dumps(json_request()).encode()
    with service(max_bytes=len(body) - 1) as client:
        response = client.post(INFER, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        assert "at most" in refusal(response, 413)


def test_pictures_are_counted_like_those_of_predict(grey_png: GreyPng) -> None:
    with service() as client:
        pictures = packed(grey_png(0), grey_png(255))
        body, headers = binary_request(pictures, [2], "BYTES")
        client.post(INFER, content=body, headers=headers)
        client.post(INFER, content=b"no picture", headers={LENGTH: "0"})
        text = client.get("/metrics").text
    assert "signs_images_total 3.0" in text
    assert 'signs_predictions_total{accepted="true",label="5"} 1.0' in text
    assert 'signs_rejections_total{reason="unsupported-image"} 1.0' in text
