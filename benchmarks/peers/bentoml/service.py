"""BentoML as its documentation batches: a batchable endpoint, whose dispatcher adapts the batch."""

from pathlib import Path
from typing import Annotated, Any

import bentoml
import numpy as np
from bentoml.validators import ContentType
from network import decode, load_network


@bentoml.service(
    workers=1, traffic={"timeout": 60, "max_concurrency": 1024}, logging={"access": {"enabled": False}}
)
class Signs:
    """One worker, since a second one would only compete for the same two cores."""

    def __init__(self) -> None:
        self.network = load_network()

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def predict(self, images: list[Annotated[Path, ContentType("image/jpeg")]]) -> list[list[float]]:
        batch = np.stack([decode(path.read_bytes()) for path in images])
        answers: Any = self.network(batch)
        return answers.tolist()  # type: ignore[no-any-return]
