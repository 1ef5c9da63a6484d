"""Base64: what RFC 4648 writes is read, and nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.encoded_images import decode_base64
from app.errors import MalformedRequest


@given(st.binary())
def test_what_was_encoded_comes_back(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data).decode()) == data


@given(st.text())
def test_any_text_is_bytes_or_malformed(text: str) -> None:
    try:
        decoded = decode_base64(text)
    except MalformedRequest:
        return
    assert len(decoded) == len(text) // 4 * 3 - text.count("=")


@pytest.mark.parametrize(
    "text",
    [
        "%%%%",
        "QQ",
        "QQ=",
        "QQ===",
        "Q",
        "=",
        "QQ==QQ==",
        "QUJ\nD",
        " QUJD",
        "QUJD ",
        "-_-_",
        "é",
        "QU=D",
        "\ud800",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest, match="Unable to base64 decode"):
        decode_base64(text)


@pytest.mark.parametrize("value", [None, 1, ["QQ=="], {"b64": "QQ=="}, b"QQ=="])
def test_only_strings_are_read(value: object) -> None:
    with pytest.raises(MalformedRequest, match="expected a string"):
        decode_base64(value)
