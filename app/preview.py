"""A small copy of a picture that any browser can show, whatever format came in."""

from __future__ import annotations

import base64

from app import imaging

SIDE = 640  # pixels: sharp on a phone's screen, some 50 kB


def preview(data: bytes, max_pixels: int, side: int = SIDE) -> str:
    """The picture, upright and at most `side` pixels wide and high, as a JPEG `data:` URI.

    Blocking: call it off the event loop. Raises the `ImageError`s of `imaging`.
    """
    jpeg = imaging.small_jpeg(data, max_pixels, side, quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
