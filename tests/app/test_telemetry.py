"""Each request becomes a span that a collector receives, with its route and status and nothing else of it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings, SettingsError
from tests.app.serving import server_process, service

GreyPng = Callable[[int], bytes]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector(HTTPServer):
    """Keeps the bodies of what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.bodies: list[bytes] = []

    @property
    def endpoint(self) -> str:
        """Where spans go."""
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class Answer(BaseHTTPRequestHandler):
    """Takes everything."""

    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def spans(collector: Collector) -> list[tuple[str, str, dict[str, str]]]:
    """Name, trace id and attributes of what was received."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    requests = [ExportTraceServiceRequest.FromString(body) for body in collector.bodies]
    found = [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return [
        (
            span.name,
            span.trace_id.hex(),
            {item.key: item.value.string_value or str(item.value.int_value) for item in span.attributes},
        )
        for span in found
    ]


def test_a_request_is_one_span_of_the_senders_trace(collector: Collector, grey_png: GreyPng) -> None:
    with service(otlp_endpoint=collector.endpoint) as client:
        parent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        client.post("/predict?secret=1", files={"file": ("anna.png", grey_png(0))}, headers=parent)
        client.get("/nothing/anna.png")
    (predicted, lost) = spans(collector)
    assert predicted == (
        "POST /predict",
        TRACE,
        {
            "http.response.status_code": "200",
            "http.request.method": "POST",
            "http.route": "/predict",
        },
    )
    assert (lost[0], lost[2]["http.response.status_code"]) == ("GET unmatched", "404")
    assert not any(b"anna" in body or b"secret" in body for body in collector.bodies)


def test_the_log_tells_the_trace_of_the_span(collector: Collector) -> None:
    with server_process(otlp_endpoint=collector.endpoint, log_format="json", drain_seconds=0) as server:
        import httpx2

        httpx2.get(f"{server.address}/model", headers={"X-Request-ID": "one"})
        server.terminate()
        assert server.end() == 0
    (line,) = [told for told in map(json.loads, server.lines) if told["request_id"] == "one"]
    assert [trace for name, trace, _ in spans(collector) if name == "GET /model"] == [line["trace_id"]]


def test_a_collector_that_is_away_harms_nobody(grey_png: GreyPng) -> None:
    with service(otlp_endpoint="http://127.0.0.1:9/v1/traces") as client:
        assert client.post("/predict", content=grey_png(255)).json()["label"] == "5"


def test_without_the_extra_the_start_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match="expected the extra `telemetry`"):
        create_app(Settings(otlp_endpoint="http://127.0.0.1:9/"), ConstantEngine())


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    import subprocess

    script = (
        "import sys\nfrom app.main import create_app\nfrom app.engines.constant import ConstantEngine\n"
        "create_app(engine=ConstantEngine())\nassert 'opentelemetry.sdk' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
