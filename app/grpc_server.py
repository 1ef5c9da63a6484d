"""The Open Inference Protocol over gRPC, on a port of its own; imported only where settings ask for it."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection
from starlette.exceptions import HTTPException

from app import logs
from app.api_keys import check_key, key_in
from app.errors import MalformedRequest, SignsError
from app.grpc_service import Service
from app.http_errors import INTERNAL_ERROR, retry_headers, status_of
from app.incoming_body import BodyBudget
from app.metrics import Metrics
from app.open_inference.grpc_messages import POOL, SERVICE, to_message
from app.open_inference.operations import Operations
from app.settings import Settings

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 1.0  # beyond the deadline, by which every request is answered
SPARE_CALLS: Final = 64  # beyond the queue, which itself says when it is full; and for health
OK: Final = 200
CODES: Final = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
    507: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""What the statuses of `http_errors` are called in gRPC."""


def code_of(status: int) -> grpc.StatusCode:
    """The gRPC status code for an HTTP status that is no success."""
    rest = grpc.StatusCode.INVALID_ARGUMENT if status < 500 else grpc.StatusCode.INTERNAL
    return CODES.get(status, rest)


class Refusal(NamedTuple):
    """Why there is no answer: an HTTP status, a text, and what to send with it."""

    status: int
    detail: str
    metadata: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, error: Exception) -> Refusal:
        """What REST would say; an error that nobody foresaw is logged and tells no more than its id."""
        if isinstance(error, SignsError):
            seconds = retry_headers(error).get("Retry-After")
            # A client with a retry policy waits so long (gRFC A6).
            pushback = (("grpc-retry-pushback-ms", f"{seconds}000"),) if seconds else ()
            return cls(status_of(error), str(error), pushback)
        if isinstance(error, HTTPException):
            return cls(error.status_code, error.detail)
        log.error("unexpected error", exc_info=error)
        return cls(500, INTERNAL_ERROR)


class Rim:
    """What REST's middleware does, for each call: id, key, deadline, memory, errors, metrics and log."""

    def __init__(self, service: Service, metrics: Metrics, budget: BodyBudget, settings: Settings) -> None:
        self._service = service
        self._metrics = metrics
        self._budget = budget
        self._keys = settings.api_keys
        self._seconds = settings.deadline_ms / 1000

    def handlers(self) -> grpc.GenericRpcHandler:
        """For every method of the service. They take bytes: their size counts before they are parsed."""
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(self._handler(method))
            for method in SERVICE.methods
        }
        return grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)

    def _handler(self, method: Any) -> Callable[[bytes, Any], Awaitable[bytes]]:
        async def handle(body: bytes, context: Any) -> bytes:
            begun = time.monotonic()
            metadata = {name: str(value) for name, value in context.invocation_metadata()}
            identity = logs.identify(metadata.get("x-request-id", ""))
            trailer: tuple[tuple[str, str], ...] = (("x-request-id", identity),)
            status, answer = 0, b""  # 0: the client left
            try:
                with self._budget.hold(len(body)):
                    answer = await self._answer(method, body, metadata, self._deadline(context))
                status = OK
            except Exception as error:
                status, detail, more = Refusal.of(error)
                trailer += more
            finally:
                self._note(method, status, time.monotonic() - begun, _host_of(context.peer()))
            context.set_trailing_metadata(trailer)
            if status != OK:
                await context.abort(code_of(status), detail)
            return answer

        return handle

    async def _answer(self, method: Any, body: bytes, metadata: Mapping[str, str], deadline: float) -> bytes:
        if method.name not in Service.OPEN_TO_ALL:
            check_key(key_in(metadata), self._keys)
        request = GetMessageClass(method.input_type)()
        try:
            request.ParseFromString(body)
        except DecodeError:
            raise MalformedRequest(f"expected a message {method.input_type.name}") from None
        answer = await getattr(self._service, method.name)(request, deadline)
        message = answer if isinstance(answer, Message) else to_message(method.output_type, answer)
        serialized: bytes = message.SerializeToString()
        return serialized

    def _deadline(self, context: Any) -> float:
        """The earlier of ours and the client's, as a `time.monotonic()` instant."""
        remaining: float | None = context.time_remaining()
        return time.monotonic() + min(self._seconds, self._seconds if remaining is None else remaining)

    def _note(self, method: Any, status: int, seconds: float, client: str) -> None:
        path = f"/{SERVICE.full_name}/{method.name}"
        self._metrics.answered_request(path, status, seconds)
        logs.note_answer("gRPC", path, status, seconds, client)


def _host_of(peer: str) -> str:
    """The address in a peer's name, such as `ipv4:127.0.0.1:5000` or `ipv6:%5B::1%5D:5000`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


@asynccontextmanager
async def running_grpc(
    operations: Operations, metrics: Metrics, budget: BodyBudget, settings: Settings
) -> AsyncIterator[int]:
    """Serves on `settings.grpc_port` while its body lasts, and gives the port; then finishes what it took.

    Raises `RuntimeError` where the port cannot be had.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_bytes),
            ("grpc.so_reuseport", int(settings.workers > 1)),  # else two services might share a port unseen
        ],
        maximum_concurrent_rpcs=settings.queue + SPARE_CALLS,
    )
    rim = Rim(Service(operations), metrics, budget, settings)
    server.add_generic_rpc_handlers((rim.handlers(),))
    reflection.enable_server_reflection((SERVICE.full_name, reflection.SERVICE_NAME), server, pool=POOL)
    port = _bind(server, settings)
    await server.start()
    log.info("listening for gRPC on %s:%d", settings.host, port)
    try:
        yield port
    finally:
        await server.stop(settings.deadline_ms / 1000 + GRACE_SECONDS)


def _bind(server: grpc.aio.Server, settings: Settings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    tls = _credentials(settings)
    try:
        port: int = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
    except RuntimeError:
        reason = "SIGNS_GRPC_TLS_CERT and SIGNS_GRPC_TLS_KEY are no PEM files of a pair, or " if tls else ""
        raise RuntimeError(f"no gRPC on {address}: {reason}the address is in use or not ours") from None
    return port


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    if settings.grpc_tls_cert is None or settings.grpc_tls_key is None:
        return None
    pair = (settings.grpc_tls_key.read_bytes(), settings.grpc_tls_cert.read_bytes())
    return grpc.ssl_server_credentials([pair])
