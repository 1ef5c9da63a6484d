"""gRPC in tests: a service on a free port, and calls with the fields of a message as a dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from fastapi import FastAPI
from fastapi.testclient import TestClient
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from app.engines.base import Engine
from app.open_inference.grpc_messages import SERVICE
from tests.app.open_inference import packed
from tests.app.serving import ServerProcess, server_process, service

PATIENCE = 30
LISTENING = re.compile(r"listening for gRPC on 127\.0\.0\.1:(\d+)")
READY = re.compile("ready after")
Metadata = Sequence[tuple[str, str]]


class Caller:
    """Calls the methods of the service over one channel."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    def __call__(
        self,
        method: str,
        fields: dict[str, Any] | bytes | None = None,
        metadata: Metadata = (),
        timeout: float = PATIENCE,
        **options: Any,
    ) -> Any:
        """The answer; raises `grpc.RpcError`. Bytes are sent as they are."""
        described = SERVICE.methods_by_name[method]
        body = fields if isinstance(fields, bytes) else message(method, fields or {}).SerializeToString()
        ask = self.channel.unary_unary(
            f"/{SERVICE.full_name}/{method}",
            response_deserializer=GetMessageClass(described.output_type).FromString,
        )
        return ask(body, metadata=metadata, timeout=timeout, **options)

    def refused(self, method: str, fields: Any = None, **arguments: Any) -> tuple[str, str]:
        """The name of the status and the text of a call that is refused."""
        try:
            answer = self(method, fields, **arguments)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError(f"it was answered: {answer}")


def message(method: str, fields: dict[str, Any]) -> Any:
    """The request of a method."""
    return ParseDict(fields, GetMessageClass(SERVICE.methods_by_name[method].input_type)())


@contextmanager
def grpc_service(engine: Engine | None = None, **settings: Any) -> Iterator[tuple[TestClient, Caller]]:
    """The service with a constant engine, over HTTP and over gRPC; keywords are settings."""
    with service(engine, grpc_port=0, **settings) as client:
        assert isinstance(client.app, FastAPI)
        with grpc.insecure_channel(f"127.0.0.1:{client.app.state.grpc_port}") as channel:
            yield client, Caller(channel)


@contextmanager
def grpc_process(*arguments: str, **settings: Any) -> Iterator[tuple[ServerProcess, int]]:
    """A service as a process, by default with a constant engine, and its gRPC port, once it is ready."""
    with server_process(*arguments, grpc_port=0, **settings) as server:
        server.wait_for(READY)
        yield server, grpc_port(server)


def grpc_port(server: ServerProcess) -> int:
    """The port that a process said it listens on for gRPC."""
    told = LISTENING.search("".join(server.lines))
    assert told is not None
    return int(told[1])


def infer_fields(raw: bytes, shape: list[int], datatype: str = "FP32", **changes: Any) -> Any:
    """A request whose one input has raw contents."""
    tensor = {"name": "images", "shape": shape, "datatype": datatype}
    request = message("ModelInfer", {"model_name": "signs", "inputs": [tensor]} | changes)
    request.raw_input_contents.append(raw)
    return request.SerializeToString()


def pictures(*elements: bytes, **changes: Any) -> Any:
    """A request for encoded pictures."""
    return infer_fields(packed(*elements), [len(elements)], "BYTES", **changes)
