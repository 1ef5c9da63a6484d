"""Answers are compressed only as the client asks for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest

from app.compress import compress

BODY = b"0.1, " * 100
UNDO: dict[str | None, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    None: bytes,
}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip", "gzip"),
        ("br, GZIP;q=0.5, deflate", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("gzip; q=0.000", None),
        ("gzip;q=0.001", "gzip"),
        ("br", None),
        ("*", None),
        ("identity", None),
        ("", None),
        (";;,,q=,gzip;q", "gzip"),
    ],
)
def test_the_coding_is_one_that_the_client_names(accept: str, coding: str | None) -> None:
    body, headers = compress(BODY, accept)
    assert headers.get("Content-Encoding") == coding
    assert headers["Vary"] == "Accept-Encoding"
    assert UNDO[coding](body) == BODY
