"""A form with one picture in it, as browsers, curl and libraries write it, read at once.

Forms of any other shape are left to the library that reads them all, which takes several times as long.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

CONTENT_TYPE: Final = re.compile(r"multipart/form-data; ?boundary=([\w-]{1,70})", re.ASCII)
HEAD: Final = re.compile(
    rb'Content-Disposition: form-data; name="file"; filename="([\w.() -]{1,255})"'
    rb"(?:\r\nContent-Type: ([\w.+/-]{1,127}))?\r\n\r\n"
)


class LoneFile(NamedTuple):
    """The one part of a form, which is called `file`."""

    filename: str
    content_type: str
    """Empty where the part says nothing."""
    data: bytes


def lone_file(content_type: str, body: bytes) -> LoneFile | None:
    """The file in a whole form; None where the form is not as plain as that, which is no error.

    The form is that of RFC 7578: a delimiter, the part's head and bytes, and the closing delimiter.
    """
    told = CONTENT_TYPE.fullmatch(content_type)
    if told is None:
        return None
    delimiter = b"\r\n--" + told[1].encode()
    opening = delimiter[2:] + b"\r\n"
    head = HEAD.match(body, len(opening))
    if head is None or not body.startswith(opening):
        return None
    end = body.find(delimiter, head.end())
    if body[end:] not in (delimiter + b"--\r\n", delimiter + b"--"):
        return None
    return LoneFile(head[1].decode(), (head[2] or b"").decode(), body[head.end() : end])
