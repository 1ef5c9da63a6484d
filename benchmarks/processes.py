"""A server as a process with all its children: started, waited for, weighed, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.client import Answer, Client

READY_WITHIN = 240.0
PAGE = os.sysconf("SC_PAGE_SIZE")


class Server:
    """A running server on a port; `seconds_to_ready` is from its start to its first right answer."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.seconds_to_ready = float("nan")

    async def await_answer(self, request: bytes) -> Answer:
        """The first answer with status 200; raises `RuntimeError` where it ends or takes too long."""
        begun = time.monotonic()
        told = "no answer"
        while time.monotonic() - begun < READY_WITHIN and self.process.poll() is None:
            client = Client(self.port)
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(60):
                    answer = await client.ask(request)
                client.close()
                if answer.status == 200:
                    self.seconds_to_ready = time.monotonic() - begun
                    return answer
                told = f"status {answer.status}: {answer.body[:300]!r}"
            await asyncio.sleep(0.05)
        raise RuntimeError(f"not ready (exit status {self.process.poll()}): {told}")

    @property
    def megabytes(self) -> float:
        """The resident memory of the process and its descendants together."""
        return sum(map(_resident, family_of(self.process.pid))) / 1e6


@contextmanager
def running(command: Sequence[str], environment: dict[str, str], folder: Path, log: Path) -> Iterator[Server]:
    """Starts a server on a free port, which it is told in `PORT`; ends it and all that it started."""
    port = free_port()
    filled = [part.replace("{port}", str(port)) for part in command]
    everything = {**os.environ, **environment, "PORT": str(port)}
    with log.open("wb") as out:
        process = subprocess.Popen(filled, env=everything, cwd=folder, stdout=out, stderr=out)
        try:
            yield Server(process, port)
        finally:
            _end(process)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    family = family_of(process.pid)
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    # What was started by the server and outlived it would take part in the next measurement.
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def family_of(pid: int) -> list[int]:
    """A process and its descendants, by Linux's `/proc`."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    family = [pid]
    for member in family:  # grows while it is walked
        family += children.get(member, [])
    return family


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
