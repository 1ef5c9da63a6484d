"""TensorFlow Serving's JSON: both forms, and its words for what is wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from app.engines.constant import constant_manifest
from app.errors import MalformedRequest, SignsError, TensorError
from app.manifest import InputSpec
from app.repository import VersionState, VersionStatus
from app.tensorflow_serving import metadata, read_predict, version_status

SPEC = InputSpec(height=2, width=1)
TENSOR = [[[[0.0, 0.5, 1.0]], [[0.25, 0, 1]]]]
B64 = {"b64": base64.b64encode(b"picture").decode()}


def read(document: object) -> Any:
    return read_predict(json.dumps(document).encode(), SPEC, most=4)


@pytest.mark.parametrize(
    ("document", "answer_key"),
    [
        ({"instances": TENSOR}, "predictions"),
        ({"instances": [{"images": TENSOR[0]}]}, "predictions"),
        ({"inputs": TENSOR}, "outputs"),
        ({"inputs": {"images": TENSOR}}, "outputs"),
        ({"inputs": TENSOR, "signature_name": "serving_default", "other": {"is": "ignored"}}, "outputs"),
        ({"instances": TENSOR, "signature_name": ""}, "predictions"),
    ],
)
def test_tensors_are_read_in_both_forms(document: dict[str, Any], answer_key: str) -> None:
    asked = read(document)
    assert asked.answer_key == answer_key
    assert asked.content.dtype == np.float32
    np.testing.assert_array_equal(asked.content, np.array(TENSOR, np.float32))


@pytest.mark.parametrize(
    ("document", "answer_key"),
    [
        ({"instances": [B64, B64]}, "predictions"),
        ({"instances": [{"images": B64}, {"images": B64}]}, "predictions"),
        ({"inputs": [B64, B64]}, "outputs"),
        ({"inputs": {"images": [B64, B64]}}, "outputs"),
    ],
)
def test_pictures_are_read_in_both_forms(document: dict[str, Any], answer_key: str) -> None:
    asked = read(document)
    assert (asked.content, asked.answer_key) == ([b"picture", b"picture"], answer_key)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([1], "Array of 1 Is not object"),
        ({"instances": TENSOR * 5}, "expected 1 to 4 pictures, received 5"),
        ({"inputs": [B64] * 5}, "expected 1 to 4 pictures, received 5"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"inputs": TENSOR, "instances": TENSOR}, "expecting only one of 'inputs' or 'instances' keys"),
        ({"instances": {"images": TENSOR}}, "Expecting 'instances' to be an list/array"),
        ({"instances": B64}, "Expecting 'instances' to be an list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": TENSOR, "signature_name": 1}, "'signature_name' key must be a string value."),
        ({"instances": TENSOR, "signature_name": None}, "'signature_name' key must be a string value."),
        (
            {"instances": TENSOR, "signature_name": "no\ud800" + "x" * 10**5},
            r'Serving signature name: "no\\ud800x+\.\.\. not found in signature def',
        ),
        ({"instances": [{"image": TENSOR[0]}]}, 'element: 0 .*: "image" keys must be equal to: images'),
        ({"instances": [{"images": TENSOR[0], "b": 1}]}, '"b, images" keys must be equal to: images'),
        ({"instances": [{"b64": 1}]}, '"b64" keys must be equal to: images'),
        ({"instances": [{"b64": "QQ==", "c": 1}]}, '"b64, c" keys must be equal to: images'),
        ({"instances": [{"images": TENSOR[0]}, TENSOR[0]]}, "Expecting object but got value/list at item 1"),
        ({"instances": [TENSOR[0], {"images": TENSOR[0]}]}, "Expecting value/list but got object at item 1"),
        ({"instances": [B64, TENSOR[0]]}, r'element: 1. Expecting {"b64": ...} like its neighbours'),
        ({"instances": [TENSOR[0], B64]}, "element: 0. Expecting"),
        ({"instances": [{"b64": "Q"}]}, "Unable to base64 decode"),
        ({"instances": [{"b64": "%%%%"}]}, "Unable to base64 decode"),
        ({"instances": [[B64, B64]]}, "Type: Object is not of expected type: float"),
        ({"inputs": {"image": TENSOR}}, "Missing named input: images in 'inputs' object"),
        ({"inputs": {"images": TENSOR, "more": 1}}, "Expecting only the input images"),
        ({"inputs": {}}, "Missing named input: images"),
        ({"inputs": B64}, "Type: Object is not of expected type: float"),
        ({"inputs": None}, "Type: Null is not of expected type: float"),
        ({"instances": [1.0, 2.0]}, "found at incorrect level"),
        ({"instances": TENSOR[0]}, "unexpected size: 1 at level: 1 expected size: 2"),
        ({"instances": [TENSOR]}, "unexpected size: 1 at level: 1 expected size: 2"),
        ({"instances": [*TENSOR, TENSOR[0][:1]]}, "unexpected size: 1 at level: 1 expected size: 2"),
        ({"instances": [[[["a", 0, 0]], [[0, 0, 0]]]]}, 'JSON Value: "a" Type: String is not of expected'),
        ({"instances": [[[[1e39, 0, 0]], [[0, 0, 0]]]]}, r"1e\+39 to float: expected finite"),
    ],
)
def test_what_is_no_predict_request_is_told(document: object, message: str) -> None:
    with pytest.raises((MalformedRequest, TensorError), match=message):
        read(document)


def test_errors_are_short_whatever_was_sent() -> None:
    long = "n" * 10**6
    for document in ({"inputs": {long: 1}}, {"instances": [{long: 1}]}, {"instances": [long]}, long):
        with pytest.raises(SignsError) as told:
            read(document)
        assert len(str(told.value)) < 600


@pytest.mark.parametrize(
    ("state", "obstacle", "told"),
    [
        ("serving", None, ("AVAILABLE", "OK", "")),
        ("serving", "draining", ("UNLOADING", "UNAVAILABLE", "draining")),
        ("loading", "loading the model", ("LOADING", "OK", "")),
        ("incomplete", None, ("START", "OK", "")),
        ("standby", None, ("END", "OK", "")),
        ("refused", None, ("END", "FAILED_PRECONDITION", "because")),
    ],
)
def test_each_state_has_its_name(
    state: VersionState, obstacle: str | None, told: tuple[str, str, str]
) -> None:
    status = version_status(VersionStatus(7, state, "because"), obstacle)
    assert status == {
        "version": "7",
        "state": told[0],
        "status": {"error_code": told[1], "error_message": told[2]},
    }


def test_metadata_has_the_shape_of_tensorflow_servings() -> None:
    told = metadata(constant_manifest(("no", "yes"), version=3))
    assert told["model_spec"] == {"name": "signs", "signature_name": "", "version": "3"}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature.keys() == {"inputs", "outputs", "method_name", "defaults"}
    assert signature["inputs"]["images"] == {
        "dtype": "DT_FLOAT",
        "tensor_shape": {
            "dim": [{"size": size, "name": ""} for size in ("-1", "64", "64", "3")],
            "unknown_rank": False,
        },
        "name": "serving_default_images:0",
    }
    assert [dim["size"] for dim in signature["outputs"]["probabilities"]["tensor_shape"]["dim"]] == [
        "-1",
        "2",
    ]
