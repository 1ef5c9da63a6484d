"""gRPC as a process: where it listens, TLS, reflection, the real client, and how it ends."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from app.open_inference.grpc_messages import SERVICE
from app.settings import Settings, SettingsError
from tests.app.grpc_calls import Caller, grpc_process, infer_fields
from tests.app.open_inference import grey
from tests.app.serving import server_process

TLS = Path(__file__).parent / "tls"
"""A self-signed certificate for localhost and its key, known to everybody: for tests only."""
BLACK = infer_fields(grey(0).tobytes(), [1, 64, 64, 3])


def test_reflection_tells_the_service_and_its_messages() -> None:
    with grpc_process() as (_, port), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE.full_name),
        ]
        listed, described = stub.ServerReflectionInfo(iter(requests), timeout=20)
    assert SERVICE.full_name in {each.name for each in listed.list_services_response.service}
    file = FileDescriptorProto.FromString(described.file_descriptor_response.file_descriptor_proto[0])
    assert "ModelInfer" in {method.name for method in file.service[0].method}


def test_tls_by_setting() -> None:
    certificate = (TLS / "cert.pem").read_bytes()
    trusted = grpc.ssl_channel_credentials(certificate)
    with grpc_process(grpc_tls_cert=TLS / "cert.pem", grpc_tls_key=TLS / "key.pem") as (_, port):
        with grpc.secure_channel(f"localhost:{port}", trusted) as channel:
            assert Caller(channel)("ModelInfer", BLACK).outputs
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert Caller(channel).refused("ServerLive")[0] == "UNAVAILABLE"


def test_a_certificate_needs_its_key_and_both_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_GRPC_TLS_CERT", str(TLS / "cert.pem"))
    with pytest.raises(SettingsError, match="SIGNS_GRPC_TLS_KEY"):
        Settings.load()
    monkeypatch.setenv("SIGNS_GRPC_TLS_KEY", str(TLS / "nothing.pem"))
    with pytest.raises(SettingsError, match="SIGNS_GRPC_TLS_KEY"):
        Settings.load()


def test_a_key_that_is_none_is_told_and_ends_it(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    with (
        pytest.raises(AssertionError, match="SIGNS_GRPC_TLS_KEY are no"),
        server_process(grpc_port=0, grpc_tls_cert=TLS / "cert.pem", grpc_tls_key=tmp_path / "key.pem"),
    ):
        pass


def test_a_taken_port_is_told_and_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(AssertionError, match=f"no gRPC on 127.0.0.1:{port}"),
            server_process(grpc_port=port),
        ):
            pass


def test_sigterm_not_ready_first_then_the_admitted_are_answered_then_exit_0() -> None:
    with (
        grpc_process(delay=8, drain_seconds=4) as (server, port),
        ThreadPoolExecutor(1) as pool,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        call = Caller(channel)
        admitted = pool.submit(call, "ModelInfer", BLACK)
        while "signs_queue_images 1.0" not in httpx2.get(f"{server.address}/metrics").text:
            assert not admitted.done()
        server.terminate()
        while call("ServerReady").ready:
            time.sleep(0.02)
        assert call("ServerLive").live
        assert admitted.result().outputs
        assert server.end() == 0
