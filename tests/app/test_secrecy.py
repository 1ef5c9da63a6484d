"""Nothing of a picture, no key and no file name ever stands in the log or the metrics."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import httpx2
import pytest
from PIL import Image

from tests.app.serving import server_process

Encode = Callable[..., bytes]
SECRETS = ("open-sesame", "wrong-guess", "anna-at-home", "private-query", "hidden-comment")
HASH = hashlib.sha256(b"open-sesame").hexdigest()


@pytest.fixture(scope="module")
def pictures(encode: Encode) -> list[bytes]:
    """A good one, one without its end, and none, all with a secret inside."""
    good = encode(Image.new("L", (90, 70), 255), "JPEG", comment=b"hidden-comment")
    return [good, good[:-40], b"hidden-comment"]


def ask(client: httpx2.Client, picture: bytes) -> None:
    """Asks in every way in which a secret may come."""
    name = ("anna-at-home.jpg", picture)
    for key in ("open-sesame", "wrong-guess"):
        for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
            client.post("/predict?private-query=1", files={"file": name}, headers=headers)
            client.post("/predict/batch", files=[("files", name), ("files", name)], headers=headers)
            client.post("/predict", content=picture, headers=headers | {"Content-Type": "image/jpeg"})
        client.post("/", files={"file": name}, data={"api_key": key})
        client.post(f"/anna-at-home.jpg/{key}", content=picture, headers={"X-API-Key": key})
        client.get("/static/anna-at-home.jpg", headers={"Cookie": key})
        client.post("/predict", files={"anna-at-home": name}, headers={"X-API-Key": key})


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_log_and_the_metrics_tell_no_secret(log_format: str, pictures: list[bytes]) -> None:
    with server_process(log_format=log_format, api_keys=f"ann:{HASH}", drain_seconds=0) as server:
        with httpx2.Client(base_url=server.address, timeout=30) as client:
            for picture in pictures:
                ask(client, picture)
            metrics = client.get("/metrics", headers={"X-API-Key": "open-sesame"}).text
        server.terminate()
        assert server.end() == 0
    told = "".join(server.lines) + metrics
    assert told.count("/predict/batch") >= 12  # they were logged and counted
    assert [secret for secret in (*SECRETS, HASH) if secret in told] == []


def test_the_log_names_the_caller_not_the_key(pictures: list[bytes]) -> None:
    with server_process(log_format="json", api_keys=f"ann:{HASH}", drain_seconds=0) as server:
        for key in ("open-sesame", "wrong-guess"):
            headers = {
                "X-API-Key": key,
                "X-Request-ID": key[:4],
                "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
            }
            httpx2.post(f"{server.address}/predict", content=pictures[0], headers=headers)
        server.terminate()
        assert server.end() == 0
    lines = [line for line in map(json.loads, server.lines) if line["logger"] == "app.access"]
    assert [(line["caller"], line["status"]) for line in lines] == [("ann", 200), ("-", 401)]
    assert {line["trace_id"] for line in lines} == {"a" * 32}
