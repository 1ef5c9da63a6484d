"""The pictures that are asked about, and the requests that carry them."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.manifest import InputSpec, golden_input

THUMBNAILS = 32
PHOTO = (4032, 3024)
"""12 megapixels, as phones take them."""
BOUNDARY = "benchmark-boundary"


def thumbnails() -> list[bytes]:
    """64x64 JPEGs: the first pictures of the SIGNS test set or, without it, made-up ones."""
    return [_jpeg(picture, 95) for picture in _pictures()]


def photos(count: int) -> list[bytes]:
    """12-megapixel JPEGs of the same pictures, with the grain of a sensor: 3 to 5 MB each."""
    grain = np.random.RandomState(0).randint(-6, 7, (PHOTO[1], PHOTO[0], 1))
    return [
        _jpeg(_grainy(picture.resize(PHOTO, Image.Resampling.BICUBIC), grain), 90)
        for picture in _pictures()[:count]
    ]


def made_up_photo(size: tuple[int, int]) -> bytes:
    """A JPEG of noise, as large in bytes as a real photo of its size."""
    noise = np.random.RandomState(0).randint(0, 256, (size[1] // 16, size[0] // 16, 3)).astype(np.uint8)
    return _jpeg(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC), 90)


def _pictures() -> list[Image.Image]:
    path = Path(os.environ.get("SIGNS_DATA", "../shared/data")) / "signs" / "test_signs.h5"
    if not path.exists():
        made_up = (golden_input(seed, InputSpec())[0] for seed in range(THUMBNAILS))
        return [Image.fromarray((picture * 255).astype(np.uint8)) for picture in made_up]
    import h5py

    with h5py.File(path) as file:
        return [Image.fromarray(picture) for picture in file["test_set_x"][:THUMBNAILS]]


def _grainy(picture: Image.Image, grain: NDArray[np.int_]) -> Image.Image:
    return Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def multipart(path: str, field: str, *pictures: bytes) -> bytes:
    """A form with a file part for each picture, as browsers and `curl -F` send it."""
    parts = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{number}.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + picture
        + b"\r\n"
        for number, picture in enumerate(pictures)
    )
    return _request(path, f"multipart/form-data; boundary={BOUNDARY}", parts + f"--{BOUNDARY}--\r\n".encode())


def raw(path: str, picture: bytes) -> bytes:
    """The picture itself as the body."""
    return _request(path, "image/jpeg", picture)


def open_inference(path: str, picture: bytes) -> bytes:
    """The Open Inference Protocol's JSON, the picture in base64."""
    tensor = {
        "name": "images",
        "shape": [1, 1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(picture).decode()],
    }
    return _request(path, "application/json", json.dumps({"inputs": [tensor]}).encode())


def get(path: str) -> bytes:
    """A request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _request(path: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
