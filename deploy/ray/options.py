"""What can be chosen when the service is put on a Ray cluster, and what follows from the settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt

from app.endings import CLEAN_UP_SECONDS
from app.settings import Settings

BATCH_TO_TARGET = 8
RETRY_AFTER_SECONDS = 1
LEAST_WAIT_SECONDS = 0.1


class Options(BaseModel):
    """Arguments of the application: `serve run deploy.ray.app:app cpus=2 max_replicas=8`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    cpus: PositiveFloat = 1
    """CPUs that Ray reserves for a replica, which uses as many threads."""

    memory: PositiveInt = 2**30
    """Bytes that Ray reserves for a replica, so that no node is filled beyond its memory."""

    min_replicas: PositiveInt = 1
    """Replicas that there are without any load."""

    max_replicas: PositiveInt = 4
    """Replicas that there are at most."""

    upscale_delay_s: NonNegativeFloat = 10
    """How long there must be too few replicas before more are started, in seconds."""

    downscale_delay_s: NonNegativeFloat = 300
    """How long there must be too many replicas before some are ended, in seconds."""

    look_back_period_s: PositiveFloat = 30
    """The time over which requests are averaged, in seconds."""

    def deployment(self, settings: Settings) -> dict[str, Any]:
        """The options of Serve's deployment.

        The target, an eighth of a batch, keeps a replica at about three quarters of its peak: docs/ray.md
        derives it. More than two full batches, the running and the next one, would only wait in a replica
        where no other can take them; they wait at the proxy, `queue` at most, and further ones get 503.
        """
        end = settings.drain_seconds + settings.shutdown_seconds + CLEAN_UP_SECONDS
        return {
            "name": "Signs",
            "ray_actor_options": {"num_cpus": self.cpus, "memory": self.memory},
            "autoscaling_config": {
                "min_replicas": self.min_replicas,
                "max_replicas": self.max_replicas,
                "target_ongoing_requests": max(1.0, settings.max_batch / BATCH_TO_TARGET),
                "upscale_delay_s": self.upscale_delay_s,
                "downscale_delay_s": self.downscale_delay_s,
                "look_back_period_s": self.look_back_period_s,
            },
            "max_ongoing_requests": min(settings.queue, 2 * settings.max_batch),
            "max_queued_requests": settings.queue,
            "backpressure_config": {"retry_after_s": RETRY_AFTER_SECONDS},
            # Serve ends a replica as `app.server` ends the process: for a while it still answers who has not
            # heard of it, and then finishes what it has.
            "graceful_shutdown_wait_loop_s": max(LEAST_WAIT_SECONDS, settings.drain_seconds),
            "graceful_shutdown_timeout_s": end,
            # A folder that holds no model does not mend by itself; its reason is to be told soon.
            "max_constructor_retry_count": 3,
        }
