"""The Open Inference Protocol over gRPC: the same answers as REST, and the same errors as status codes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from fastapi.testclient import TestClient
from google.protobuf.json_format import MessageToDict

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.open_inference.grpc_messages import SERVICE
from app.settings import Settings
from tests.app.grpc_calls import Caller, Metadata, grpc_service, infer_fields, message, pictures
from tests.app.open_inference import grey, packed, predicted

GreyPng = Callable[[int], bytes]
Both = tuple[TestClient, Caller]
FLAT = [0.0] * (64 * 64 * 3)
SHAPE = [1, 64, 64, 3]
BLACK = grey(0).tobytes()
INPUT: dict[str, Any] = {"name": "images", "shape": SHAPE, "datatype": "FP32"}


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with grpc_service() as both:
        yield both


@pytest.fixture(scope="module")
def call(both: Both) -> Caller:
    return both[1]


def floats(raw: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.frombuffer(raw, "<f4")


def test_metadata_is_that_of_rest(both: Both) -> None:
    client, call = both
    assert call("ServerLive").live
    assert call("ServerReady").ready
    for version in ("", "1"):
        of_model = {"name": "signs", "version": version}
        assert call("ModelReady", of_model).ready
        for method, path in (("ModelMetadata", ""), ("ModelConfig", "/config")):
            told = MessageToDict(call(method, of_model), preserving_proto_field_name=True)
            assert numbers(told.get("config", told)) == numbers(client.get(f"/v2/models/signs{path}").json())
        (told,) = call("ModelStatistics", of_model).model_stats
        assert (told.name, told.version) == ("signs", "1")
    assert list(call("ServerMetadata").extensions) == client.get("/v2").json()["extensions"]
    (version,) = call("RepositoryIndex", {"ready": True}).models
    assert (version.name, version.version, version.state) == ("signs", "1", "READY")


def numbers(told: Any) -> Any:
    """The same with every number as text and without zeros: so JSON stands for protobuf's integers."""
    if isinstance(told, dict):
        return {key: numbers(value) for key, value in told.items() if value != 0}
    if isinstance(told, list):
        return [numbers(value) for value in told]
    return str(told)


def test_raw_contents_get_raw_ones_and_the_answer_of_predict(both: Both, grey_png: GreyPng) -> None:
    client, call = both
    expected = np.concatenate([predicted(client, grey_png(level)) for level in (0, 255)])
    for request in (
        infer_fields(grey(0, 1).tobytes(), [2, 64, 64, 3]),
        pictures(grey_png(0), grey_png(255), id="forty-two"),
        infer_fields(packed(grey_png(0), grey_png(255)), [2, 1], "BYTES", model_version="1"),
    ):
        answer = call("ModelInfer", request)
        assert (answer.model_name, answer.model_version) == ("signs", "1")
        (output,) = answer.outputs
        assert (output.name, output.datatype, list(output.shape)) == ("probabilities", "FP32", [2, 6])
        np.testing.assert_allclose(floats(answer.raw_output_contents[0]), expected, atol=1e-6)
    assert call("ModelInfer", pictures(grey_png(0), id="forty-two")).id == "forty-two"


def test_typed_contents_get_typed_ones(both: Both, grey_png: GreyPng) -> None:
    client, call = both
    numbers = message("ModelInfer", {"model_name": "signs", "inputs": [INPUT]})
    numbers.inputs[0].contents.fp32_contents.extend(FLAT)
    picture = message("ModelInfer", {"model_name": "signs", "inputs": [INPUT]})
    picture.inputs[0].datatype, picture.inputs[0].shape[:] = "BYTES", [1]
    picture.inputs[0].contents.bytes_contents.append(grey_png(0))
    for request in (numbers, picture):
        answer = call("ModelInfer", request.SerializeToString())
        assert not answer.raw_output_contents
        np.testing.assert_allclose(
            answer.outputs[0].contents.fp32_contents, predicted(client, grey_png(0)), atol=1e-6
        )
    picture.outputs.add(name="probabilities").parameters["classification"].int64_param = 1
    (output,) = call("ModelInfer", picture.SerializeToString()).outputs
    assert (output.datatype, list(output.shape)) == ("BYTES", [1, 1])
    assert output.contents.bytes_contents[0].endswith(b":0:0")


