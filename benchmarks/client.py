"""A lean HTTP client, so that asking takes little of the processors that are to answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import httptools


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers by their names in lower case, and a body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """One kept-alive connection, for one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[Answer] | None = None
        self._closed = False
        self._kept = True  # open after the last answer

    async def ask(self, request: bytes) -> Answer:
        """Sends a request and waits for its answer; raises `ConnectionError` where it is cut off."""
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._headers: dict[str, str] = {}
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    @property
    def usable(self) -> bool:
        """Whether a further request may be sent."""
        return self._kept and not self._closed

    def close(self) -> None:
        """Hangs up."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not say so by their class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser for each."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Called by the parser for each piece."""
        self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser at the end, after which it no longer knows what the headers said."""
        self._kept = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code()
            self._answer.set_result(Answer(status, self._headers, bytes(self._body)))

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server hung up"))


class Client:
    """As many connections to one address as requests are under way; used ones are used again."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._address = (host, port)
        self._free: list[Connection] = []

    async def ask(self, request: bytes) -> Answer:
        """The answer to a whole request; raises `OSError` where there is none."""
        connection = await self._connection()
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._free.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Hangs up wherever nothing is under way."""
        for connection in self._free:
            connection.close()

    async def _connection(self) -> Connection:
        while self._free:
            if (connection := self._free.pop()).usable:
                return connection
        _, made = await asyncio.get_running_loop().create_connection(Connection, *self._address)
        return made
