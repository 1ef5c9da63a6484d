"""What is asked most often, answered at the connection: a small picture for `/predict` that asks for no more.

The way through ASGI, its server and its middleware costs twice what decoding and ranking do. All that is
not as plain as described here takes that way.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from fastapi import Response
from starlette.exceptions import HTTPException

from app import logs
from app.classifier import Classifier
from app.dependencies import picture_response
from app.errors import SignsError
from app.http_errors import INTERNAL_ERROR, error_answer, error_response, status_problem
from app.incoming_body import BodyBudget
from app.lone_file import lone_file
from app.metrics import Metrics
from app.middleware import with_own_headers
from app.settings import Settings
from app.uploads import SMALL_FORM, Upload

logger = logging.getLogger(__name__)

METHOD, PATH = "POST", "/predict"
SCOPE: Final = {"type": "http", "path": PATH}
"""As much of ASGI's as the shape of an error hangs on."""
USUAL: Final = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"connection",
        b"content-length",
        b"content-type",
        b"host",
        b"traceparent",
        b"user-agent",
        b"x-request-id",
    }
)
"""Headers that ask for nothing but what is done here."""

Head = Mapping[bytes, bytes]


class Asked(NamedTuple):
    """A whole request, and whence."""

    head: Head
    upload: Upload
    arrived: float
    """When its head had come, a `time.monotonic()` instant."""
    client: str
    """An address."""
    scheme: str
    """http or https."""


class FastPath:
    """What a connection asks for an answer before it gives a request to the application."""

    def __init__(
        self, classifier: Classifier, metrics: Metrics, budget: BodyBudget, settings: Settings
    ) -> None:
        self._classifier = classifier
        self._metrics = metrics
        self._budget = budget
        self._seconds = settings.deadline_ms / 1000
        self._longest = min(SMALL_FORM, settings.max_bytes)

    @staticmethod
    def fits(settings: Settings) -> bool:
        """Whether requests need nothing that only middleware does."""
        others = (settings.api_keys, settings.key_rate, settings.address_rate, settings.otlp_endpoint)
        return not any((*others, settings.trusted_proxies)) and settings.aip_predict_route != PATH

    @property
    def closes(self) -> bool:
        """Whether connections are to end with their answers: see `PartWhileDraining`."""
        return self._classifier.draining

    def wants(self, method: bytes, url: bytes, head: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a request may be answered here, by its head, whose names are in lower case."""
        if url != PATH.encode() or method != METHOD.encode() or self.closes:
            return False
        fields = dict(head)
        if len(fields) < len(head) or not fields.keys() <= USUAL:
            return False
        length = fields.get(b"content-length", b"")
        return length.isdigit() and 0 < int(length) <= self._longest

    def upload(self, head: Head, body: bytes) -> Upload | None:
        """The picture in a whole body; None where it is none, or in a form that the library has to read."""
        kind = head.get(b"content-type", b"").decode("latin-1")
        if kind.startswith("image/"):
            return Upload("", kind, body)
        lone = lone_file(kind, body)
        return Upload(*lone) if lone else None

    async def answer(self, asked: Asked) -> Response:
        """The answer, whatever it is, with all of its headers; counted and logged, also when cancelled."""
        identity = logs.identify(
            *(asked.head.get(name, b"").decode("latin-1") for name in (b"x-request-id", b"traceparent"))
        )
        status = 0  # stays so where the client leaves
        try:
            response = await self._response(asked.upload, asked.arrived + self._seconds)
            status = response.status_code
            response.raw_headers = with_own_headers(response.raw_headers, identity, asked.scheme)
            return response
        finally:
            seconds = time.monotonic() - asked.arrived
            self._metrics.answered_request(PATH, status, seconds)
            logs.note_answer(METHOD, PATH, status, seconds, asked.client)

    async def _response(self, upload: Upload, deadline: float) -> Response:
        try:
            with self._budget.hold(len(upload.data)):
                return await picture_response(self._classifier, self._metrics, upload, deadline)
        except (SignsError, HTTPException) as error:
            return error_answer(SCOPE, error)
        except Exception:
            logger.exception("unexpected error")
            return error_response(SCOPE, status_problem(500, INTERNAL_ERROR))
