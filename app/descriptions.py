"""What the API's description (OpenAPI) says of bodies and errors, where the types of handlers cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

BINARY: Final[Schema] = {"type": "string", "format": "binary"}
ENCODED_PICTURE: Final[Schema] = {
    "type": "string",
    "format": "image-base64",
    "contentEncoding": "base64",
    "contentMediaType": "image/*",
    "minLength": 4,
}

REASONS: Final = {
    400: "No picture, or a malformed request.",
    401: "Missing or wrong API key.",
    413: "The body is over `SIGNS_MAX_BYTES`.",
    415: "No supported image format.",
    422: "The picture is truncated, corrupt, over `SIGNS_MAX_PIXELS`, or has no area.",
    503: "The queue is full, or no model version is ready; `Retry-After` says when to try again.",
    504: "Not answered within `SIGNS_DEADLINE_MS`.",
}
PROBLEM: Final[Schema] = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
}
ERROR: Final[Schema] = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}, "estimated_time": {"type": "number"}},
        }
    },
}


def error_responses(content: Schema, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of these statuses, by default every error that a picture may get, told as `content`."""
    return {
        status: {"description": REASONS[status], "content": content} for status in statuses or tuple(REASONS)
    }


def body(content: Mapping[str, Schema]) -> dict[str, Any]:
    """For `openapi_extra`: a body of one of the media types, each with its schema."""
    described = {media_type: _described(schema) for media_type, schema in content.items()}
    return {"requestBody": {"required": True, "content": described}}


def _described(schema: Schema) -> dict[str, Any]:
    """The schema; of a form that has one file also what that file may be."""
    files = [name for name, part in schema.get("properties", {}).items() if part == BINARY]
    encoding = {name: {"contentType": "image/*, application/octet-stream"} for name in files}
    return {"schema": schema} | ({"encoding": encoding} if encoding else {})
