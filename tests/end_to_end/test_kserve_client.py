"""KServe's own client, in the environment that `make kserve` sets up: the answers of `/predict`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from app.routes.page import EXAMPLES
from tests.app.grpc_calls import grpc_process
from tests.conftest import ROOT

PYTHON = ROOT / ".venv-kserve" / "bin" / "python"
PROGRAM = Path(__file__).with_name("kserve_client.py")
PHOTO = EXAMPLES / "5.webp"
Told = dict[str, Any]
TOLERANCE = 1e-3
ENGINES = {"constant engine": ((), {}), "committed model": (("-m", "app"), {"precision": "float32"})}

INSTALLED = (ROOT / ".venv-kserve" / ".installed").exists()
ABSENT = "KServe's client is not here: `make kserve` installs it into .venv-kserve"

pytestmark = pytest.mark.skipif(not INSTALLED, reason=ABSENT)


def tensor_of(photo: Path) -> Any:
    """The photo as numbers, as docs/clients.md makes them."""
    square = Image.open(photo).convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
    return np.asarray(square, np.float32)[np.newaxis] / 255


def predicted(url: str) -> list[float]:
    """What `/predict` says of the photo, in the order of the labels."""
    told = httpx2.post(f"{url}/predict", content=PHOTO.read_bytes()).raise_for_status().json()
    by_label = {each["label"]: each["probability"] for each in told["probabilities"]}
    return [by_label[label] for label in sorted(by_label)]


def inferred(url: str, tensor: Any) -> list[float]:
    """What TensorFlow Serving's dialect says of numbers: no hand is sought in them, they are seen once."""
    name = httpx2.get(f"{url}/model").raise_for_status().json()["name"]
    asked = httpx2.post(f"{url}/v1/models/{name}:predict", json={"instances": tensor.tolist()})
    row: list[float] = asked.raise_for_status().json()["predictions"][0]
    return row


@pytest.fixture(scope="module", params=ENGINES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the client got of a live service, and what others got of it as `known`."""
    engine, settings = ENGINES[request.param]
    tensor = tmp_path_factory.mktemp("kserve") / "photo.npy"
    numbers = tensor_of(PHOTO)
    np.save(tensor, numbers)
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with grpc_process(*engine, **settings) as (server, port):
        arguments = (server.address, f"127.0.0.1:{port}", str(PHOTO), str(tensor))
        done = subprocess.run([PYTHON, PROGRAM, *arguments], env=direct, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answered: Told = json.loads(done.stdout)
        known = {"photo": predicted(server.address), "tensor": inferred(server.address, numbers)}
        return answered | {"known": known}


def test_everything_is_ready(told: Told) -> None:
    assert told["ready"] == dict.fromkeys(
        ["v1 model", "v2 live", "v2 server", "v2 model", "gRPC live", "gRPC server", "gRPC model"], True
    )


@pytest.mark.parametrize(
    "way",
    ["v1 b64", "v1 tensor", "v2 photo", "v2 tensor", "v2 tensor in JSON", "gRPC photo", "gRPC tensor"],
)
def test_the_answer_is_that_of_others(told: Told, way: str) -> None:
    known = told["known"]["tensor" if "tensor" in way else "photo"]
    assert told["answers"][way] == pytest.approx(known, abs=TOLERANCE)
    assert np.argmax(known) == np.argmax(told["known"]["photo"])


def test_what_is_wrong_is_told_in_words(told: Told) -> None:
    for protocol in ("v1", "v2", "gRPC"):
        assert "JPEG" in told["refusals"][protocol], told["refusals"]
