"""Refuses who asks too often, by key or by address, before the body is read. Pure ASGI."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app import logs
from app.api_keys import key_in, name_of
from app.http_errors import error_response, status_problem
from app.metrics import Metrics, Refusal
from app.rate_limit import RateLimit, network_of

FREE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that are not counted: they cost little, and health and metrics must answer always."""
TOLD: Final[Mapping[Refusal, str]] = {
    "address-rate": "more requests from this address than may come in a minute; try again later",
    "key-rate": "more requests with this API key than may come in a minute; try again later",
}


class LimitRate:
    """Answers 429 with `Retry-After` above a rate a minute; 0 as a rate: no limit.

    The key is the one in the headers; its name is noted for the log.
    """

    def __init__(
        self, app: ASGIApp, keys: Mapping[str, str], key_rate: int, address_rate: int, metrics: Metrics
    ) -> None:
        self.app = app
        self.keys = keys
        self.by_key = RateLimit(key_rate) if key_rate else None
        self.by_address = RateLimit(address_rate) if address_rate else None
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        key = key_in(Headers(scope=scope))
        name = name_of(key, self.keys) if key else None
        logs.caller.set(name or "-")
        for reason, limit, caller in self._limits(scope, name):
            if wait := limit.admit(caller):
                self.metrics.refused_request(reason)
                told = status_problem(429, TOLD[reason])
                headers = {"Retry-After": str(math.ceil(wait))}
                return await error_response(scope, told, headers)(scope, receive, send)
        await self.app(scope, receive, send)

    def _limits(self, scope: Scope, name: str | None) -> Iterator[tuple[Refusal, RateLimit, str]]:
        if scope["method"] in FREE:
            return
        if self.by_address:
            yield "address-rate", self.by_address, network_of((scope.get("client") or ("-",))[0])
        if self.by_key and name:
            yield "key-rate", self.by_key, name
