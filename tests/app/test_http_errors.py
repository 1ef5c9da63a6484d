"""One table of statuses, and the shape of an error in each dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import errors
from app.engines.constant import ConstantEngine
from app.http_errors import INTERNAL_ERROR, MOST_TOLD, STATUS_OF, problem_of, reason_of, retry_headers
from app.main import create_app
from app.settings import Settings
from tests.app.serving import problem


def raised_errors() -> set[type[errors.SignsError]]:
    """Those of the domain that are no mere families of others."""
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    return {kind for kind in kinds if issubclass(kind, errors.SignsError)} - {
        errors.SignsError,
        errors.ImageError,
    }


@pytest.fixture
def app() -> FastAPI:
    """The service with routes that fail in every way."""
    app = create_app(Settings(), ConstantEngine())
    own = len(app.router.routes)

    @app.get("/fail/{name}")
    @app.get("/v1/fail/{name}")
    @app.get("/v2/fail/{name}")
    async def fail(name: str) -> None:
        error: type[Exception] = getattr(errors, name, RuntimeError)
        raise error("said by the error")

    @app.get("/number/{number}")
    @app.get("/v2/number/{number}")
    async def read_number(number: int) -> int:
        return number

    # Before the service's own, of which one answers everything below /v1.
    app.router.routes.sort(key=app.router.routes[own:].__contains__, reverse=True)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def test_the_table_holds_every_error_that_is_raised() -> None:
    assert raised_errors() == set(STATUS_OF)


@pytest.mark.parametrize("kind", STATUS_OF)
def test_each_error_gets_its_status(client: TestClient, kind: type[errors.SignsError]) -> None:
    response = client.get(f"/fail/{kind.__name__}")
    told = problem(response, STATUS_OF[kind])
    assert told["type"] == f"urn:signs:problem:{reason_of(kind('x'))}"
    assert told["detail"] == "said by the error"
    assert ("retry-after" in response.headers) == (response.status_code == 503)


@pytest.mark.parametrize("prefix", ["/v1", "/v2"])
def test_dialects_get_the_error_as_a_string(client: TestClient, prefix: str) -> None:
    response = client.get(f"{prefix}/fail/CorruptImage")
    assert (response.status_code, response.json()) == (422, {"error": "said by the error"})
    assert client.get(f"{prefix}/nothing/here").json().keys() == {"error"}
    assert client.post(f"{prefix}/fail/CorruptImage").json().keys() == {"error"}
    assert client.put(prefix).json().keys() == {"error"}
    response = client.get(f"{prefix}/fail/Unforeseen")
    assert (response.status_code, response.json()) == (500, {"error": INTERNAL_ERROR})


def test_validation_errors_have_the_same_shapes(client: TestClient) -> None:
    assert "number" in problem(client.get("/number/x"), 422)["detail"]
    assert "number" in client.get("/v2/number/x").json()["error"]


def test_a_path_that_only_begins_like_a_dialect_is_none(client: TestClient) -> None:
    problem(client.get("/v1x"), 404)


@pytest.mark.parametrize("path", ["/fail/CorruptImage", "/v2/fail/CorruptImage"])
def test_a_text_that_the_sender_chose_fits_into_any_answer(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors.CorruptImage, "__str__", lambda _self: "\ud800" + "x" * 10**6)
    answer = client.get(path).json()
    told = answer.get("error") or answer["detail"]
    assert told == "?" + "x" * (MOST_TOLD - 1) + "..."


def test_unknown_path_and_method_say_what_there_is(client: TestClient) -> None:
    assert "/docs" in problem(client.get("/nothing"), 404)["detail"]
    response = client.get("/predict")
    assert problem(response, 405)["detail"] == "expected POST, received GET"
    assert response.headers["allow"] == "POST"
    problem(client.post("/predict/"), 404)


def test_an_unforeseen_error_tells_its_id_and_no_more(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    told = problem(client.get("/fail/Unforeseen"), 500)
    assert told["detail"] == INTERNAL_ERROR
    assert "said by the error" in caplog.text  # in the log, with its traceback


def test_an_error_below_another_gets_the_status_of_its_parent() -> None:
    class Smudged(errors.CorruptImage):
        pass

    assert problem_of(Smudged("x")).status == 422
    assert retry_headers(Smudged("x")) == {}


def test_retry_after_is_what_the_error_says() -> None:
    assert retry_headers(errors.Overloaded("full", retry_after=7)) == {"Retry-After": "7"}


def test_errors_are_told_below_a_root_path_too() -> None:
    with TestClient(create_app(Settings(), ConstantEngine()), root_path="/signs") as client:
        assert client.get("/v2/nothing").json().keys() == {"error"}
        problem(client.get("/nothing"), 404)
