"""Compressed bodies: inflated as they come, under the limits of all bodies."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.constant import ConstantEngine
from app.errors import MalformedRequest
from app.http_errors import BodyTooLarge
from app.inflate import Inflater
from app.main import create_app
from app.middleware import FULL_BODIES
from app.settings import Settings
from tests.app.serving import Exchange, ask_while_held, body, problem, service

GreyPng = Callable[[int], bytes]


GZIP = {"Content-Type": "image/png", "Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP ", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
    ],
)
def test_a_compressed_picture_is_read(
    grey_png: GreyPng, coding: str, compress: Callable[[bytes], bytes]
) -> None:
    with service() as client:
        response = client.post(
            "/predict",
            content=compress(grey_png(102)),
            headers={"Content-Type": "image/png", "Content-Encoding": coding},
        )
    assert (response.status_code, response.json()["label"]) == (200, "2")


WHOLE = gzip.compress(bytes(50))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-1], "cut off"),
        (WHOLE[:3], "cut off"),
        (WHOLE + b"x", "after its end"),
        (WHOLE + WHOLE, "after its end"),
        (b"x" + WHOLE, "broken"),
        (WHOLE[:-8] + bytes(8), "broken"),
    ],
    ids=["without its last byte", "its header", "and a byte", "twice", "after a byte", "with a wrong sum"],
)
def test_a_broken_stream_is_400(content: bytes, message: str) -> None:
    with service() as client:
        response = client.post("/predict", content=content, headers=GZIP)
    assert message in problem(response, 400)["detail"]


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "compress", "é"])
def test_another_coding_is_415_and_says_what_is_read(coding: str) -> None:
    with service() as client:
        headers = [(b"content-encoding", coding.encode())]
        response = client.post("/predict", content=b"x", headers=headers)
        assert response.headers["accept-encoding"] == "gzip, deflate"
        problem(response, 415)
        assert client.post("/v2/x", content=b"x", headers=headers).json().keys() == {"error"}


@pytest.mark.parametrize(("size", "status"), [(1000, 415), (1001, 413), (500_000, 413)])
def test_the_inflated_size_counts(size: int, status: int) -> None:
    with service(max_bytes=1000) as client:
        content = zlib.compress(bytes(size))
        assert client.post("/predict", content=content, headers=GZIP).status_code == status


def test_the_inflated_bytes_count_towards_all_bodies() -> None:
    app = create_app(Settings(max_bytes=1000), ConstantEngine())
    stream = zlib.compressobj()
    piece = stream.compress(bytes(900)) + stream.flush(zlib.Z_SYNC_FLUSH)
    headers = {"content-type": "image/png", "content-encoding": "deflate"}
    held = [Exchange(app, body(piece, more=True), headers) for _ in range(FULL_BODIES)]
    refused, admitted = (Exchange(app, body(zlib.compress(bytes(900))), headers) for _ in range(2))

    ask_while_held(app, held, refused, admitted)
    assert (refused.status, admitted.status) == (503, 415)


@pytest.mark.parametrize("path", ["/v1/models/signs:predict", "/hf", "/invocations"])
def test_every_dialect_takes_compressed_bodies(grey_png: GreyPng, path: str) -> None:
    picture = base64.b64encode(grey_png(255)).decode()
    document = {"inputs": picture} if path == "/hf" else {"instances": [{"b64": picture}]}
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = json.dumps(document).encode()
    with service() as client:
        known = client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert known.status_code == 200
        assert client.post(path, content=gzip.compress(content), headers=headers).json() == known.json()


def test_an_empty_body_is_empty() -> None:
    with service() as client:
        headers = {"Content-Encoding": "gzip"}
        assert client.get("/health/live", headers=headers).status_code == 200
        problem(client.post("/predict", content=b"", headers=headers), 400)


@given(st.binary(max_size=3000), st.integers(1, 100), st.sampled_from(["gzip", "deflate"]))
def test_pieces_give_the_whole(data: bytes, step: int, coding: str) -> None:
    sent = gzip.compress(data) if coding == "gzip" else zlib.compress(data)
    inflater = Inflater(3000)
    pieces = [sent[start : start + step] for start in range(0, len(sent), step)]
    got = b"".join(inflater.feed(piece, last=index == len(pieces) - 1) for index, piece in enumerate(pieces))
    assert got == data


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body_or_refused(data: bytes) -> None:
    with suppress(MalformedRequest):
        assert len(Inflater(100).feed(data, last=True)) <= 100


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    inflater = Inflater(1000)
    with pytest.raises(BodyTooLarge):
        inflater.feed(zlib.compress(bytes(10**8)), last=True)
