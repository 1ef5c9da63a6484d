"""Whatever is read at once is what the library reads in the same bytes; all else is left to it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from app.lone_file import LoneFile, lone_file
from app.settings import Settings
from app.uploads import read_form

PLAIN = "multipart/form-data; boundary=xyz"
HEAD = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
# Pieces of which forms, and what only looks like forms, are made.
PIECES = st.sampled_from(
    [
        b"--xyz\r\n",
        b"\r\n--xyz\r\n",
        b"\r\n--xyz--\r\n",
        b"\r\n--xyz--",
        b"\r\n--xy",
        b"--xyz",
        HEAD,
        b'Content-Disposition: form-data; name="file"; filename="../b (1).png"\r\n',
        b'Content-Disposition: form-data; name="file"; filename=""\r\n',
        b'Content-Disposition: form-data; name="file"\r\n',
        b'Content-Disposition: form-data; name="photo"; filename="c"\r\n',
        b"Content-Type: image/jpeg\r\n",
        b"Content-Type: image/jpeg; q=1\r\n",
        b"\r\n",
        b"\xff\xd8\xff",
        b"-",
        b"",
    ]
)


def _library_reads(content_type: str, body: bytes) -> LoneFile | None:
    """The one file of a form by the library; None where it finds none, or refuses the form."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "headers": [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))],
        "app": SimpleNamespace(state=SimpleNamespace(settings=Settings())),
    }
    try:
        form = asyncio.run(read_form(Request(scope, receive), max_files=1))
        (upload,) = form.named("file")
    except HTTPException:
        return None
    return LoneFile(upload.filename, upload.content_type, upload.data)


def _form(data: bytes, head: bytes = HEAD + b"Content-Type: image/jpeg\r\n") -> bytes:
    return b"--xyz\r\n" + head + b"\r\n" + data + b"\r\n--xyz--\r\n"


@given(pieces=st.lists(PIECES, max_size=9))
@example([b"--xyz\r\n", HEAD, b"\r\n", b"\xff\xd8\xff", b"\r\n--xyz--\r\n"])
@example([b"--xyz\r\n", HEAD, b"\r\n--xyz--\r\n"])
def test_what_is_read_at_once_is_what_the_library_reads(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    if (read := lone_file(PLAIN, body)) is not None:
        assert read == _library_reads(PLAIN, body)


@given(data=st.binary(max_size=200).filter(lambda data: b"\r\n--xyz" not in b"\r\n" + data))
def test_any_bytes_are_read(data: bytes) -> None:
    read = lone_file(PLAIN, _form(data))
    assert read == LoneFile("a.jpg", "image/jpeg", data) == _library_reads(PLAIN, _form(data))


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=----WebKitFormBoundaryABC7MA4YWxkTrZu0",
        "multipart/form-data; boundary=------------------------d74496d66958873e",
        "multipart/form-data;boundary=0f3a",
    ],
)
def test_the_boundaries_of_browsers_and_curl_are_read(content_type: str) -> None:
    boundary = content_type.partition("=")[2].encode()
    body = _form(b"\xff\xd8\xff").replace(b"xyz", boundary)
    assert lone_file(content_type, body) == LoneFile("a.jpg", "image/jpeg", b"\xff\xd8\xff")
    assert lone_file(content_type, body) == _library_reads(content_type, body)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", _form(b"a")),
        ('multipart/form-data; boundary="xyz"', _form(b"a")),
        ("multipart/form-data; boundary=xyz; charset=utf-8", _form(b"a")),
        (PLAIN, b""),
        (PLAIN, _form(b"a")[:-6]),
        (PLAIN, _form(b"a") + b"epilogue"),
        (PLAIN, b"preamble\r\n" + _form(b"a")),
        (PLAIN, _form(b"a", HEAD + b"X-Other: 1\r\n")),
        (PLAIN, _form(b"a", HEAD.replace(b"a.jpg", "ä.jpg".encode()))),
        (PLAIN, _form(b"a", HEAD.replace(b"a.jpg", b'a\\"b.jpg'))),
        (PLAIN, _form(b"a", HEAD.replace(b'"file"', b'"FILE"'))),
        (PLAIN, _form(b"a", HEAD.replace(b"a.jpg", b"a" * 256))),
        (PLAIN, _form(b"a", HEAD + b"Content-Type: image/" + b"a" * 128 + b"\r\n")),
        (PLAIN, _form(b"a\r\n--xyz\r\n" + HEAD + b"\r\nb")),
    ],
)
def test_all_else_is_left_to_the_library(content_type: str, body: bytes) -> None:
    assert lone_file(content_type, body) is None
