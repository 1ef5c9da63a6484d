"""What the tests of the Open Inference Protocol share: requests in each of its forms."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from app.engines.base import Float32Array

INFER = "/v2/models/signs/infer"
LENGTH = "Inference-Header-Content-Length"
JsonObject = dict[str, Any]


def grey(*levels: float) -> Float32Array:
    """Pictures of one grey each, float32 [n, 64, 64, 3]; the constant engine tells them apart."""
    return np.stack([np.full((64, 64, 3), level, np.float32) for level in levels])


def tensor(data: Any, shape: list[int], datatype: str = "FP32", **changes: Any) -> JsonObject:
    """An input in JSON."""
    return {"name": "images", "shape": shape, "datatype": datatype, "data": data} | changes


def json_request(**changes: Any) -> JsonObject:
    """A request for the first label's picture, in JSON."""
    return {"inputs": [tensor(grey(0).ravel().tolist(), [1, 64, 64, 3])]} | changes


def binary_request(
    binary: bytes, shape: list[int], datatype: str = "FP32", size: int | None = None, **changes: Any
) -> tuple[bytes, dict[str, str]]:
    """A body whose one input follows the JSON, and the header that says where."""
    parameters = {"binary_data_size": len(binary) if size is None else size}
    given = {"name": "images", "shape": shape, "datatype": datatype, "parameters": parameters}
    head = json.dumps({"inputs": [given]} | changes).encode()
    return head + binary, {LENGTH: str(len(head))}


def packed(*elements: bytes) -> bytes:
    """Byte strings in the binary form."""
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def split(response: Any) -> tuple[JsonObject, bytes]:
    """The JSON of an answer and the bytes after it."""
    assert response.status_code == 200, response.text
    length = int(response.headers[LENGTH])
    assert response.headers["content-type"] == "application/octet-stream"
    return json.loads(response.content[:length]), response.content[length:]


def refusal(response: Any, status: int) -> str:
    """The text of an error, once its status and its shape are the protocol's."""
    assert response.status_code == status, response.text
    told = response.json()
    assert told.keys() == {"error"}
    assert len(told["error"]) < 600
    text: str = told["error"]
    return text


def predicted(client: TestClient, picture: bytes) -> list[float]:
    """What `/predict` says of a picture, in the order of the labels."""
    answer = client.post("/predict", content=picture).json()
    by_label = {each["label"]: each["probability"] for each in answer["probabilities"]}
    return [by_label[label] for label in sorted(by_label)]
