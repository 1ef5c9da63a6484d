"""Every example of docs/clients.md, with the real client against a live service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
import yaml
from PIL import Image

from app.settings import Settings
from tests.app.grpc_calls import grpc_port
from tests.app.serving import ServerProcess, server_process
from tests.conftest import ROOT
from tests.end_to_end.test_kserve_client import ABSENT, INSTALLED, PYTHON

TEXT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
PREDICT_ROUTE = "/v1/endpoints/1/deployedModels/2:predict"
DECIMAL = re.compile(r"-?\d+\.\d+(?:e-\d+)?")


class Example(NamedTuple):
    """A fenced block that is run, and the one after it, which says what it prints."""

    language: str
    code: str
    output_language: str
    output: str


def find_examples() -> Iterator[Any]:
    """The examples, each called by the section it stands in."""
    for section in TEXT.split("\n## ")[1:]:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
        for index, (language, code) in enumerate(blocks):
            if language in ("sh", "python"):
                name = f"{section.splitlines()[0]} {index}"
                yield pytest.param(Example(language, code, *blocks[index + 1]), id=name)


EXAMPLES = list(find_examples())


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A service that takes a white picture for a five."""
    with server_process(aip_predict_route=PREDICT_ROUTE, grpc_port=0) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the photo of the examples."""
    Image.new("RGB", (640, 480), "white").save(tmp_path / "photo.jpg")
    return tmp_path


def python_for(example: Example) -> str:
    """The Python that has what the example imports; skips where KServe's client is not installed."""
    if "from kserve import" not in example.code:
        return sys.executable
    if not INSTALLED:
        pytest.skip(ABSENT)
    return str(PYTHON)


def run(example: Example, folder: Path, server: ServerProcess) -> str:
    """What the example prints."""
    shell = ["bash", "-euo", "pipefail", "-c"] if example.language == "sh" else [python_for(example), "-c"]
    code = example.code.replace("localhost:8000", f"127.0.0.1:{server.port}")
    code = code.replace("localhost:8001", f"127.0.0.1:{grpc_port(server)}")
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = direct | {"AIP_PREDICT_ROUTE": PREDICT_ROUTE, "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder)}
    done = subprocess.run([*shell, code], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_decimals(language: str, text: str) -> object:
    """The output with `#` for each decimal number, and as a JSON value where it is one."""
    if language == "json":
        return json.loads(text, parse_float=lambda _: "#")
    return DECIMAL.sub("#", text.strip())


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_prints_what_is_said(example: Example, folder: Path, server: ServerProcess) -> None:
    printed = run(example, folder, server)
    language = example.output_language
    assert without_decimals(language, printed) == without_decimals(language, example.output)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_gets_the_probabilities_of_predict(
    example: Example, folder: Path, server: ServerProcess
) -> None:
    photo = (folder / "photo.jpg").read_bytes()
    answer = httpx2.post(f"{server.address}/predict", content=photo).json()
    known = [entry["probability"] for entry in answer["probabilities"]]
    for number in map(float, DECIMAL.findall(run(example, folder, server))):
        assert min(abs(number - probability) for probability in known) < 1e-3


def test_there_are_examples_of_every_client() -> None:
    codes = [example.values[0].code for example in EXAMPLES]
    for client in (
        "curl",
        "requests",
        "httpx",
        "huggingface_hub",
        "kserve",
        "tritonclient.http",
        "tritonclient.grpc",
        "Inference-Header-Content-Length",
        "/v2/models/signs/infer",
        "/v1/models/signs:predict",
        "/invocations",
    ):
        assert any(client in code for code in codes), client


def test_the_inference_service_asks_for_what_there_is(server: ServerProcess) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    manifest = yaml.safe_load(block)
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert manifest["spec"]["predictor"]["enableServiceLinks"] is False  # these are taken for settings
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container"
    settings = {variable["name"]: variable["value"] for variable in container["env"]}
    assert settings.keys() <= {Settings.variable(name) for name in Settings.model_fields}
    (port,) = container["ports"]
    assert str(port["containerPort"]) == settings["SIGNS_PORT"]
    for probe in ("readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == port["containerPort"]
        assert httpx2.get(server.address + asked["path"]).status_code == 200


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(test_\w+)::(test_\w+)`", TEXT)
    assert len(named) > 30
    for module, test in named:
        (path,) = ROOT.glob(f"tests/*/{module}.py")
        assert f"\ndef {test}(" in path.read_text(encoding="utf-8"), (module, test)
