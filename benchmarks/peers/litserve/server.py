"""LitServe as its documentation batches: `max_batch_size` and a short `batch_timeout`."""

import os
from typing import Any

import litserve
import numpy as np
from fastapi import Request
from network import decode, load_network


class Signs(litserve.LitAPI):
    """Decodes each picture, stacks what came within the timeout, and runs the network once."""

    def setup(self, device: str) -> None:
        self.network = load_network()

    def decode_request(self, request: Request) -> Any:
        return decode(request["file"].file.read())

    def batch(self, inputs: list[Any]) -> Any:
        return np.stack(inputs)

    def predict(self, batch: Any) -> Any:
        return self.network(batch)

    def unbatch(self, output: Any) -> list[Any]:
        return list(output)

    def encode_response(self, output: Any) -> list[float]:
        return output.tolist()  # type: ignore[no-any-return]


if __name__ == "__main__":
    api = Signs(max_batch_size=32, batch_timeout=0.01)
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(
        host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning"
    )
