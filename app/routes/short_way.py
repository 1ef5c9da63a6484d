"""What is asked most often, answered without FastAPI's search for dependencies.

On busy machines that search costs as much as reading a form. The routes that `predict` and `health` describe
do the same, and answer what asks for more.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api_keys import check_key, key_in
from app.classifier import Classifier
from app.dependencies import classify_counted
from app.metrics import Metrics
from app.readiness import check_live
from app.schemas import Prediction
from app.uploads import read_upload


class ShortWay(Route):
    """Stands before the route that it does the work of, so that errors reach the same handlers."""

    def __init__(self, method: str, path: str, answer: ASGIApp) -> None:
        super().__init__(path, answer, methods=[method], include_in_schema=False)
        self._method = method

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Only what has no query: parameters are FastAPI's to check."""
        if scope["type"] != "http" or scope["method"] != self._method or scope["query_string"]:
            return Match.NONE, {}
        match, child = super().matches(scope)
        return match, {**child, "route": self}


class PictureAnswer:
    """An ASGI application: a picture in, its prediction out."""

    def __init__(self, classifier: Classifier, metrics: Metrics, keys: Mapping[str, str]) -> None:
        self.classifier = classifier
        self.metrics = metrics
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if self.keys:
            check_key(key_in(request.headers), self.keys)
        upload = await read_upload(request)
        found = await classify_counted(self.classifier, self.metrics, upload, request.state.deadline)
        told = Prediction.of(found).model_dump_json(exclude_none=True)
        await Response(told, media_type="application/json")(scope, receive, send)


class LiveAnswer:
    """An ASGI application: whether the process lives."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = Response(media_type="application/json")
        response.body = (await check_live(response, self.classifier)).model_dump_json().encode()
        response.headers["Content-Length"] = str(len(response.body))
        await response(scope, receive, send)
