"""One of several processes that serve together: as if it were alone, but for its end and its metrics."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from app.engines.base import Engine
from app.logs import configure_logs
from app.main import create_app
from app.manifest import Manifest
from app.memory import keep_heap_whole, resident_bytes
from app.reports import Listening, Ready, Report
from app.server import DrainingServer, configured
from app.settings import Settings
from app.shared_metrics import SharedMetrics

TICKS: Final = 10  # of uvicorn, in a second


class WorkerServer(DrainingServer):
    """Ends on SIGTERM like a server that is alone, but takes a second one for the first, told twice.

    Ctrl-C and some supervisors of services signal every process of a group: the parent, which is told too,
    decides. So SIGINT is not listened to at all, and ending at once is left to the parent.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        settings: Settings,
        begun: float,
        metrics: SharedMetrics,
        reports: Connection,
    ) -> None:
        super().__init__(config, app.state.classifier, settings, begun)
        self._metrics = metrics
        self._reports = reports

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGINT and not (self._draining or self.should_exit):
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; lets the others see the gauges of this process once."""
        if counter % TICKS == 0:
            self._metrics.publish()
        return await super().on_tick(counter)

    def _tell_listening(self) -> None:
        self._tell(Listening())

    def _tell_ready(self, manifest: Manifest) -> None:
        self._tell(Ready(manifest.name, manifest.version, resident_bytes() or 0))

    def _tell(self, report: Report) -> None:
        with suppress(OSError):  # without a parent it ends by itself
            self._reports.send(report)


def work(
    number: int,
    settings: Settings,
    begun: float,
    listeners: Sequence[socket.socket],
    folder: Path,
    reports: Connection,
    engine: Engine | None = None,
) -> None:
    """Serves at `listeners` until SIGTERM, or until the parent is gone.

    The metrics are shared in `folder` under `number`, which no other living process may have. Without a
    parent the folder is removed in the end.
    """
    configure_logs(settings.log_format)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    keep_heap_whole()
    metrics = SharedMetrics(folder, number)
    app = create_app(settings, engine, metrics)
    server = WorkerServer(configured(app, settings), app, settings, begun, metrics, reports)
    server.run(list(listeners))
    if not parent.is_alive():
        shutil.rmtree(folder, ignore_errors=True)


def _end_with(parent: BaseProcess) -> None:
    """Without a parent nobody would end, or replace, this process."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
