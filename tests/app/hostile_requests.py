"""Makes HTTP requests that are broken or mean harm, as the bytes that go over the wire."""

from __future__ import annotations

import random
from collections.abc import Iterator

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'

Request = tuple[str, bytes]
"""What it is, in words, and its bytes."""


def hostile_requests(picture: bytes) -> Iterator[Request]:
    """Each kind once; after some of them the client is expected to hang up."""
    yield "no boundary", _sized(HEAD + b"Content-Type: multipart/form-data\r\n", PART + picture)
    yield "another boundary", _sized(HEAD + FORM, PART.replace(b"--b", b"--c") + picture + b"\r\n--c--\r\n")
    yield "no end of the form", _sized(HEAD + FORM, PART + picture)
    yield "1,000 parts", _sized(HEAD + FORM, (PART + b"x\r\n") * 1000 + b"--b--\r\n")
    yield "1,000 fields", _sized(HEAD + FORM, PART.replace(b'; filename="a.png"', b"") * 1000 + b"--b--\r\n")
    yield (
        "a huge name",
        _sized(HEAD + FORM, PART.replace(b"a.png", b"a" * 60_000) + picture + b"\r\n--b--\r\n"),
    )
    yield (
        "many lines in a part",
        _sized(HEAD + FORM, b"--b\r\n" + b"X-Y: z\r\n" * 5000 + b"\r\nx\r\n--b--\r\n"),
    )
    yield "a boundary of 10,000", _sized(HEAD + FORM.replace(b"=b", b"=" + b"b" * 10_000), PART + picture)
    yield "a form in a form", _sized(HEAD + FORM, PART.replace(b"\r\n\r\n", b"\r\n" + FORM + b"\r\n") * 9)
    yield "chunks without end", HEAD + CHUNKED + b"1\r\nx\r\n" * 1000
    yield "a chunk of wrong size", HEAD + CHUNKED + b"fffffffffffffffff\r\nx\r\n"
    yield "a chunk of no size", HEAD + CHUNKED + b"zz\r\nx\r\n0\r\n\r\n"
    yield "trailers without end", HEAD + CHUNKED + b"0\r\n" + b"A: b\r\n" * 20_000
    yield "both lengths", HEAD + CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + b"0\r\n\r\n"
    yield "a negative length", HEAD + b"Content-Length: -1\r\n\r\n"
    yield "a length over the limit", HEAD + b"Content-Length: 99999999999\r\n\r\n" + picture
    yield "less than announced", HEAD + b"Content-Length: 5000\r\n\r\n" + picture[:100]
    yield "a head without end", HEAD + b"X: y\r\n" * 20_000
    yield "a line without end", HEAD + b"X: " + b"y" * 100_000
    yield "half a head", HEAD + b"X"
    yield "no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
    yield "a path of bytes", b"GET /\xff\xfe%00%ff HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "broken gzip", _sized(HEAD + b"Content-Encoding: gzip\r\n", b"\x1f\x8b" + picture)
    yield (
        "broken JSON",
        _sized(b"POST /v1/models/signs:predict HTTP/1.1\r\nHost: x\r\n", b'{"instances": [' * 9000),
    )


CHUNKED = b"Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"


def mangled(chance: random.Random, request: bytes) -> bytes:
    """A request with a few of its first bytes changed."""
    damaged = bytearray(request)
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(min(len(damaged), 200))] = chance.randrange(256)
    return bytes(damaged)


def _sized(head: bytes, body: bytes) -> bytes:
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
