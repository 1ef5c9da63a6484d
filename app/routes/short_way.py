"""What most requests are, a picture for `/predict`, answered without FastAPI's search for dependencies.

On busy machines that search costs as much as reading the form. `predict.predict_one` describes this route,
and answers what asks for more than this does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from app.api_keys import check_key, key_in
from app.classifier import Classifier
from app.dependencies import classify_counted
from app.metrics import Metrics
from app.schemas import Prediction
from app.uploads import read_upload

PATH: Final = "/predict"


class ShortWay(Route):
    """Stands before the route that it does the work of, so that errors reach the same handlers."""

    def __init__(self, classifier: Classifier, metrics: Metrics, keys: Mapping[str, str]) -> None:
        super().__init__(PATH, _Answer(classifier, metrics, keys), methods=["POST"], include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Only what has no query: parameters are FastAPI's to check."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
            return Match.NONE, {}
        match, child = super().matches(scope)
        return match, {**child, "route": self}


class _Answer:
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
