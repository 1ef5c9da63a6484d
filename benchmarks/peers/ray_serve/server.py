"""Ray Serve as its documentation batches: `@serve.batch`, and more requests at once than a batch holds."""

import os
import signal
from typing import Any

import numpy as np
from network import decode, load_network
from ray import serve
from starlette.requests import Request


@serve.deployment(max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Signs:
    """One replica, since a second one would only compete for the same two cores."""

    def __init__(self) -> None:
        self.network = load_network()

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.01)
    async def run(self, pictures: list[Any]) -> list[Any]:
        """One list for each picture."""
        return self.network(np.stack(pictures)).tolist()  # type: ignore[no-any-return]

    async def __call__(self, request: Request) -> Any:
        return await self.run(decode(await request.body()))


if __name__ == "__main__":
    import ray

    ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
    serve.run(Signs.bind(), route_prefix="/predict")
    signal.pause()
