"""What the protocol offers, over the classifier and its one model; REST and gRPC only carry it."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from app.classifier import Classifier
from app.errors import NoSuchModel
from app.json_body import shown
from app.manifest import Manifest
from app.metrics import Metrics
from app.open_inference import answers
from app.open_inference.inference import INPUT, OUTPUT, raw_request, read_input, read_outputs, write_output
from app.open_inference.messages import InferAnswer, InferRequest
from app.open_inference.statistics import Statistics
from app.rows import predict_rows

SERVER_NAME: Final = "signs"
PLATFORM: Final = "tensorflow_savedmodel"
EXTENSIONS: Final = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "statistics",
)
STATES: Final = {"serving": "READY", "loading": "LOADING"}
"""A version's state as the extension "model_repository" calls it; any other is UNAVAILABLE."""


class Operations:
    """Each takes a model's name and version, "" for the serving one, and raises `NoSuchModel` for others."""

    def __init__(
        self, classifier: Classifier, metrics: Metrics, statistics: Statistics, max_batch: int, version: str
    ) -> None:
        self._classifier = classifier
        self._metrics = metrics
        self._statistics = statistics
        self._max_batch = max_batch
        self._server_version = version

    def server_metadata(self) -> answers.ServerMetadata:
        """What this server is and which extensions it speaks."""
        return answers.ServerMetadata(
            name=SERVER_NAME, version=self._server_version, extensions=list(EXTENSIONS)
        )

    def server_dead(self) -> str | None:
        """None while it lives, else why only a new process can help."""
        return self._classifier.dead

    def server_ready(self) -> str | None:
        """None when it can answer, else the reason in words."""
        return self._classifier.readiness()

    def model_ready(self, name: str, version: str) -> str | None:
        """None when the model version can answer, else the reason in words."""
        numbers = {str(status.number): status for status in self._classifier.versions}
        if name != self._classifier.model_name or version not in ("", *numbers):
            raise NoSuchModel(
                f"expected the model {self._classifier.model_name} and one of its versions "
                f"{', '.join(numbers) or '(none)'}, received {_asked(name, version)}"
            )
        reason = self._classifier.readiness()
        if reason is None and version not in ("", str(self._classifier.manifest.version)):
            return f"version {version} is {numbers[version].state}"
        return reason

    def model_metadata(self, name: str, version: str) -> answers.ModelMetadata:
        """The tensors that the model takes and gives."""
        manifest = self._require(name, version)
        shape = [-1, manifest.input.height, manifest.input.width, 3]
        return answers.ModelMetadata(
            name=manifest.name,
            versions=[str(manifest.version)],
            platform=PLATFORM,
            inputs=[answers.TensorMetadata(name=INPUT, datatype="FP32", shape=shape)],
            outputs=[answers.TensorMetadata(name=OUTPUT, datatype="FP32", shape=[-1, len(manifest.labels)])],
        )

    def model_config(self, name: str, version: str) -> answers.ModelConfig:
        """The same as Triton configures it: the batch dimension apart."""
        manifest = self._require(name, version)
        dims = [manifest.input.height, manifest.input.width, 3]
        return answers.ModelConfig(
            name=manifest.name,
            platform=PLATFORM,
            max_batch_size=self._max_batch,
            input=[answers.ConfigTensor(name=INPUT, data_type="TYPE_FP32", dims=dims)],
            output=[answers.ConfigTensor(name=OUTPUT, data_type="TYPE_FP32", dims=[len(manifest.labels)])],
            dynamic_batching={"max_queue_delay_microseconds": 0},
        )

    def statistics(self, name: str, version: str) -> answers.StatisticsResponse:
        """What the model did since the service started; "" as name stands for all models."""
        manifest = self._require(name or self._classifier.model_name, version)
        return answers.StatisticsResponse(
            model_stats=[self._statistics.describe(manifest.name, str(manifest.version))]
        )

    def repository_index(self, ready: bool) -> list[answers.VersionState]:
        """Every version in the model folder, or the one that serves."""
        return [
            answers.VersionState(
                name=self._classifier.model_name,
                version=str(status.number),
                state=STATES.get(status.state, "UNAVAILABLE"),
                reason=status.reason or ("" if status.state == "serving" else status.state),
            )
            for status in self._classifier.versions
            if not ready or status.state == "serving"
        ]

    def raw_request(self, body: bytes) -> InferRequest:
        """The request of a body without JSON; raises `NotReady`."""
        return raw_request(body, self._classifier.manifest.input)

    async def infer(
        self, name: str, version: str, request: InferRequest, deadline: float, identity: str
    ) -> InferAnswer:
        """The answer, by the `time.monotonic()` instant `deadline` or the request's own, if that is earlier.

        `identity` is the answer's where the request has none. Raises `TensorError`, `MalformedRequest`,
        also for pictures that cannot be read, and whatever else the classifier raises.
        """
        manifest = self._require(name, version)
        outputs = read_outputs(request)
        content = read_input(request, manifest.input, self._max_batch)
        if request.timeout is not None:
            deadline = min(deadline, time.monotonic() + request.timeout)
        rows, number = await predict_rows(self._classifier, self._metrics, content, deadline)
        table = np.array(rows, np.float32)
        return InferAnswer(
            model_name=manifest.name,
            model_version=str(number),
            identity=request.identity or identity,
            outputs=tuple(write_output(table, output, manifest.labels) for output in outputs),
        )

    def _require(self, name: str, version: str) -> Manifest:
        """The serving manifest, if the name and version are its own; raises `NoSuchModel` and `NotReady`."""
        manifest = self._classifier.manifest
        if name != manifest.name or version not in ("", str(manifest.version)):
            raise NoSuchModel(
                f"expected the model {manifest.name}, version {manifest.version}, "
                f"received {_asked(name, version)}"
            )
        return manifest


def _asked(name: str, version: str) -> str:
    return f"{shown(name)}, version {shown(version)}" if version else shown(name)
