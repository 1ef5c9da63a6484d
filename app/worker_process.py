"""A worker as its parent sees it: a process that was spawned, what it reports, and its end."""

from __future__ import annotations

import multiprocessing
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.reports import Ready, Report
from app.settings import Settings

if TYPE_CHECKING:
    from app.engines.base import Engine

SPAWNED: Final = multiprocessing.get_context("spawn")  # a fork would copy locks and lose threads


class WorkerProcess:
    """Worker `number`, just started; the arguments are those of `worker.work`."""

    def __init__(
        self,
        number: int,
        settings: Settings,
        begun: float,
        listeners: Sequence[socket.socket],
        folder: Path,
        engine: Engine | None = None,
    ) -> None:
        self.number = number
        self.listened = False
        """Whether it ever accepted connections."""
        self.ready: Ready | None = None
        """What it said when it could answer for the first time."""
        self._reports: Connection | None
        self._reports, theirs = SPAWNED.Pipe(duplex=False)
        arguments = (number, settings, begun, listeners, folder, theirs, engine)
        # A daemon, so that it ends even where its parent fails.
        self._process = SPAWNED.Process(target=_work, name=str(self), args=arguments, daemon=True)
        self._process.start()
        theirs.close()  # or its end would not be seen here

    def __str__(self) -> str:
        return f"worker-{self.number}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def watched(self) -> list[Connection | int]:
        """What becomes readable when it reports or ends."""
        return [self._process.sentinel, *([self._reports] if self._reports else [])]

    def reports(self) -> Iterator[Report]:
        """What it has told since the last time."""
        try:
            while self._reports is not None and self._reports.poll():
                yield self._reports.recv()
        except (EOFError, OSError):  # it will not say more
            self._reports = None

    @property
    def status(self) -> int | None:
        """Its exit status, negative where a signal ended it; None while it lives."""
        return self._process.exitcode

    @property
    def cause(self) -> str:
        """What ended it, in words."""
        status = self.status
        if status is None or status >= 0:
            return f"status {status}"
        with suppress(ValueError):
            return signal.Signals(-status).name + (
                ", as for want of memory" if -status == signal.SIGKILL else ""
            )
        return f"signal {-status}"

    def terminate(self) -> None:
        """Asks it to finish what it admitted."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it, whatever it does."""
        self._process.kill()


def _work(*arguments: Any) -> None:
    from app.worker import work  # late: the parent needs nothing of what serves

    work(*arguments)
