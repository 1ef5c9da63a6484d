"""One connection to the service, with the fast path or without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI
from PIL import Image
from uvicorn.server import ServerState

from app.engines.base import Engine
from app.engines.constant import ConstantEngine
from app.fast_connection import FastConnection
from app.fast_path import Asked, FastPath
from app.main import create_app
from app.settings import Settings
from tests.app.batching import run_in_time
from tests.app.hostile_pictures import encode
from tests.app.serving import until

Play = Callable[["Line"], Awaitable[None]]
BOUNDARY = b"xyz"
JPEG = encode(Image.new("RGB", (64, 64), (51, 51, 51)), "JPEG")
"""In which the constant engine sees a 1."""


@dataclass
class Line:
    """One connection to the service, from both of its ends."""

    app: FastAPI
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connections: list[FastConnection]
    taken: list[bytes]
    """The pictures that the fast path answered."""

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: status, headers and JSON."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        told = await self.reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, json.loads(told)

    async def ask(self, *pieces: bytes) -> tuple[int, dict[str, str], Any]:
        """The answer to a request that is sent in pieces."""
        for piece in pieces:
            self.writer.write(piece)
            await asyncio.sleep(0.02 if len(pieces) > 1 else 0)
        return await self.answer()


@asynccontextmanager
async def connected(
    app: FastAPI, fast: bool, kind: type[FastConnection] = FastConnection
) -> AsyncIterator[Line]:
    """A connection to an application that lives meanwhile, with the fast path or without."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    config.load()
    path: FastPath = app.state.fast_path
    state, connections, taken = ServerState(), list[FastConnection](), list[bytes]()
    answer = path.answer

    async def noted(asked: Asked) -> Any:
        taken.append(asked.upload.data)
        return await answer(asked)

    vars(path)["answer"] = noted

    def connect() -> FastConnection:
        made = kind(config, state, {}, door=app.state.door, fast_path=path if fast else None)
        connections.append(made)
        return made

    async with app.router.lifespan_context(app):
        server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            yield Line(app, reader, writer, connections, taken)
            writer.close()
            await until(lambda: not state.tasks and not state.connections)


def speak(play: Play, engine: Engine | None = None, fast: bool = True, **settings: Any) -> None:
    """Plays the client's side of one connection."""

    async def live() -> None:
        app = create_app(Settings(**settings), engine or ConstantEngine())
        async with connected(app, fast) as line:
            await play(line)

    run_in_time(live())


def post(
    body: bytes, headers: str = "Content-Type: image/jpeg\r\n", line: str = "POST /predict HTTP/1.1"
) -> bytes:
    """A request."""
    return f"{line}\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def form(data: bytes, name: str = "file") -> bytes:
    """A request with a form."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'.encode()
    body = b"--" + BOUNDARY + b"\r\n" + head + data + b"\r\n--" + BOUNDARY + b"--\r\n"
    return post(body, f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\n")
