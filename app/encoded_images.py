"""Pictures inside JSON: base64 as RFC 4648 has it in section 4, and nothing else."""

from __future__ import annotations

import base64

from app.errors import MalformedRequest


def decode_base64(text: object) -> bytes:
    """The bytes of a padded base64 string in the standard alphabet, without line breaks or other characters.

    Raises `MalformedRequest`, which begins with TensorFlow Serving's words, for anything else.
    """
    if not isinstance(text, str):
        raise MalformedRequest(f"Unable to base64 decode: expected a string, received {type(text).__name__}")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedRequest(f"Unable to base64 decode: {error}") from None
