"""Gives schemathesis pictures, whole and broken: the API's description can only say that they are bytes."""

from __future__ import annotations

import base64
import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image


def picture(kind: str, grey: int) -> bytes:
    """A small grey picture."""
    buffer = io.BytesIO()
    Image.new("L", (9, 7), grey).save(buffer, kind)
    return buffer.getvalue()


WHOLE = st.sampled_from([picture(kind, grey) for kind in ("PNG", "JPEG", "WEBP", "GIF") for grey in (0, 200)])
CUT_OFF = st.tuples(WHOLE, st.integers(1, 60)).map(lambda drawn: drawn[0][: drawn[1]])
FILES = WHOLE | CUT_OFF | st.binary(min_size=1, max_size=99)

schemathesis.openapi.media_type("image/png", FILES, aliases=["image/*", "application/octet-stream"])
schemathesis.openapi.format("image-base64", FILES.map(lambda data: base64.b64encode(data).decode()))
