"""Errors at the rim: ONE table from the domain's errors to statuses, and the shape each dialect expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from app import errors
from app.logs import request_id
from app.schemas import Problem

STATUS_OF: Mapping[type[errors.SignsError], int] = {
    errors.EmptyImage: 400,
    errors.TensorError: 400,
    errors.MalformedRequest: 400,
    errors.NoSuchModel: 404,
    errors.UnsupportedImage: 415,
    errors.CorruptImage: 422,
    errors.ImageTooLarge: 422,
    errors.Overloaded: 503,
    errors.NotReady: 503,
    errors.ModelError: 503,
    errors.InferenceError: 503,
    errors.DeadlineExceeded: 504,
    errors.ConsentMissing: 400,
    errors.StoreFull: 507,
}
"""Every error that can reach a route; the service's own failures are 503, so that no input gives a 500."""

MOST_TOLD = 1000  # characters of an error's text: nobody reads more, and a sender may have chosen them
DEFAULT_RETRY_AFTER = 1  # seconds, for a 503 that does not know better
CLIENT_CLOSED_REQUEST = 499  # nginx's number for it; nobody receives this answer, the log shows it
INTERNAL_ERROR = "an unexpected error; the log tells more under this request_id"


DIALECTS = re.compile(r"/(v1|v2|hf)(/|$)", re.IGNORECASE)
"""The paths whose clients expect an error as `{"error": text}`."""


class BodyTooLarge(HTTPException):
    """The request's body is larger than `SIGNS_MAX_BYTES`."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"expected a body of at most {limit} bytes, received more")


def reason_of(error: errors.SignsError) -> str:
    """The error's name in lower case with dashes, such as `unsupported-image`."""
    return reason_of_kind(type(error))


def reason_of_kind(kind: type[errors.SignsError]) -> str:
    """The same of a kind of errors."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def status_of(error: errors.SignsError) -> int:
    """The HTTP status of an error: its own row of the table, else that of its nearest ancestor."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def problem_of(error: errors.SignsError) -> Problem:
    """The error as a problem of the current request."""
    reason = reason_of(error)
    return Problem(
        type=f"urn:signs:problem:{reason}",
        title=reason.replace("-", " ").capitalize(),
        status=status_of(error),
        detail=_told(str(error)),
        request_id=request_id.get(),
    )


def status_problem(status: int, detail: str) -> Problem:
    """A problem that says no more than its HTTP status (RFC 9457, section 4.2.1)."""
    return Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_told(detail),
        request_id=request_id.get(),
    )


def error_response(scope: Scope, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem in the shape that the dialect of the requested path expects."""
    if DIALECTS.match(path_of(scope)):
        return JSONResponse({"error": problem.detail}, problem.status, headers)
    return JSONResponse(problem.model_dump(), problem.status, headers, media_type="application/problem+json")


def error_answer(scope: Scope, error: errors.SignsError | HTTPException | ClientDisconnect) -> Response:
    """The answer to an error that says itself what is wrong."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    if isinstance(error, errors.SignsError):
        return error_response(scope, problem_of(error), retry_headers(error))
    return error_response(scope, status_problem(error.status_code, error.detail), error.headers)


def path_of(scope: Scope) -> str:
    """The requested path below the application's root."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def as_bytes(response: Response) -> bytes:
    """A whole HTTP/1.1 answer, for who writes it without the application."""
    lines = [b"HTTP/1.1 %d %s" % (response.status_code, HTTPStatus(response.status_code).phrase.encode())]
    lines += [b"%s: %s" % header for header in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])


def retry_headers(error: errors.SignsError) -> dict[str, str]:
    """`Retry-After` in seconds for errors that pass by themselves, nothing for the others."""
    if status_of(error) != HTTPStatus.SERVICE_UNAVAILABLE:
        return {}
    return {"Retry-After": str(getattr(error, "retry_after", DEFAULT_RETRY_AFTER))}


def _told(text: str) -> str:
    """A text that any answer can carry: cut to `MOST_TOLD`, and without what UTF-8 cannot encode."""
    cut = text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]}..."
    return cut.encode("utf-8", "replace").decode("utf-8")


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.SignsError | ClientDisconnect)
    return error_answer(request.scope, error)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = _explain(request, error)
    return error_response(request.scope, status_problem(error.status_code, detail), error.headers)


async def _answer_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = [f"{'.'.join(str(step) for step in entry['loc'])}: {entry['msg']}" for entry in error.errors()]
    return error_response(request.scope, status_problem(422, "; ".join(told)))


def _explain(request: Request, error: HTTPException) -> str:
    if error.detail != HTTPStatus(error.status_code).phrase:
        return error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        listed = "; the routes are listed at /docs" if request.app.openapi_url else ""
        return f"nothing at {request.url.path}{listed}"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        return f"expected {allowed}, received {request.method}"
    return error.detail


def register_error_handlers(app: FastAPI) -> None:
    """Makes every error of a route an answer."""
    app.add_exception_handler(errors.SignsError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(ClientDisconnect, _answer_error)
