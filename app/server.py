"""uvicorn with a graceful end: not ready first, then a while for load balancers to notice, then the rest."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import socket
import threading
import time
from functools import partial
from types import FrameType
from typing import Final, NoReturn

import uvicorn
from fastapi import FastAPI

from app.classifier import Classifier
from app.endings import CLEAN_UP_SECONDS, WORK_LOST
from app.engines.base import Engine
from app.fast_connection import FastConnection
from app.listening import url_of
from app.main import create_app
from app.manifest import Manifest
from app.memory import keep_heap_whole, settle
from app.settings import Settings

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 75  # above the 60 s of common proxies, or they meet closed connections (502)
READY_POLL_SECONDS: Final = 0.02


class DrainingServer(uvicorn.Server):
    """Ends on the first SIGTERM or SIGINT after `drain_seconds`, with exit status 0.

    On the second it ends at once; so it does where finishing what was admitted takes longer than
    `shutdown_seconds`. Both give exit status 1, for work may have been lost.
    """

    def __init__(
        self, config: uvicorn.Config, classifier: Classifier, settings: Settings, begun: float
    ) -> None:
        super().__init__(config)
        self._classifier = classifier
        self._settings = settings
        self._begun = begun
        self._draining = False
        self._announcement: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, says where, and says when it is ready."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self.started:
            self._tell_listening()
            self._announcement = asyncio.create_task(self._announce())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal; uvicorn's own would end the process by the same signal in the end."""
        if self._draining or self.should_exit:
            _end_at_once("a second signal")
        if not self.started:
            self.should_exit = True
            return
        self._draining = True
        self._classifier.begin_drain()
        self._bound_the_end()
        # The signal interrupts any task, whose request id must not come along.
        context = contextvars.Context()
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self._settings.drain_seconds, self._stop, context=context
        )

    def _stop(self) -> None:
        log.info("stopping: finishing what was admitted")
        self.should_exit = True

    def _bound_the_end(self) -> None:
        """A thread of its own, since neither a thread that hangs nor the event loop would do it."""
        seconds = self._settings.drain_seconds + self._settings.shutdown_seconds + CLEAN_UP_SECONDS
        reason = f"not finished {self._settings.shutdown_seconds} s after the drain"
        timer = threading.Timer(seconds, _end_at_once, [reason])
        timer.daemon = True
        timer.start()

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
        settle()
        self._tell_ready(self._classifier.manifest)

    def _tell_listening(self) -> None:
        address = url_of(self.servers[0].sockets[0].getsockname(), self._settings)
        log.info("listening on %s after %.1f s", address, self._elapsed())

    def _tell_ready(self, manifest: Manifest) -> None:
        log.info("ready after %.1f s: model %s version %d", self._elapsed(), manifest.name, manifest.version)

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun


def _end_at_once(reason: str) -> NoReturn:
    log.warning("ending at once: %s", reason)
    os._exit(WORK_LOST)


def serve(settings: Settings, begun: float, engine: Engine | None = None) -> None:
    """Serves until a signal; `begun` is the `time.monotonic()` instant from which the start is timed.

    Tests give an `engine` in place of a model folder.
    """
    keep_heap_whole()
    app = create_app(settings, engine)
    DrainingServer(configured(app, settings), app.state.classifier, settings, begun).run()


def configured(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """What uvicorn is told."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.http_port,
        root_path=settings.root_path,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        http=partial(FastConnection, door=app.state.door, fast_path=app.state.fast_path),  # type: ignore[arg-type]  # called, no more
        server_header=False,
        access_log=False,  # `middleware.Observe` logs requests, with their ids
        log_config=None,
        log_level="warning",
    )
