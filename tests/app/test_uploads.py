"""Bodies and forms: every wrong one is refused with its status and a reason, and none touches the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.app.conftest import Encode
from tests.app.serving import problem, service

GreyPng = Callable[[int], bytes]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(max_bytes=200_000) as client:
        yield client


def no_file(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict")


def empty_body(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict", content=b"", headers={"Content-Type": "image/png"})


def empty_chunked_body(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict", content=iter([b""]), headers={"Content-Type": "image/png"})


def empty_file(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict", files={"file": ("a.png", b"", "image/png")})


def form_without_the_part(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", files={"photo": ("a.png", png)})


def form_with_text_in_the_part(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", files={"file": (None, "text")})


def form_with_two_files(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", files=[("file", ("a.png", png)), ("file", ("b.png", png))])


def form_without_boundary(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", content=png, headers={"Content-Type": "multipart/form-data"})


def form_cut_off(client: TestClient, png: bytes) -> Any:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + png
    return client.post("/predict", content=form, headers={"Content-Type": "multipart/form-data; boundary=x"})


def batch_without_files(client: TestClient, png: bytes) -> Any:
    return client.post("/predict/batch", files={"file": ("a.png", png)})


def batch_without_body(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict/batch")


def over_max_bytes(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", files={"file": ("a.png", png + bytes(200_000), "image/png")})


def over_max_bytes_in_chunks(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", content=iter([png, bytes(200_000)]))


def json_body(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict", json={"image": "..."})


def part_of_another_type(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", files={"file": ("a.pdf", png, "application/pdf")})


def bytes_of_no_picture(client: TestClient, _png: bytes) -> Any:
    return client.post("/predict", files={"file": ("a.png", b"not a picture", "image/png")})


def batch_of_another_type(client: TestClient, png: bytes) -> Any:
    return client.post("/predict/batch", content=png, headers={"Content-Type": "image/png"})


def truncated_picture(client: TestClient, png: bytes) -> Any:
    return client.post("/predict", content=png[: len(png) // 2])


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (no_file, 400),
        (empty_body, 400),
        (empty_chunked_body, 400),
        (empty_file, 400),
        (form_without_the_part, 400),
        (form_with_text_in_the_part, 400),
        (form_with_two_files, 400),
        (form_without_boundary, 400),
        (form_cut_off, 400),
        (batch_without_files, 400),
        (batch_without_body, 400),
        (over_max_bytes, 413),
        (over_max_bytes_in_chunks, 413),
        (json_body, 415),
        (part_of_another_type, 415),
        (bytes_of_no_picture, 415),
        (batch_of_another_type, 415),
        (truncated_picture, 422),
    ],
)
def test_bad_requests_get_their_status_and_a_reason(
    client: TestClient, grey_png: GreyPng, send: Callable[[TestClient, bytes], Any], status: int
) -> None:
    told = problem(send(client, grey_png(40)), status)
    assert any(word in told["detail"] for word in ("expected", "truncated", "send a"))


@given(
    data=st.binary(max_size=300),
    content_type=st.sampled_from(
        ["image/png", "multipart/form-data; boundary=x", "text/plain", "", "a/b/c;;="]
    ),
    prefix=st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF", b"--x\r\n", b"BM"]
    ),
)
def test_no_bytes_give_a_500(client: TestClient, data: bytes, content_type: str, prefix: bytes) -> None:
    response = client.post("/predict", content=prefix + data, headers={"Content-Type": content_type})
    assert response.status_code in {200, 400, 415, 422}
    if response.status_code != 200:
        problem(response, response.status_code)


def test_large_uploads_never_touch_the_disk(monkeypatch: pytest.MonkeyPatch, encode: Encode) -> None:
    def refuse(_file: object) -> None:
        raise AssertionError("an upload was written to the disk")

    monkeypatch.setattr(SpooledTemporaryFile, "rollover", refuse)
    noise = Image.effect_noise((1500, 1500), 90)
    picture = encode(noise)
    assert len(picture) > 2**20  # above where Starlette would roll over by default
    with service() as client:
        assert client.post("/predict", files={"file": ("big.png", picture)}).status_code == 200
