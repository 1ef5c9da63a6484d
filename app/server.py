"""uvicorn with a graceful end: not ready first, then a while for load balancers to notice, then the rest."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import socket
import time
from types import FrameType
from typing import Final

import uvicorn

from app.classifier import Classifier
from app.engines.base import Engine
from app.main import create_app
from app.settings import Settings

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 75  # above the 60 s of common proxies, or they meet closed connections (502)
READY_POLL_SECONDS: Final = 0.02
GRACE_SECONDS: Final = 1.0  # beyond the deadline, by which every request is answered


class DrainingServer(uvicorn.Server):
    """Ends on the first SIGTERM or SIGINT after `drain_seconds`, on the second at once; exit status 0."""

    def __init__(
        self, config: uvicorn.Config, classifier: Classifier, drain_seconds: float, begun: float
    ) -> None:
        super().__init__(config)
        self._classifier = classifier
        self._drain_seconds = drain_seconds
        self._begun = begun
        self._draining = False
        self._announcement: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, says where, and says when it is ready."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self.started:
            log.info("listening on %s after %.1f s", self._address(), self._elapsed())
            self._announcement = asyncio.create_task(self._announce())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal; uvicorn's own would end the process by the same signal in the end."""
        if self._draining or not self.started:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            return
        self._draining = True
        self._classifier.begin_drain()
        # The signal interrupts any task, whose request id must not come along.
        context = contextvars.Context()
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self._drain_seconds, self._stop, context=context
        )

    def _stop(self) -> None:
        log.info("stopping: finishing what was admitted")
        self.should_exit = True

    async def _announce(self) -> None:
        """Says why it is not ready as often as the reason changes, and when it is ready."""
        told: str | None = None
        while (reason := self._classifier.readiness()) is not None:
            if self._draining:
                return
            if reason != told:
                log.info("not ready: %s", reason)
            told = reason
            await asyncio.sleep(READY_POLL_SECONDS)
        manifest = self._classifier.manifest
        log.info("ready after %.1f s: model %s version %d", self._elapsed(), manifest.name, manifest.version)

    def _address(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self.config.root_path}"

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun


def serve(settings: Settings, begun: float, engine: Engine | None = None) -> None:
    """Serves until a signal; `begun` is the `time.monotonic()` instant from which the start is timed.

    Tests give an `engine` in place of a model folder.
    """
    app = create_app(settings, engine)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.deadline_ms / 1000 + GRACE_SECONDS + 0.999),
        server_header=False,
        access_log=False,  # `middleware.Observe` logs requests, with their ids
        log_config=None,
        log_level="warning",
    )
    DrainingServer(config, app.state.classifier, settings.drain_seconds, begun).run()
