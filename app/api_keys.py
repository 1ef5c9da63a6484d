"""Who may ask: keys known by their SHA-256 only, where any are set."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated

from fastapi import HTTPException, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Security(HTTPBearer(auto_error=False, description="`Authorization: Bearer KEY`.")),
]
KeyHeader = Annotated[
    str | None,
    Security(
        APIKeyHeader(
            name="X-API-Key",
            auto_error=False,
            description="The same key in its own header, where there is no Bearer token.",
        )
    ),
]


def name_of(key: bytes, keys: Mapping[str, str]) -> str | None:
    """The name under which `key` is known in `keys` (name to hex SHA-256); None for a stranger.

    Every entry is compared, in constant time, so that the time taken tells nothing about the keys.
    """
    digest = hashlib.sha256(key).hexdigest()
    names = [name for name, known in keys.items() if hmac.compare_digest(digest, known)]
    return names[0] if names else None


def key_in(headers: Mapping[str, str]) -> bytes | None:
    """The key in a request's headers or metadata, whose names are in lower case; None without one.

    A Bearer token is the key, whatever else there is; `X-API-Key` counts only without one.
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    key = credentials.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    return key.encode("latin-1", "replace") or None  # as HTTP headers are decoded


def check_key(key: str | bytes | None, keys: Mapping[str, str]) -> None:
    """Raises 401 unless no keys are set or `key`, as text in UTF-8, is one of them."""
    raw = key.encode("utf-8", "replace") if isinstance(key, str) else key
    if not keys or (raw and name_of(raw, keys)):
        return
    received = "none" if not key else "one that is not known"
    raise HTTPException(
        401,
        f"expected an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`, received {received}",
        {"WWW-Authenticate": "Bearer"},
    )


async def require_key(request: Request, _bearer: Bearer, _header: KeyHeader) -> None:
    """A dependency that refuses strangers before their body is read; its parameters only describe it."""
    check_key(key_in(request.headers), request.app.state.settings.api_keys)
