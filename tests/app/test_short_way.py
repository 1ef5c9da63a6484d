"""The short way answers what the described route answers; a query takes the described one."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app import logs
from app.engines.constant import ConstantEngine
from app.middleware import Observe, route_of
from app.routes.short_way import Way
from tests.app.conftest import Encode
from tests.app.serving import service

LONG = "/predict?explain=false"
KEYS = {"ann": hashlib.sha256(b"sesame").hexdigest()}

REQUESTS: dict[str, dict[str, Any]] = {
    "no body": {},
    "no picture": {"content": b"hello", "headers": {"Content-Type": "image/png"}},
    "no image type": {"content": b"hello", "headers": {"Content-Type": "text/plain"}},
    "another part": {"files": {"picture": b"hello"}},
    "an empty part": {"files": {"file": b""}},
    "two parts": {"files": [("file", b"a"), ("file", b"b")]},
    "half a form": {
        "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
        "headers": {"Content-Type": "multipart/form-data; boundary=b"},
    },
    "no boundary": {"content": b"hello", "headers": {"Content-Type": "multipart/form-data"}},
    "too large": {"content": bytes(300_000), "headers": {"Content-Type": "image/png"}},
}


def _told(
    client: TestClient, path: str, request: dict[str, Any], method: str = "POST"
) -> tuple[int, dict[str, str], Any]:
    response = client.request(method, path, **request)
    answer = response.json()
    own = {"x-request-id", "date"}
    return (
        response.status_code,
        {name: value for name, value in response.headers.items() if name not in own},
        {name: value for name, value in answer.items() if name != "request_id"},
    )


@pytest.fixture(scope="module")
def client() -> Any:
    with service(max_bytes=200_000) as client:
        yield client


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_refused_is_refused_alike(client: TestClient, name: str) -> None:
    short = _told(client, "/predict", REQUESTS[name])
    assert short == _told(client, LONG, REQUESTS[name])
    assert short[0] >= 400


@pytest.mark.parametrize("grey", [0, 51, 102, 153, 204, 255])
def test_what_is_answered_is_answered_alike(client: TestClient, encode: Encode, grey: int) -> None:
    picture = encode(Image.new("L", (90, 70), grey), "JPEG")
    for request in ({"files": {"file": picture}}, {"content": picture}):
        short = _told(client, "/predict", request)
        assert short == _told(client, LONG, request)
        assert short[0] == 200


def test_it_is_the_short_way_that_answers(
    client: TestClient, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    note = Observe._note

    def note_way(observe: Observe, scope: Any, status: int, seconds: float) -> None:
        taken.extend([route_of(scope)] if isinstance(scope["route"], Way) else [])  # as logs tell it
        note(observe, scope, status, seconds)

    monkeypatch.setattr(Observe, "_note", note_way)
    picture = encode(Image.new("L", (90, 70), 51), "JPEG")
    assert client.post("/predict", content=picture).json()["label"] == "1"
    assert client.post("/predict?explain=true", content=picture).json()["window"]["x1"] == 1
    assert client.get("/health/live").json()["status"] == "live"
    assert taken == ["/predict", "/health/live"]


@pytest.mark.parametrize(
    ("limits", "headers"),
    [
        ({}, {"Content-Encoding": "gzip"}),
        ({"cors_origins": ["https://a.example"]}, {"Origin": "https://a.example"}),
        ({"address_rate": 100}, {}),
        ({"key_rate": 100}, {}),
    ],
)
def test_what_other_middleware_is_for_passes_it(
    limits: dict[str, Any], headers: dict[str, str], encode: Encode
) -> None:
    picture = encode(Image.new("L", (90, 70), 51), "JPEG")
    if "Content-Encoding" in headers:
        picture = gzip.compress(picture)
    with service(**limits) as client:
        request = {"content": picture, "headers": headers}
        short = _told(client, "/predict", request)
        assert short == _told(client, LONG, request)
    assert short[0] == 200
    assert ("access-control-allow-origin" in short[1]) == ("Origin" in headers)


def test_a_connection_is_closed_where_the_drain_began_meanwhile(encode: Encode) -> None:
    def begin_drain(_images: Any) -> None:
        client.app.state.classifier.begin_drain()  # type: ignore[attr-defined]

    picture = encode(Image.new("L", (90, 70), 51), "JPEG")
    with service(ConstantEngine(before_run=begin_drain)) as client:
        response = client.post("/predict", content=picture)
    assert (response.status_code, response.headers["Connection"]) == (200, "close")


def test_a_path_that_vertex_ai_is_given_is_its_own(encode: Encode) -> None:
    picture = encode(Image.new("L", (90, 70), 51), "JPEG")
    with service(aip_predict_route="/predict", aip_health_route="/health/live") as client:
        assert client.post("/predict", json={"instances": []}).status_code == 400
        assert client.post("/predict", content=picture).json()["label"] == "1"
        assert client.get("/health/live").json()["status"] == "ready"


@pytest.mark.parametrize("alive", [True, False])
def test_whether_it_lives_is_told_alike(alive: bool, encode: Encode) -> None:
    def run(_images: Any) -> None:
        if not alive:
            raise SystemExit

    with service(ConstantEngine(before_run=run)) as client:
        client.post("/predict", content=encode(Image.new("L", (90, 70), 51), "JPEG"))
        short, long = (_told(client, path, {}, "GET") for path in ("/health/live", "/health/live?again"))
    assert short == long
    assert short[0] == (200 if alive else 503)


def test_other_methods_are_told_which_one_there_is(client: TestClient) -> None:
    response = client.get("/predict")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_it_is_described_once(client: TestClient) -> None:
    assert list(client.get("/openapi.json").json()["paths"]["/predict"]) == ["post"]


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "guess"}, {"Authorization": "Bearer sesame"}])
def test_it_asks_for_a_key_alike(
    encode: Encode, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    callers: list[str] = []
    monkeypatch.setattr(logs, "note_answer", lambda *_: callers.append(logs.caller.get()))
    picture = encode(Image.new("L", (90, 70), 51), "JPEG")
    with service(api_keys=KEYS) as client:
        short = _told(client, "/predict", {"content": picture, "headers": headers})
        assert short == _told(client, LONG, {"content": picture, "headers": headers})
        client.get("/health/live", headers=headers)
    assert short[0] == (200 if "Authorization" in headers else 401)
    assert callers == ["ann" if "Authorization" in headers else "-"] * 3
