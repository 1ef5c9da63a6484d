"""Image classification as Hugging Face's clients ask for it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.serving import error, service

GreyPng = Callable[[int], bytes]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(max_bytes=200_000) as client:
        yield client


def encoded(picture: bytes, **parameters: Any) -> dict[str, Any]:
    return {"inputs": base64.b64encode(picture).decode(), "parameters": parameters}


def ranked(client: TestClient, picture: bytes) -> list[dict[str, Any]]:
    """What `/predict` answers, in the words of this dialect."""
    known = client.post("/predict", content=picture).json()["probabilities"]
    return [{"label": entry["label"], "score": entry["probability"]} for entry in known]


@pytest.mark.parametrize(
    "content_type", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", None]
)
def test_the_bytes_of_a_picture_get_all_labels_the_best_first(
    client: TestClient, grey_png: GreyPng, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post("/hf", content=grey_png(60), headers=headers)
    assert (response.status_code, response.json()) == (200, ranked(client, grey_png(60)))
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("top_k", [1, 2.0, 6, 100, None])
def test_top_k_limits_the_labels(client: TestClient, grey_png: GreyPng, top_k: float | None) -> None:
    answer = client.post("/hf", json=encoded(grey_png(60), top_k=top_k)).json()
    assert answer == ranked(client, grey_png(60))[: None if top_k is None else int(top_k)]


def test_the_function_makes_the_scores(client: TestClient, grey_png: GreyPng) -> None:
    def scores(function: str) -> list[float]:
        answer = client.post("/hf", json=encoded(grey_png(60), function_to_apply=function)).json()
        return [entry["score"] for entry in answer]

    probabilities, logits, sigmoids = map(scores, ("softmax", "none", "sigmoid"))
    assert probabilities == [entry["score"] for entry in ranked(client, grey_png(60))]
    powers = [math.exp(logit) for logit in logits]
    assert [power / sum(powers) for power in powers] == pytest.approx(probabilities)
    assert sigmoids == pytest.approx([1 / (1 + math.exp(-logit)) for logit in logits])
    assert logits == sorted(logits, reverse=True)


def test_a_probability_of_zero_has_a_finite_logit(grey_png: GreyPng) -> None:
    with service(ConstantEngine([1, 0, 0, 0, 0, 0])) as client:
        answer = client.post("/hf", json=encoded(grey_png(0), function_to_apply="none")).json()
    assert [entry["score"] for entry in answer] == pytest.approx([0] + [-708.4] * 5, abs=0.1)


@pytest.mark.parametrize("parameters", ["absent", None, {}, {"unknown": 1}])
def test_parameters_may_be_missing(client: TestClient, grey_png: GreyPng, parameters: Any) -> None:
    body = encoded(grey_png(60)) | {"parameters": parameters, "options": {"wait_for_model": True}}
    if parameters == "absent":
        del body["parameters"]
    assert client.post("/hf", json=body).json() == ranked(client, grey_png(60))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The document is empty"),
        (b"[]", "Is not object"),
        (b"{}", "expected `inputs`"),
        (b'{"inputs": NaN}', "NaN is no JSON"),
        (b'{"inputs": "%%%%"}', "Unable to base64 decode"),
        (b'{"inputs": ["QQ=="]}', "expected a string, received list"),
        (b'{"inputs": ""}', "expected the bytes of a picture"),
        (
            b'{"inputs": "QQ==", "parameters": {"top_k": 0}}',
            "top_k: Input should be greater than or equal to 1",
        ),
        (b'{"inputs": "QQ==", "parameters": {"top_k": true}}', "top_k: Input should be a valid integer"),
        (b'{"inputs": "QQ==", "parameters": {"top_k": 1.5}}', "top_k: Input should be a valid integer"),
        (b'{"inputs": "QQ==", "parameters": {"top_k": "2"}}', "top_k: Input should be a valid integer"),
        (
            b'{"inputs": "QQ==", "parameters": {"function_to_apply": "\\ud800"}}',
            "function_to_apply: Input should be a valid string",
        ),
        (
            b'{"inputs": "QQ==", "parameters": {"function_to_apply": "tanh"}}',
            "function_to_apply: Input should be 'softmax', 'sigmoid' or 'none'",
        ),
        (b'{"inputs": "QQ==", "parameters": []}', "expected `parameters` as an object"),
    ],
)
def test_a_wrong_request_is_400_and_says_why(client: TestClient, body: bytes, message: str) -> None:
    assert message in error(
        client.post("/hf", content=body, headers={"Content-Type": "application/json"}), 400
    )


def test_other_errors_have_its_shape_too(client: TestClient, grey_png: GreyPng) -> None:
    assert "send a JPEG" in error(client.post("/hf", content=b"no picture"), 415)
    assert "send a JPEG" in error(client.post("/hf", json=encoded(b"no picture")), 415)
    assert "truncated" in error(client.post("/hf", content=grey_png(0)[:50]), 422)
    assert "at most 200000 bytes" in error(client.post("/hf", content=bytes(200_001)), 413)
    assert error(client.get("/hf"), 405) == "expected POST, received GET"
    assert "nothing at /hf/x" in error(client.post("/hf/x"), 404)
    with service(api_keys={"ann": "0" * 64}) as closed:
        assert "expected an API key" in error(closed.post("/hf", content=grey_png(0)), 401)


def test_a_model_that_loads_says_for_how_long(tmp_path: Path, grey_png: GreyPng) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path / "signs"))) as client:
        response = client.post("/hf", content=grey_png(0))
    assert response.status_code == 503
    assert response.json().keys() == {"error", "estimated_time"}
    assert response.json()["error"].startswith("Model signs is currently loading")
    assert response.json()["estimated_time"] == int(response.headers["retry-after"]) > 0


def test_pictures_are_counted(grey_png: GreyPng) -> None:
    with service() as client:
        client.post("/hf", content=grey_png(255))
        client.post("/hf", content=b"x")
        told = client.get("/metrics").text
    assert 'signs_predictions_total{accepted="true",label="5"} 1.0' in told
    assert 'signs_rejections_total{reason="unsupported-image"} 1.0' in told


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("QUJD"),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["top_k", "function_to_apply"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(
    st.binary(max_size=50)
    | st.dictionaries(st.sampled_from(["inputs", "parameters"]), VALUES).map(
        lambda body: json.dumps(body).encode()
    ),
    st.sampled_from(["application/json", "image/png", "multipart/form-data", "x"]),
)
def test_no_body_gives_a_500(client: TestClient, body: bytes, content_type: str) -> None:
    response = client.post("/hf", content=body, headers={"Content-Type": content_type})
    error(response, response.status_code)
    assert response.status_code in (400, 415, 422)
