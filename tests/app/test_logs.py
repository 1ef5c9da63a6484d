"""Log lines carry the id of their request, in both formats."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from app.logs import JsonFormatter, TextFormatter, configure_logs, request_id


@pytest.fixture(autouse=True)
def _one_request() -> Iterator[None]:
    token = request_id.set("the-request")
    yield
    request_id.reset(token)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Puts the root logger back, or later tests would write to a stream that is gone."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def record(**fields: object) -> logging.LogRecord:
    made = logging.LogRecord("app.x", logging.WARNING, "x.py", 1, "%s of %s", ("one", "two"), None)
    vars(made).update(fields)
    return made


def test_text_is_for_people() -> None:
    line = TextFormatter().format(record())
    assert line.endswith("WARNING app.x [the-request] one of two")


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(record(status=200, route="/x\n"))
    assert "\n" not in line
    told = json.loads(line)
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "warning",
        "logger": "app.x",
        "request_id": "the-request",
        "trace_id": "-",
        "caller": "-",
        "message": "one of two",
        "status": 200,
        "route": "/x\n",
    }


def test_workers_are_named_where_there_are_several() -> None:
    worker = record(processName="worker-2")
    assert TextFormatter().format(worker).endswith("app.x [the-request] worker-2: one of two")
    assert json.loads(JsonFormatter().format(worker))["worker"] == "worker-2"


def test_exceptions_stay_on_the_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        line = JsonFormatter().format(record(exc_info=sys.exc_info()))
    assert "ValueError: why" in json.loads(line)["exception"]
    assert "\n" not in line


def test_a_sender_cannot_write_lines_of_its_own() -> None:
    made = logging.LogRecord("app.x", logging.INFO, "x.py", 1, "%s", ("\nforged\x1b[31m\r\x00\x7f",), None)
    line = TextFormatter().format(made)
    assert line.endswith(r"\x0aforged\x1b[31m\x0d\x00\x7f")


def test_every_logger_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json")
    logging.getLogger("somewhere").info("hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"


def test_an_odd_picture_is_no_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("text")
    logging.getLogger("PIL.TiffImagePlugin").error("More samples per pixel than can be decoded: 9")
    assert capsys.readouterr().err == ""
