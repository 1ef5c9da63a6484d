"""The service in tests: inside the process with a constant engine, or as a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.engines.base import Engine
from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings

LISTENING = re.compile(r"listening on https?://[^:]+:(\d+)")
CONSTANT_SERVER = """
import sys, time
from app.__main__ import run_service
from app.engines.constant import ConstantEngine
from app.settings import Settings
sys.exit(run_service(Settings.load(), time.monotonic(), ConstantEngine(delay={delay})))
"""


@contextmanager
def service(engine: Engine | None = None, **settings: Any) -> Iterator[TestClient]:
    """A client of the service with a constant engine; keywords are settings."""
    with TestClient(create_app(Settings(**settings), engine or ConstantEngine())) as client:
        yield client


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem in an answer, once its status, type and fields are as RFC 9457 and the contract say."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told.keys() == {"type", "title", "status", "detail", "request_id"}
    assert told["status"] == status
    assert told["request_id"] == response.headers["x-request-id"]
    return told


def error(response: Any, status: int) -> str:
    """The text of an error in a dialect's shape, once its status and type are as they should be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    told: str = response.json()["error"]
    return told


@dataclass
class Exchange:
    """One request spoken in ASGI itself: what was read of `messages`, and what was answered.

    After the last message `receive` waits until `hang_up` is set, and then tells of the disconnect.
    """

    app: FastAPI
    messages: Sequence[dict[str, Any]]
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/predict"
    read: int = 0
    read_before_answer: int = 0
    answer: list[dict[str, Any]] = field(default_factory=list)
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Speaks the exchange to its end."""
        if "content-length" not in self.headers:
            self.headers = self.headers | {"transfer-encoding": "chunked"}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in self.headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        await self.app(scope, self._receive, self._send)

    @property
    def status(self) -> int | None:
        """The status answered; None without an answer."""
        return self.answer[0]["status"] if self.answer else None

    @property
    def answer_headers(self) -> dict[str, str]:
        """The headers answered, their names in lower case."""
        return {name.decode().lower(): value.decode() for name, value in self.answer[0]["headers"]}

    async def _receive(self) -> dict[str, Any]:
        if self.read == len(self.messages):
            await self.hang_up.wait()
            return {"type": "http.disconnect"}
        self.read += 1
        await asyncio.sleep(0)
        return self.messages[self.read - 1]

    async def _send(self, message: Any) -> None:
        if not self.answer:
            self.read_before_answer = self.read
        self.answer.append(message)


def speak(app: FastAPI, play: Callable[[], Awaitable[None]]) -> None:
    """Runs `play` while the application lives."""

    async def live() -> None:
        async with app.router.lifespan_context(app):
            await play()

    asyncio.run(live())


def body(*chunks: bytes, more: bool = False) -> list[dict[str, Any]]:
    """The messages of a body in chunks; with `more` its end never comes."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if not more:
        messages[-1]["more_body"] = False
    return messages


def ask_while_held(app: FastAPI, held: Sequence[Exchange], refused: Exchange, admitted: Exchange) -> None:
    """Speaks `refused` while all of `held` are inside, and `admitted` once they have hung up."""

    async def play() -> None:
        tasks = [asyncio.create_task(one.run()) for one in held]
        await until(lambda: all(one.read for one in held))
        await refused.run()
        for one in held:
            one.hang_up.set()
        await asyncio.gather(*tasks)
        await admitted.run()

    speak(app, play)


async def until(condition: Callable[[], object]) -> None:
    """Waits for something that is due at once; an error after 20 s."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


class ServerProcess:
    """A service in a process of its own, on a free port; `log` is what it wrote, once it has ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        self.lines: list[str] = []
        self.port = int(self.wait_for(LISTENING).group(1))

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """The first match in the log lines to come."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)
            if found := pattern.search(line):
                return found
        raise AssertionError(f"the server ended without {pattern.pattern!r}: {''.join(self.lines)}")

    def wait_until_busy(self) -> None:
        """Returns once a picture is inside."""
        for _ in range(400):
            with urlopen(f"{self.address}/metrics") as answer:
                if b"signs_queue_images 1.0" in answer.read():
                    return
            time.sleep(0.05)
        raise AssertionError("no picture came")

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def end(self) -> int:
        """Waits for its end; the exit status."""
        assert self._process.stderr is not None
        self.lines += self._process.stderr.readlines()
        return self._process.wait(timeout=20)


@contextmanager
def server_process(*arguments: str, delay: float = 0, **settings: object) -> Iterator[ServerProcess]:
    """A service as a process, by default with a constant engine; keywords are settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNS_")}
    environment |= {"SIGNS_PORT": "0", "SIGNS_CACHE_DIR": ""} | {
        Settings.variable(key): str(value) for key, value in settings.items()
    }
    command = [sys.executable, *(arguments or ("-c", CONSTANT_SERVER.format(delay=delay)))]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield ServerProcess(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
