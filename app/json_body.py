"""JSON as RFC 8259 has it and no more: without NaN, without a name twice, in UTF-8."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from app.errors import MalformedRequest

MAX_CONTAINERS: Final = 1_200_000
"""Lists and objects in one body: 256 pictures of 64 x 64 colours have 1.07 million. An empty list takes
2 bytes of the body but 64 of memory, so that the body's size alone is no limit."""

MAX_MEMBERS: Final = 100_000
"""Names in all objects of one body, at a few hundred bytes of memory each; requests have a handful."""

MOST_SHOWN: Final = 256  # characters of a value in an error, as TensorFlow Serving has it


def parse_json(body: bytes) -> Any:
    """The value that `body` is; raises `MalformedRequest` in the words of TensorFlow Serving's parser.

    Numbers are finite unless they are too large for a float64: 1e999 becomes infinity.
    """
    if not body.strip():
        raise MalformedRequest("JSON Parse error: The document is empty")
    _check_size(body)
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates
        )
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"JSON Parse error: Invalid UTF-8 at offset: {error.start}") from None
    except json.JSONDecodeError as error:
        what = error.msg.replace("Expecting value", "Invalid value")
        raise MalformedRequest(f"JSON Parse error: {what} at offset: {error.pos}") from None
    except RecursionError:
        raise MalformedRequest("JSON Parse error: lists or objects are nested too deeply") from None
    except ValueError:  # Python converts no number of more than 4,300 digits
        raise MalformedRequest("JSON Parse error: a number has too many digits") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The same for a body that must be an object."""
    document = parse_json(body)
    if not isinstance(document, dict):
        raise MalformedRequest(f"JSON Value: {shown(document)} Is not object")
    return document


def shown(value: object) -> str:
    """A JSON value as an error quotes it: ASCII, cut after `MOST_SHOWN` characters."""
    if isinstance(value, list | dict):  # may be huge, and says little
        return f"{type_name(value)} of {len(value)}"
    text = json.dumps(value[:MOST_SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def type_name(value: object) -> str:
    """What JSON calls the type of a value, in TensorFlow Serving's spelling."""
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    names = {str: "String", list: "Array", dict: "Object", int: "Number", float: "Number"}
    return names[type(value)]


def _check_size(body: bytes) -> None:
    """Refuses what would become much larger in memory, and take long to get there."""
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise MalformedRequest(f"JSON Parse error: expected at most {MAX_CONTAINERS:,} lists and objects")
    if body.count(b":") > MAX_MEMBERS:
        raise MalformedRequest(f"JSON Parse error: expected at most {MAX_MEMBERS:,} members of objects")


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedRequest(f"JSON Parse error: Invalid value: {name} is no JSON; expected a finite number")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, value in pairs:
        if name in names:
            raise MalformedRequest(f"JSON Parse error: the name {shown(name)} stands twice in one object")
        names[name] = value
    return names
