"""How the application is put together: nothing at import, keys on every route but the open ones, CORS."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from app.api_keys import name_of
from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.serving import problem, service

GreyPng = Callable[[int], bytes]
KEY = "sésame"
KEYS = {"bob": "0" * 64, "ann": hashlib.sha256(KEY.encode()).hexdigest()}
HEALTH = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
OPEN = {("GET", path) for path in ("/", "/docs", "/openapi.json", "/ping", *HEALTH)}


def routes() -> list[tuple[str, str]]:
    """Method and path of all that the application answers, from its own description and the page."""
    described = create_app(Settings(), ConstantEngine()).openapi()["paths"]
    return [(method.upper(), path) for path, methods in described.items() for method in methods] + [
        ("GET", "/"),
        ("POST", "/"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/models/signs"),
        ("POST", "/v1/models/signs:predict"),
    ]


def test_importing_it_loads_no_engine_and_builds_nothing() -> None:
    script = (
        "import sys, threading, app.main\n"
        "heavy = {'tensorflow', 'keras', 'openvino', 'training', 'matplotlib', 'h5py'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not hasattr(app.main, 'app')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(("method", "path"), routes())
def test_where_keys_are_set_every_route_but_the_open_ones_needs_one(method: str, path: str) -> None:
    with service(api_keys=KEYS) as client:
        bodies: list[dict[str, Any]] = [{}, {"headers": {"X-API-Key": "guess"}}]
        if (method, path) == ("POST", "/"):  # a form has no headers: its key is a field
            bodies = [{"files": {"file": b"x"}}]
        for arguments in bodies:
            response = client.request(method, path, **arguments)
            assert (response.status_code == 401) == ((method, path) not in OPEN)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": "guess"},
        {"Authorization": "Basic c2VzYW1l", "X-API-Key": KEY},
    ],
)
def test_a_known_key_opens(headers: dict[str, str], grey_png: GreyPng) -> None:
    with service(api_keys=KEYS) as client:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        assert client.post("/predict", content=grey_png(0), headers=sent).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic c2VzYW1l"},
        {"X-API-Key": ""},
        {"X-API-Key": "0" * 64},
        {"X-API-Key": KEYS["ann"]},
    ],
)
def test_anything_else_does_not(headers: dict[str, str], grey_png: GreyPng) -> None:
    with service(api_keys=KEYS) as client:
        response = client.post("/predict", content=grey_png(0), headers=headers)
        assert "X-API-Key" in problem(response, 401)["detail"]
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("bearer", ["Bearer guess", "Bearer", "bearer "])
def test_a_bearer_token_is_the_key_whatever_else_there_is(bearer: str, grey_png: GreyPng) -> None:
    sent = [(b"Authorization", bearer.encode()), (b"X-API-Key", KEY.encode())]
    with service(api_keys=KEYS) as client:
        problem(client.post("/predict", content=grey_png(0), headers=sent), 401)


def test_keys_are_described_where_they_are_set() -> None:
    with service(api_keys=KEYS) as client:
        described = client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"].keys() == {"HTTPBearer", "APIKeyHeader"}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert ("security" in operation) == ((method.upper(), path) not in OPEN), path
    with service() as client:
        assert "security" not in client.get("/openapi.json").text.lower()


def test_a_stranger_is_refused_before_the_body_is_looked_at() -> None:
    with service(api_keys=KEYS) as client:
        problem(client.post("/predict", content=b"x", headers={"Content-Type": "text/plain"}), 401)


def test_keys_are_known_by_name() -> None:
    assert name_of(KEY.encode(), KEYS) == "ann"
    assert name_of(b"guess", KEYS) is None


def test_other_origins_are_closed_out_by_default() -> None:
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    with service() as client:
        assert "access-control-allow-origin" not in client.get("/health/live", headers=preflight).headers
        assert client.options("/predict", headers=preflight).status_code == 405


def test_named_origins_may_call() -> None:
    with service(cors_origins=("https://a.example",)) as client:
        for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
            preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            assert (client.options("/predict", headers=preflight).status_code == 200) == allowed
            told = client.post("/predict", headers={"Origin": origin}).headers
            assert (told.get("access-control-allow-origin") == origin) == allowed


def test_the_model_is_described_by_its_manifest() -> None:
    with service() as client:
        manifest = client.get("/model").json()
    assert (manifest["name"], manifest["version"], manifest["labels"]) == ("signs", 1, list("012345"))
    assert manifest["acceptance"]["threshold"] == 0.5
    assert (manifest["engine"], manifest["precision"]) == ("constant", "float32")
    assert manifest["versions"] == [{"version": 1, "state": "serving", "reason": ""}]


@pytest.mark.parametrize(
    ("setting", "closed"), [("show_docs", ["/docs", "/openapi.json"]), ("show_metrics", ["/metrics"])]
)
def test_docs_and_metrics_can_be_closed(setting: str, closed: list[str]) -> None:
    with service(ConstantEngine(), **{setting: False}) as client:
        for path in closed:
            told = problem(client.get(path), 404)["detail"]
            assert ("/docs" in told) == (setting == "show_metrics" or path == "/docs")
        assert client.get("/").status_code == 200
        assert client.get("/model").status_code == 200
    with service() as client:  # another application in the same process keeps its own
        assert {client.get(path).status_code for path in closed} == {200}


def test_versions_are_counted_by_state() -> None:
    with service() as client:
        counted = client.get("/metrics").text
    assert 'signs_model_versions{state="serving"} 1.0' in counted
    assert 'signs_model_versions{state="refused"} 0.0' in counted
