"""Several processes that serve together: started, watched, replaced and ended by their parent."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client.multiprocess import mark_process_dead

from app.endings import CLEAN_UP_SECONDS, NOT_STARTED, WORK_LOST
from app.listening import listen, reserve, url_of
from app.memory import available_bytes
from app.reports import Listening, Ready
from app.settings import Settings
from app.threads import granted_threads
from app.worker_count import doubts
from app.worker_process import WorkerProcess

if TYPE_CHECKING:
    from app.engines.base import Engine

log = logging.getLogger(__name__)

MOST_FAILED_STARTS: Final = 3
"""So many workers in a row may end before they listen; more would not either."""
PARENTS_PATIENCE: Final = 1.0
"""Seconds beyond those after which a worker ends by itself, come what may."""


class Supervisor:
    """Keeps `settings.workers` workers alive until a signal or until they do not start, then ends them.

    `start` makes a worker of its number and of the instant from which its start is timed. `listeners` are
    closed once no more connections are to come. What dead workers leave in `folder` is tidied up.
    """

    def __init__(
        self,
        settings: Settings,
        begun: float,
        start: Callable[[int, float], WorkerProcess],
        listeners: Sequence[socket.socket],
        folder: Path,
    ) -> None:
        self._settings = settings
        self._begun = begun
        self._start = start
        self._listeners = listeners
        self._folder = folder
        self._workers: dict[int, WorkerProcess] = {}
        self._failed_starts = 0
        self._announced = False
        self._ending = False
        self._end_by: float | None = None
        self._status = 0

    def run(self) -> int:
        """Returns the exit status once all workers have ended."""
        with _arriving_signals() as signals:
            for number in range(1, self._settings.workers + 1):
                self._launch(number, self._begun)
            while self._workers:
                self._wait(signals)
        return self._status

    def _launch(self, number: int, begun: float) -> None:
        if self._ending:
            return
        try:
            self._workers[number] = self._start(number, begun)
        except OSError as error:  # for want of processes, files or memory
            self._give_up(f"worker-{number} cannot be started: {error}")

    def _wait(self, signals: socket.socket) -> None:
        """Until something happens, and then does what it asks for."""
        watched = [signals, *(each for worker in self._workers.values() for each in worker.watched)]
        patience = None if self._end_by is None else max(0.0, self._end_by - time.monotonic())
        happened = wait(watched, patience)
        if not happened:
            self._end_at_once(f"not finished {self._settings.shutdown_seconds} s after the drain")
        for worker in list(self._workers.values()):
            self._hear(worker)
            if worker.status is not None:
                self._replace(worker)
        if signals in happened:
            for _ in signals.recv(16):  # a byte a signal
                self._obey()

    def _hear(self, worker: WorkerProcess) -> None:
        for report in worker.reports():
            match report:
                case Listening():
                    worker.listened, self._failed_starts = True, 0
                case Ready(model, version, resident):
                    worker.ready = report
                    told = (worker, worker.pid, model, version, resident >> 20)
                    log.info("%s (pid %d) is ready: model %s version %d, %d MB resident", *told)
                    self._announce(model, version)

    def _announce(self, model: str, version: int) -> None:
        """Once, when all are ready."""
        ready = [worker.ready for worker in self._workers.values() if worker.ready]
        if self._announced or len(ready) < self._settings.workers:
            return
        self._announced = True
        seconds, resident = time.monotonic() - self._begun, sum(each.resident for each in ready) >> 20
        told = (seconds, model, version, len(ready), resident)
        log.info("ready after %.1f s: model %s version %d, %d workers, %d MB resident together", *told)

    def _replace(self, worker: WorkerProcess) -> None:
        """Starts another for one that has ended, unless all are to end, or none would start."""
        del self._workers[worker.number]
        mark_process_dead(worker.number, str(self._folder))  # type: ignore[no-untyped-call]
        if self._ending:
            if worker.listened and worker.status:
                log.warning("%s (pid %d) lost work: it ended by %s", worker, worker.pid, worker.cause)
                self._status = self._status or WORK_LOST
            return
        log.warning("%s (pid %d) ended by %s", worker, worker.pid, worker.cause)
        self._failed_starts += not worker.listened
        if self._failed_starts < MOST_FAILED_STARTS:
            self._launch(worker.number, time.monotonic())
        else:
            self._give_up(f"{self._failed_starts} workers in a row ended before they listened")

    def _give_up(self, reason: str) -> None:
        log.error("giving up: %s", reason)
        self._status = NOT_STARTED
        self._end()

    def _obey(self) -> None:
        if self._ending:
            self._end_at_once("a second signal")
        else:
            log.info("stopping: the workers finish what was admitted")
            self._end()

    def _end(self) -> None:
        """Each worker drains, finishes and ends; one that has not begun ends without that."""
        self._ending = True
        seconds = self._settings.drain_seconds + self._settings.shutdown_seconds + CLEAN_UP_SECONDS
        self._end_by = time.monotonic() + seconds + PARENTS_PATIENCE
        for listener in self._listeners:
            listener.close()  # else connections would be taken that nobody accepts
        for worker in self._workers.values():
            worker.terminate()

    def _end_at_once(self, reason: str) -> None:
        log.warning("ending at once: %s", reason)
        self._end_by, self._status = None, self._status or WORK_LOST
        for worker in self._workers.values():
            worker.kill()


def supervise(settings: Settings, begun: float, engine: Engine | None = None) -> int:
    """Serves by `settings.workers` processes until a signal; returns the exit status.

    `begun` and `engine` are those of `server.serve`; the engine must be one that can be pickled.
    """
    for doubt in doubts(settings, granted_threads(), available_bytes()):
        log.warning("%s", doubt)
    with ExitStack() as held:
        try:
            listeners = [held.enter_context(each) for each in listen(settings.host, settings.http_port)]
            settings = _with_grpc_port(settings, held)
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="signs-metrics-")))
        except OSError as error:
            log.error("the workers cannot be started: %s", error)
            return NOT_STARTED
        address = url_of(listeners[0].getsockname(), settings)
        log.info("listening on %s, by %d workers of pid %d", address, settings.workers, os.getpid())
        start = partial(_started, settings, listeners, folder, engine)
        return Supervisor(settings, begun, start, listeners, folder).run()


def _started(
    settings: Settings,
    listeners: Sequence[socket.socket],
    folder: Path,
    engine: Engine | None,
    number: int,
    begun: float,
) -> WorkerProcess:
    return WorkerProcess(number, settings, begun, listeners, folder, engine)


def _with_grpc_port(settings: Settings, held: ExitStack) -> Settings:
    """The settings with a gRPC port that is kept while `held` lasts; each worker listens there itself."""
    if settings.grpc_port is None:
        return settings
    try:
        kept = held.enter_context(reserve(settings.host, settings.grpc_port))
    except OSError as error:
        raise OSError(f"no gRPC on {settings.host}:{settings.grpc_port}: {error}") from None
    return settings.model_copy(update={"grpc_port": kept.getsockname()[1]})


@contextmanager
def _arriving_signals() -> Iterator[socket.socket]:
    """What gives a byte for each SIGTERM or SIGINT, so that these can be waited for beside all else."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ours, theirs:
        signal.set_wakeup_fd(theirs.fileno())
        before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield ours
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
            signal.set_wakeup_fd(-1)
