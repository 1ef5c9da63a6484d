"""The methods of the Open Inference Protocol's gRPC service, each over the operation that REST has too."""

from __future__ import annotations

from typing import Any, Final

from app import logs
from app.open_inference.grpc_messages import read_infer_request, write_infer_answer
from app.open_inference.operations import Operations

Answer = Any
"""A protobuf message (which has no types), or the fields of one as a dictionary or a pydantic model."""


class Service:
    """Takes requests of `service.proto`; a deadline is a `time.monotonic()` instant."""

    OPEN_TO_ALL: Final = frozenset({"ServerLive", "ServerReady"})
    """What needs no API key, as REST's health needs none."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def ServerLive(self, _request: Any, _deadline: float) -> Answer:
        """Whether it can go on without being started anew."""
        return {"live": self._operations.server_dead() is None}

    async def ServerReady(self, _request: Any, _deadline: float) -> Answer:
        """Whether a model version is loaded, proven and warm."""
        return {"ready": self._operations.server_ready() is None}

    async def ModelReady(self, request: Any, _deadline: float) -> Answer:
        """Whether this model version can answer."""
        return {"ready": self._operations.model_ready(request.name, request.version) is None}

    async def ServerMetadata(self, _request: Any, _deadline: float) -> Answer:
        """What the server is and which extensions it speaks."""
        return self._operations.server_metadata()

    async def ModelMetadata(self, request: Any, _deadline: float) -> Answer:
        """What the model takes and gives."""
        return self._operations.model_metadata(request.name, request.version)

    async def ModelConfig(self, request: Any, _deadline: float) -> Answer:
        """How the model is configured."""
        return {"config": self._operations.model_config(request.name, request.version).model_dump()}

    async def ModelStatistics(self, request: Any, _deadline: float) -> Answer:
        """What the model did."""
        return self._operations.statistics(request.name, request.version)

    async def RepositoryIndex(self, request: Any, _deadline: float) -> Answer:
        """The versions in the model folder."""
        index = self._operations.repository_index(request.ready)
        return {"models": [version.model_dump() for version in index]}

    async def ModelInfer(self, request: Any, deadline: float) -> Answer:
        """Probabilities for pictures or numbers."""
        answer = await self._operations.infer(
            request.model_name,
            request.model_version,
            read_infer_request(request),
            deadline,
            logs.request_id.get(),
        )
        return write_infer_answer(answer)
