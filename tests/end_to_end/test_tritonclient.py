"""NVIDIA's client, unchanged and with its defaults, over HTTP and gRPC: the answers of `/predict`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import httpx2
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray
from PIL import Image
from tritonclient.utils import InferenceServerException

from app.manifest import golden_input, read_manifest
from tests.app.grpc_calls import grpc_process
from tests.end_to_end.test_model import newest

Floats = NDArray[np.float32]
TOLERANCE = 1e-3
MANIFEST = read_manifest(newest())


def photo(seed: int) -> bytes:
    """A made-up photo of 640 x 480 pixels as a JPEG."""
    tiles = (golden_input(seed, MANIFEST.input)[0] * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(tiles).resize((640, 480), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


PHOTOS = [photo(seed) for seed in range(5)]


@dataclass
class Service:
    """The committed model, served as a process."""

    url: str
    clients: dict[str, tuple[ModuleType, Any]]

    def predicted(self) -> Floats:
        """What `/predict` says of the photos, in the order of the labels."""
        rows = []
        for data in PHOTOS:
            answer = httpx2.post(f"{self.url}/predict", content=data).raise_for_status().json()
            by_label = {each["label"]: each["probability"] for each in answer["probabilities"]}
            rows.append([by_label[label] for label in MANIFEST.labels])
        return np.array(rows, np.float32)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with (
        grpc_process("-m", "app", precision="float32") as (server, port),
        tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.port}") as over_http,
        tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{port}") as over_grpc,
    ):
        clients = {"http": (tritonclient.http, over_http), "grpc": (tritonclient.grpc, over_grpc)}
        yield Service(server.address, clients)


def pictures(library: ModuleType, data: list[bytes]) -> Any:
    given = library.InferInput("images", [len(data)], "BYTES")
    return given.set_data_from_numpy(np.array(data, dtype=np.object_))


def numbers(library: ModuleType) -> tuple[Any, Floats]:
    """The golden inputs, and the probabilities that the manifest expects of them."""
    pairs = MANIFEST.golden.pairs
    array = np.concatenate([golden_input(pair.seed, MANIFEST.input) for pair in pairs])
    given = library.InferInput("images", list(array.shape), "FP32").set_data_from_numpy(array)
    return given, np.array([pair.probabilities for pair in pairs], np.float32)


both = pytest.mark.parametrize("transport", ["http", "grpc"])
Transport = Literal["http", "grpc"]


@both
def test_pictures_get_the_answers_of_predict(service: Service, transport: Transport) -> None:
    library, client = service.clients[transport]
    rows = client.infer("signs", [pictures(library, PHOTOS)]).as_numpy("probabilities")
    np.testing.assert_allclose(rows, service.predicted(), atol=TOLERANCE)


@both
def test_numbers_get_what_the_manifest_expects(service: Service, transport: Transport) -> None:
    library, client = service.clients[transport]
    given, expected = numbers(library)
    result = client.infer("signs", [given], model_version=str(MANIFEST.version), request_id="42")
    np.testing.assert_allclose(result.as_numpy("probabilities"), expected, atol=TOLERANCE)
    answer = result.get_response()
    assert (answer["id"] if transport == "http" else answer.id) == "42"


@both
def test_labels_may_come_in_place_of_numbers(service: Service, transport: Transport) -> None:
    library, client = service.clients[transport]
    wanted = library.InferRequestedOutput("probabilities", class_count=2)
    texts = client.infer("signs", [pictures(library, PHOTOS)], outputs=[wanted]).as_numpy("probabilities")
    for best, row in zip(texts[:, 0], service.predicted(), strict=True):
        value, index, label = best.decode().split(":")
        assert (int(index), label) == (row.argmax(), MANIFEST.labels[row.argmax()])
        assert float(value) == pytest.approx(row.max(), abs=TOLERANCE)


@both
def test_everything_else_that_it_asks_is_answered(service: Service, transport: Transport) -> None:
    _, client = service.clients[transport]
    version = str(MANIFEST.version)
    as_json = {} if transport == "http" else {"as_json": True}
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("signs")
    assert client.is_model_ready("signs", version)
    assert client.get_server_metadata(**as_json)["name"] == "signs"
    assert client.get_model_metadata("signs", **as_json)["inputs"][0]["name"] == "images"
    config = client.get_model_config("signs", **as_json)
    assert config.get("config", config)["max_batch_size"] == 32
    index = client.get_model_repository_index(**as_json)
    index = index if transport == "http" else index["models"]
    assert {"name": "signs", "version": version, "state": "READY"}.items() <= index[0].items()
    for name in ("", "signs"):
        assert client.get_inference_statistics(name, **as_json)["model_stats"][0]["version"] == version


@both
def test_errors_are_told_in_words(service: Service, transport: Transport) -> None:
    library, client = service.clients[transport]
    for given, model, told in (
        (pictures(library, [b"no picture"]), "signs", "JPEG"),
        (pictures(library, PHOTOS), "other", "signs"),
    ):
        with pytest.raises(InferenceServerException, match=told):
            client.infer(model, [given])


@both
def test_compression_changes_nothing(service: Service, transport: Transport) -> None:
    library, client = service.clients[transport]
    given, expected = numbers(library)
    names = ("request_compression_algorithm", "response_compression_algorithm")
    for algorithm in ("gzip", "deflate"):
        how = dict.fromkeys(names, algorithm) if transport == "http" else {"compression_algorithm": algorithm}
        rows = client.infer("signs", [given], **how).as_numpy("probabilities")
        np.testing.assert_allclose(rows, expected, atol=TOLERANCE)


def test_tensors_in_json_are_the_same(service: Service) -> None:
    library, client = service.clients["http"]
    given, expected = numbers(library)
    array = np.concatenate([golden_input(pair.seed, MANIFEST.input) for pair in MANIFEST.golden.pairs])
    given.set_data_from_numpy(array, binary_data=False)
    wanted = library.InferRequestedOutput("probabilities", binary_data=False)
    rows = client.infer("signs", [given], outputs=[wanted]).as_numpy("probabilities")
    np.testing.assert_allclose(rows, expected, atol=TOLERANCE)
