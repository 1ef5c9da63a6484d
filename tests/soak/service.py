"""The service as a process that is watched: its memory, its counters, its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from app.settings import Settings
from tests.app.serving import CONSTANT_SERVER, LISTENING

READY_WITHIN = 300.0


class Running:
    """A service that somebody else started and ends, in a container say, whose process can be seen here."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._status = Path(f"/proc/{pid}/status")

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def memory(self, field: str = "VmRSS") -> float:
        """Its resident memory in MB (10^6 bytes); `VmHWM` is the most that it ever was."""
        found = re.search(rf"^{field}:\s*(\d+) kB", self._status.read_text(encoding="ascii"), re.MULTILINE)
        assert found
        return int(found[1]) * 1024 / 1e6

    def count(self, name: str) -> float:
        """The sum of its metrics of that name, a regular expression, over all labels that it leaves open."""
        text = httpx2.get(f"{self.address}/metrics", trust_env=False, timeout=60).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def alive(self) -> bool:
        """Whether the process is there and ready."""
        ready = httpx2.get(f"{self.address}/health/ready", trust_env=False, timeout=60).status_code == 200
        return self._status.exists() and ready


class Service(Running):
    """A service of our own; `log` is the file that it writes."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        super().__init__(int(self._wait_for(LISTENING)[1]), process.pid)
        self._wait_for(re.compile("ready after"))

    def alive(self) -> bool:
        """Whether the process is there, ready, and wrote of no unexpected error."""
        return (
            self.process.poll() is None and super().alive() and "unexpected error" not in self.log.read_text()
        )

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def _wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            if found := pattern.search(self.log.read_text(encoding="utf-8")):
                return found
            time.sleep(0.05)
        raise SystemExit(f"the service does not start:\n{self.log.read_text(encoding='utf-8')}")


@contextmanager
def running_service(constant: bool = False, delay: float = 0.0, **settings: Any) -> Iterator[Service]:
    """Starts the service with the committed model or, if `constant`, with an engine that needs none.

    Keywords are settings; `delay` is how long the constant engine takes for a batch, in seconds.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNS_")}
    environment |= {"SIGNS_PORT": "0"}
    environment |= {Settings.variable(name): str(value) for name, value in settings.items()}
    arguments = ["-c", CONSTANT_SERVER.format(delay=delay)] if constant else ["-m", "app"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stderr=log)
        try:
            yield Service(process, Path(folder) / "log")
        finally:
            process.kill()
            process.wait()
