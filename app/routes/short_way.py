"""What is asked most often, answered without FastAPI's routing and its search for dependencies.

On busy machines these cost more than reading a form. The routes that `predict` and `health` describe
do the same, and answer what asks for more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api_keys import check_key, key_in
from app.classifier import Classifier
from app.dependencies import picture_response
from app.errors import SignsError
from app.http_errors import error_answer, path_of
from app.metrics import Metrics
from app.readiness import check_live
from app.settings import Settings
from app.uploads import read_upload


class Way(NamedTuple):
    """Stands in for a route, as logs and metrics know it by its path."""

    path: str
    answer: Callable[[Request], Awaitable[Response]]


class ShortWay:
    """The innermost middleware: pictures for `/predict` and `/health/live` end here, all else goes on.

    Only what has no query, for parameters are FastAPI's to check, and no path that Vertex AI is given.
    """

    def __init__(self, app: ASGIApp, classifier: Classifier, metrics: Metrics, settings: Settings) -> None:
        self.app = app
        given = {settings.aip_predict_route, settings.aip_health_route}
        predict = Way("/predict", PictureAnswer(classifier, metrics, settings.api_keys))
        live = Way("/health/live", LiveAnswer(classifier))
        ways = {("POST", predict.path): predict, ("GET", live.path): live}
        self.ways = {place: way for place, way in ways.items() if way.path not in given}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = None
        if scope["type"] == "http" and not scope["query_string"]:
            way = self.ways.get((scope["method"], path_of(scope)))
        if way is None:
            return await self.app(scope, receive, send)
        scope["route"] = way
        try:
            response = await way.answer(Request(scope, receive))
        except (SignsError, HTTPException, ClientDisconnect) as error:
            response = error_answer(scope, error)
        await response(scope, receive, send)


class PictureAnswer:
    """A picture in, its prediction out."""

    def __init__(self, classifier: Classifier, metrics: Metrics, keys: Mapping[str, str]) -> None:
        self.classifier = classifier
        self.metrics = metrics
        self.keys = keys

    async def __call__(self, request: Request) -> Response:
        if self.keys:
            check_key(key_in(request.headers), self.keys)
        upload = await read_upload(request)
        return await picture_response(self.classifier, self.metrics, upload, request.state.deadline)


class LiveAnswer:
    """Whether the process lives."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    async def __call__(self, _request: Request) -> Response:
        response = Response(media_type="application/json")
        response.body = (await check_live(response, self.classifier)).model_dump_json().encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response
