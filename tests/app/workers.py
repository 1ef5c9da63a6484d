"""A service of several processes in tests."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.app.serving import ServerProcess, server_process

ALL_READY = re.compile(
    r"ready after \d+\.\d s: model signs version 1, (\d) workers, \d+ MB resident together"
)
ONE_READY = re.compile(r"worker-(\d) \(pid (\d+)\) is ready: model signs version 1, (\d+) MB resident")


class Workers:
    """The workers of a service that is ready."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.count = int(server.wait_for(ALL_READY)[1])

    @property
    def pids(self) -> dict[int, int]:
        """The process id of each worker by its number, as far as the log was read."""
        told = ONE_READY.findall("".join(self.server.lines))
        return {int(number): int(pid) for number, pid, _ in told}

    def await_replacement(self) -> None:
        """Returns once another worker is ready."""
        self.server.wait_for(ONE_READY)

    def kill(self, number: int) -> int:
        """Sends SIGKILL to a worker; returns what was its process id."""
        os.kill(self.pids[number], signal.SIGKILL)
        return self.pids[number]

    @contextmanager
    def only(self, number: int) -> Iterator[None]:
        """While its body lasts no other worker runs, so that this one answers whatever comes anew."""
        others = [pid for each, pid in self.pids.items() if each != number]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def ask(self, picture: bytes, times: int) -> set[int]:
        """The statuses that so many predictions got, each over a connection of its own."""
        url = f"{self.server.address}/predict"
        return {httpx2.post(url, content=picture, timeout=60).status_code for _ in range(times)}

    def metric(self, name: str) -> dict[str, float]:
        """The values of a metric by its labels, from whichever worker answers."""
        text = httpx2.get(f"{self.server.address}/metrics", timeout=60).text
        return {
            labels: float(value)
            for labels, value in re.findall(rf"^{name}(|{{.*}}) (\S+)$", text, re.MULTILINE)
        }

    def answers(self) -> Counter[str]:
        """How many predictions each worker answered, by the log of a service that has ended."""
        return Counter(re.findall(r"(worker-\d): POST /predict 200", "".join(self.server.lines)))


@contextmanager
def workers_process(*arguments: str, workers: int = 2, **settings: Any) -> Iterator[Workers]:
    """A service of several workers, by default with constant engines, all of them ready."""
    with server_process(*arguments, workers=workers, **settings) as server:
        yield Workers(server)


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False
