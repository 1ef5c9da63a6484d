"""The API docs: OpenAPI 3.1, and a page that loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.app.serving import service


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


@pytest.fixture(scope="module")
def description(client: TestClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/openapi.json").json()
    return answer


def test_docs_load_from_ourselves_only(client: TestClient) -> None:
    page = client.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 4
    for source in sources:
        assert source.startswith("/"), source
        assert client.get(source).status_code == 200, source
    assert "SwaggerUIBundle" in client.get("/static/docs.js").text


def test_swagger_ui_is_a_version_that_reads_openapi_3_1(client: TestClient) -> None:
    version = re.search(r'PACKAGE_VERSION:"(\d+)\.', client.get("/static/swagger/swagger-ui-bundle.js").text)
    assert version
    assert int(version[1]) >= 5


def test_description_is_openapi_3_1_and_names_every_route(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    paths = {path for path in description["paths"] if not path.startswith("/v2")}
    assert paths == {
        "/predict",
        "/predict/batch",
        "/model",
        "/metrics",
        "/health/live",
        "/health/ready",
        "/hf",
        "/invocations",
        "/ping",
    }
    assert {"/v2", "/v2/models/{name}", "/v2/models/{name}/infer"} <= description["paths"].keys()


def test_predict_describes_its_bodies_and_errors(description: dict[str, Any]) -> None:
    predict = description["paths"]["/predict"]["post"]
    assert predict["requestBody"]["content"].keys() == {
        "multipart/form-data",
        "image/*",
        "application/octet-stream",
    }
    assert predict["responses"].keys() == {"200", "400", "401", "413", "415", "422", "503", "504"}
    assert predict["responses"]["413"]["content"].keys() == {"application/problem+json"}


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    for name in re.findall(r"#/components/schemas/(\w+)", str(description)):
        assert name in description["components"]["schemas"]
