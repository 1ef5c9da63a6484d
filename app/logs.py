"""Log lines for people or for machines, each with the id of the request it belongs to."""

from __future__ import annotations

import json
import logging
import re
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

from app.trace_context import trace_id_in

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that the running task answers; `-` outside of any."""

SANE_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
trace_id: ContextVar[str] = ContextVar("trace_id", default="-")
"""The W3C trace id of that request, 32 hex digits."""

caller: ContextVar[str] = ContextVar("caller", default="-")
"""The name of the API key that came with that request; `-` for a stranger."""

access = logging.getLogger("app.access")

TEXT_FORMAT = "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s"
FIELDS = ("method", "route", "status", "seconds", "client")
CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
"""What would let a sender write lines, or colours, of its own into a log for people."""


def identity_of(offered: str) -> str:
    """The id that a sender offers for its request if it is a sane one, else a new one."""
    return offered if SANE_REQUEST_ID.fullmatch(offered) else secrets.token_hex(16)


def identify(offered: str, traceparent: str = "") -> str:
    """Gives the running task's request an id, which is returned: the sender's if sane, else a new one.

    The trace that a W3C `traceparent` names is kept too.
    """
    identity = identity_of(offered)
    request_id.set(identity)
    trace_id.set(trace_id_in(traceparent))
    return identity


def note_answer(method: str, route: str, status: int, seconds: float, client: str) -> None:
    """Logs a request that is over; status 0: the client left before its answer.

    The path itself is not told: a sender may have put anything there, a key or a file's name too.
    """
    access.info(
        "%s %s %s in %.3f s for %s",
        method,
        route,
        status or "client gone",
        seconds,
        client,
        extra={
            "method": method,
            "route": route,
            "status": status,
            "seconds": round(seconds, 6),
            "client": client,
        },
    )


def worker_of(record: logging.LogRecord) -> str:
    """The name of the worker that logs; empty where there is one process only."""
    return "" if record.processName in (None, "MainProcess") else str(record.processName)


class TextFormatter(logging.Formatter):
    """One line for people."""

    def __init__(self) -> None:
        super().__init__(TEXT_FORMAT, datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        worker = worker_of(record)
        if not record.message.isprintable():
            record.message = record.message.translate(CONTROL)
        if worker:
            record.message = f"{worker}: {record.message}"
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, logger, ids, message and its fields.

    `worker` is among them where there are several.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id.get(),
            "trace_id": trace_id.get(),
            "caller": caller.get(),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if worker := worker_of(record):
            line["worker"] = worker
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logs(log_format: Literal["text", "json"], level: int = logging.INFO) -> None:
    """Sends every logger of the process to standard error in one format."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # No line tells where and by which thread it was written, and finding out takes a third of the time
    # (Logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = False
    # Pillow logs what is odd about a picture as an error; whoever sent it is told, and nobody else need be.
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
