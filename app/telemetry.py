"""OpenTelemetry, where a collector is set: one span for each request. Its packages are an extra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.middleware import route_of
from app.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

MISSING: Final = "SIGNS_OTLP_ENDPOINT: OpenTelemetry is not installed: expected the extra `telemetry`"
SERVER_ERROR: Final = 500
EXPORT_SECONDS: Final = 2  # retries included; a collector that is away must not hold up the end for long


def build_provider(endpoint: str) -> TracerProvider:
    """Sends spans to an OTLP endpoint over HTTP, from a thread of its own.

    The standard variables `OTEL_...` say how much is sampled and what else the collector needs. Raises
    `SettingsError` where the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(f"{MISSING}: {error}") from None
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "signs"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)))
    return provider


class Trace:
    """Gives each request a span with its method, route and status, and nothing else of it."""

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.app = app
        self.tracer = provider.get_tracer("signs")
        self.kind = SpanKind.SERVER
        self.failed = Status(StatusCode.ERROR)
        self.extract: Callable[[Mapping[str, str]], Context] = TraceContextTextMapPropagator().extract

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        parent = self.extract(dict(Headers(scope=scope)))
        with self.tracer.start_as_current_span("HTTP", parent, self.kind, record_exception=False) as span:
            logs.trace_id.set(f"{span.get_span_context().trace_id:032x}")

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= SERVER_ERROR:
                        span.set_status(self.failed)
                await send(message)

            await self.app(scope, receive, send_and_note)
            span.update_name(f"{scope['method']} {route_of(scope)}")
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("http.route", route_of(scope))
