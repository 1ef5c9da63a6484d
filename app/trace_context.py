"""The trace that a request belongs to, as W3C Trace Context passes it on in `traceparent`."""

from __future__ import annotations

import re
import secrets
from typing import Final

TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII
)
"""Version, trace, parent and flags; later versions may add to these (section 4 of the recommendation)."""


def trace_id_in(traceparent: str) -> str:
    """The trace id of a `traceparent` header, 32 hex digits; a new one where that is none."""
    found = TRACEPARENT.fullmatch(traceparent)
    return found["trace"] if found else secrets.token_hex(16)
