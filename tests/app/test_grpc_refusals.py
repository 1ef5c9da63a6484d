"""gRPC: whatever is wrong gets the status code of what REST says, and a clear text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.grpc_server import code_of
from app.http_errors import STATUS_OF
from tests.app.grpc_calls import Caller, grpc_service, infer_fields, pictures
from tests.app.open_inference import grey

SHAPE = [1, 64, 64, 3]
BLACK = grey(0).tobytes()
CALLERS_FAULT = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNAUTHENTICATED,
}
INPUT: dict[str, Any] = {"name": "images", "shape": SHAPE, "datatype": "FP32"}


@pytest.fixture(scope="module")
def call() -> Iterator[Caller]:
    with grpc_service() as (_, call):
        yield call


def wanted(**parameters: Any) -> dict[str, Any]:
    return {"outputs": [{"name": "probabilities", "parameters": parameters}]}


@pytest.mark.parametrize(
    ("request_body", "code", "told"),
    [
        (infer_fields(BLACK, SHAPE, model_name="other"), "NOT_FOUND", "signs"),
        (infer_fields(BLACK, SHAPE, model_version="2"), "NOT_FOUND", "signs"),
        (infer_fields(BLACK[1:], SHAPE), "INVALID_ARGUMENT", "49152 bytes"),
        (infer_fields(BLACK, [2, 64, 64, 3]), "INVALID_ARGUMENT", "98304 bytes"),
        (infer_fields(BLACK, [-1, 64, 64, 3]), "INVALID_ARGUMENT", "shape"),
        (infer_fields(BLACK, [2**62, 64, 64, 3]), "INVALID_ARGUMENT", "1 to 32"),
        (infer_fields(BLACK, [1] * 1000), "INVALID_ARGUMENT", "at most 16"),
        (infer_fields(BLACK, SHAPE, "FP64"), "INVALID_ARGUMENT", "FP32"),
        (infer_fields(grey(np.nan).tobytes(), SHAPE), "INVALID_ARGUMENT", "finite"),
        (infer_fields(BLACK, SHAPE, inputs=[INPUT, INPUT]), "INVALID_ARGUMENT", "raw_input_contents"),
        (infer_fields(BLACK, SHAPE, inputs=[INPUT | {"contents": {}}]), "INVALID_ARGUMENT", "contents"),
        (infer_fields(BLACK, SHAPE, inputs=[INPUT | {"name": "x" * 10**6}]), "INVALID_ARGUMENT", "images"),
        (infer_fields(BLACK, SHAPE, outputs=[{"name": "x"}]), "INVALID_ARGUMENT", "probabilities"),
        (
            infer_fields(BLACK, SHAPE, **wanted(classification={"bool_param": True})),
            "INVALID_ARGUMENT",
            "class",
        ),
        (
            infer_fields(BLACK, SHAPE, parameters={"timeout": {"string_param": "1"}}),
            "INVALID_ARGUMENT",
            "timeout",
        ),
        ({"model_name": "signs", "inputs": [INPUT]}, "INVALID_ARGUMENT", "12288 elements"),
        ({"model_name": "signs", "inputs": [INPUT | {"datatype": "INT8"}]}, "INVALID_ARGUMENT", "FP32"),
        ({"model_name": "signs"}, "INVALID_ARGUMENT", "images"),
        ({}, "NOT_FOUND", "signs"),
        (pictures(b"no picture"), "INVALID_ARGUMENT", "JPEG"),
        (b"\xff\xff", "INVALID_ARGUMENT", "ModelInferRequest"),
    ],
)
def test_a_request_that_is_wrong_is_refused(call: Caller, request_body: Any, code: str, told: str) -> None:
    status, text = call.refused("ModelInfer", request_body)
    assert status == code
    assert told in text
    assert len(text) < 600


@given(
    st.binary(max_size=60),
    st.binary(max_size=30),
    st.lists(st.integers(-1, 64), max_size=4),
    st.text(max_size=6),
)
def test_no_request_is_an_internal_error(
    call: Caller, noise: bytes, raw: bytes, shape: list[int], datatype: str
) -> None:
    for kind in (datatype, "BYTES", "FP32"):
        assert call.refused("ModelInfer", infer_fields(raw, shape, kind))[0] == "INVALID_ARGUMENT"
    assert call.refused("ModelInfer", noise)[0] in ("INVALID_ARGUMENT", "NOT_FOUND")


def test_unknown_models_and_methods_are_told(call: Caller) -> None:
    for method in ("ModelReady", "ModelMetadata", "ModelConfig", "ModelStatistics"):
        assert call.refused(method, {"name": "other"})[0] == "NOT_FOUND"
    ask = call.channel.unary_unary("/inference.GRPCInferenceService/RepositoryModelLoad")
    with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
        ask(b"")


def test_every_error_that_can_reach_a_method_has_a_code_of_its_kind() -> None:
    for error, status in STATUS_OF.items():
        assert (code_of(status) in CALLERS_FAULT) == (status < 500), error
        assert code_of(status) != grpc.StatusCode.INTERNAL
    assert code_of(500) == grpc.StatusCode.INTERNAL
