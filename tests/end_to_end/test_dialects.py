"""The committed model through every dialect: the same photo, the same answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.manifest import golden_input, read_manifest
from tests.end_to_end.test_model import newest, served

LABELS = "012345"
TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with served("openvino") as client:
        yield client


@pytest.fixture(scope="module", params=["upright", "turned by EXIF"])
def photo(request: pytest.FixtureRequest) -> bytes:
    """A made-up photo: a bright blob before a gradient."""
    picture = Image.linear_gradient("L").resize((800, 600)).convert("RGB")
    picture.paste((224, 172, 140), (250, 120, 520, 560))
    exif = Image.Exif()
    exif[0x0112] = 1 if request.param == "upright" else 6
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=92, exif=exif)
    return buffer.getvalue()


def by_label(entries: list[dict[str, Any]], name: str) -> list[float]:
    scores = {entry["label"]: entry[name] for entry in entries}
    return [scores[label] for label in LABELS]


def posted(client: TestClient, path: str, document: object) -> Any:
    response = client.post(path, json=document)
    assert response.status_code == 200, response.text
    return response.json()


def test_every_dialect_gives_the_same_answer(client: TestClient, photo: bytes) -> None:
    text = base64.b64encode(photo).decode()
    known = by_label(client.post("/predict", content=photo).json()["probabilities"], "probability")
    rows = {"instances": [{"b64": text}, {"b64": text}]}
    answers = [
        *posted(client, "/v1/models/signs:predict", rows)["predictions"],
        *posted(client, "/v1/models/signs:predict", {"inputs": {"images": [{"b64": text}]}})["outputs"],
        *posted(client, "/invocations", rows)["predictions"],
        by_label(client.post("/invocations", content=photo).json()["probabilities"], "probability"),
        by_label(client.post("/hf", content=photo).json(), "score"),
        by_label(posted(client, "/hf", {"inputs": text, "parameters": {"top_k": 6}}), "score"),
    ]
    for answer in answers:
        assert answer == pytest.approx(known, abs=TOLERANCE)


def test_a_tensor_gets_the_probabilities_of_the_manifest(client: TestClient) -> None:
    manifest = read_manifest(newest())
    tensor = np.concatenate([golden_input(pair.seed, manifest.input) for pair in manifest.golden.pairs])
    rows = posted(client, "/v1/models/signs:predict", {"instances": tensor.tolist()})["predictions"]
    np.testing.assert_allclose(rows, [pair.probabilities for pair in manifest.golden.pairs], atol=TOLERANCE)


def test_the_metadata_is_that_of_the_saved_model(client: TestClient) -> None:
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    model.ParseFromString((newest() / "saved_model.pb").read_bytes())
    known = model.meta_graphs[0].signature_def["serving_default"]
    signatures = client.get("/v1/models/signs/metadata").json()["metadata"]["signature_def"]["signature_def"]
    told = signatures["serving_default"]
    assert told["method_name"] == known.method_name
    for kind in ("inputs", "outputs"):
        assert told[kind] == {
            key: {
                "dtype": types_pb2.DataType.Name(tensor.dtype),
                "tensor_shape": {
                    "dim": [{"size": str(dim.size), "name": dim.name} for dim in tensor.tensor_shape.dim],
                    "unknown_rank": tensor.tensor_shape.unknown_rank,
                },
                "name": tensor.name,
            }
            for key, tensor in getattr(known, kind).items()
        }
