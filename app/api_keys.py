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
    Security(HTTPBearer(auto_error=False, description="`Authorization: Bearer KEY`, where keys are set.")),
]
KeyHeader = Annotated[
    str | None,
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key in its own header.")),
]


def name_of(key: bytes, keys: Mapping[str, str]) -> str | None:
    """The name under which `key` is known in `keys` (name to hex SHA-256); None for a stranger.

    Every entry is compared, in constant time, so that the time taken tells nothing about the keys.
    """
    digest = hashlib.sha256(key).hexdigest()
    names = [name for name, known in keys.items() if hmac.compare_digest(digest, known)]
    return names[0] if names else None


def check_key(key: str | None, keys: Mapping[str, str], encoding: str = "utf-8") -> None:
    """Raises 401 unless no keys are set or `key` is one of them."""
    if not keys or (key and name_of(key.encode(encoding, "replace"), keys)):
        return
    received = "none" if not key else "one that is not known"
    raise HTTPException(
        401,
        f"expected an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`, received {received}",
        {"WWW-Authenticate": "Bearer"},
    )


async def require_key(request: Request, bearer: Bearer, header: KeyHeader) -> None:
    """A dependency that refuses strangers before their body is read."""
    key = bearer.credentials if bearer else header
    check_key(key, request.app.state.settings.api_keys, encoding="latin-1")  # as HTTP headers are decoded
