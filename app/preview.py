"""A small copy of a picture that any browser can show, whatever format came in."""

from __future__ import annotations

import base64
import io

from app import imaging

SIDE = 640  # pixels: sharp on a phone's screen, some 50 kB


def preview(data: bytes, max_pixels: int) -> str:
    """The picture, upright and at most `SIDE` pixels wide and high, as a JPEG `data:` URI.

    Blocking: call it off the event loop. Raises the `ImageError`s of `imaging`.
    """
    picture = imaging.decode(data, max_pixels, SIDE)
    picture.thumbnail((SIDE, SIDE))
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")
