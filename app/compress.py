"""Answers as compressed as the client asks for, for protocols whose clients count on it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Final

CODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"gzip": gzip.compress, "deflate": zlib.compress}
"""By their names in HTTP (RFC 9110, section 8.4.1), the preferred one first."""


REFUSED: Final = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*", re.IGNORECASE)


def compress(body: bytes, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
    """The body in the first coding of ours that the header `Accept-Encoding` names, and its headers."""
    accepted = set(filter(None, map(_accepted, accept_encoding.split(","))))
    for name, encode in CODINGS.items():
        if name in accepted:
            return encode(body), {"Content-Encoding": name, "Vary": "Accept-Encoding"}
    return body, {"Vary": "Accept-Encoding"}


def _accepted(choice: str) -> str:
    """The coding of one element of the header, in lower case; empty where its weight is 0."""
    name, _, weight = choice.partition(";")
    return "" if REFUSED.fullmatch(weight) else name.strip().lower()