def test_a_timeout_or_the_callers_deadline_ends_it() -> None:
    with grpc_service(ConstantEngine(delay=0.3)) as (_, call):
        short = infer_fields(BLACK, SHAPE, parameters={"timeout": {"int64_param": 1000}})
        assert call.refused("ModelInfer", short)[0] == "DEADLINE_EXCEEDED"
        assert call.refused("ModelInfer", infer_fields(BLACK, SHAPE), timeout=0.1)[0] == "DEADLINE_EXCEEDED"
    with grpc_service(ConstantEngine(delay=0.3), deadline_ms=100) as (_, call):
        assert call.refused("ModelInfer", infer_fields(BLACK, SHAPE))[0] == "DEADLINE_EXCEEDED"


def test_a_full_queue_is_unavailable_and_says_when_to_try_again() -> None:
    running, release = threading.Event(), threading.Event()

    def hold(_images: object) -> None:
        running.set()
        assert release.wait(20)

    with (
        grpc_service(ConstantEngine(before_run=hold), queue=2) as (_, call),
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(call, "ModelInfer", infer_fields(grey(0, 1).tobytes(), [2, 64, 64, 3]))
        assert running.wait(20)
        with pytest.raises(grpc.RpcError) as refused:
            call("ModelInfer", infer_fields(BLACK, SHAPE))
        release.set()
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert dict(refused.value.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"
        assert first.result().outputs


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_too_large_a_message_is_refused_before_it_is_read(compression: grpc.Compression) -> None:
    with grpc_service(max_bytes=60_000) as (_, call):
        assert call("ModelInfer", infer_fields(BLACK, SHAPE), compression=compression).outputs
        large = infer_fields(bytes(70_000), SHAPE)
        assert call.refused("ModelInfer", large, compression=compression)[0] == "RESOURCE_EXHAUSTED"


def test_messages_count_towards_what_all_bodies_may_have(both: Both) -> None:
    client, call = both
    budget = client.app.state.budget  # type: ignore[attr-defined]
    with budget.hold(budget._limit - 100):
        assert call.refused("ModelInfer", infer_fields(BLACK, SHAPE))[0] == "UNAVAILABLE"
    assert call("ModelInfer", infer_fields(BLACK, SHAPE)).outputs
    assert budget.held == 0


@pytest.mark.parametrize(
    ("metadata", "opens"),
    [
        ((("x-api-key", "sesame"),), True),
        ((("authorization", "Bearer sesame"),), True),
        ((("authorization", "bearer sesame"),), True),
        ((), False),
        ((("x-api-key", "guess"),), False),
        ((("authorization", "Basic sesame"),), False),
    ],
)
def test_where_keys_are_set_every_method_but_health_needs_one(metadata: Metadata, opens: bool) -> None:
    with grpc_service(api_keys={"ann": hashlib.sha256(b"sesame").hexdigest()}) as (_, call):
        assert call("ServerLive").live
        assert call("ServerReady").ready
        if opens:
            assert call("ServerMetadata", metadata=metadata).name == "signs"
            assert call("ModelInfer", infer_fields(BLACK, SHAPE), metadata=metadata).outputs
        else:
            for method in set(SERVICE.methods_by_name) - {"ServerLive", "ServerReady"}:
                assert call.refused(method, metadata=metadata)[0] == "UNAUTHENTICATED"


def test_calls_are_counted_and_keep_their_id(both: Both, grey_png: GreyPng) -> None:
    client, call = both
    with pytest.raises(grpc.RpcError) as refused:
        call("ModelInfer", {}, metadata=(("x-request-id", "one"),))
    assert dict(refused.value.trailing_metadata())["x-request-id"] == "one"
    text = client.get("/metrics").text
    assert 'signs_requests_total{route="/inference.GRPCInferenceService/ModelInfer",status="404"}' in text


def test_without_the_setting_nothing_of_grpc_is_imported() -> None:
    script = (
        "import sys\n"
        "from tests.app.serving import service\n"
        "with service() as client: assert client.get('/v2').status_code == 200\n"
        "assert not {'grpc', 'google.protobuf'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_a_service_without_a_model_is_not_ready(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(model_dir=tmp_path, grpc_port=0))) as client:
        port = client.app.state.grpc_port  # type: ignore[attr-defined]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = Caller(channel)
            assert call("ServerLive").live
            assert not call("ServerReady").ready
            assert call.refused("ModelInfer", infer_fields(BLACK, SHAPE))[0] == "UNAVAILABLE"
