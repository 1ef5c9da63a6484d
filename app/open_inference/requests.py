"""The JSON objects that clients send, as the REST specification and its extensions name them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field
from pydantic.json_schema import SkipJsonSchema

Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
MOST: Final = 16
"""Inputs, outputs or dimensions of a request: none needs as many, and each costs memory."""
SMALLEST_PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)
"""One grey pixel, in base64: an example that any model answers."""


def _require_unicode(text: str) -> str:
    """JSON may escape one half of a surrogate pair, which no answer could repeat."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("expected Unicode without lone surrogates") from None
    return text


class _Received(BaseModel):
    """What a client sends: strict in its types; what it does not name is ignored."""

    model_config = ConfigDict(strict=True)


def _require_data(schema: dict[str, Any]) -> None:
    schema["required"].append("data")
    del schema["properties"]["data"]["default"]


class InputParameters(_Received):
    """Of one input."""

    binary_data_size: Annotated[
        Count | None, Field(description="Bytes of this input after the JSON, where it has no `data`.")
    ] = None


class RequestInput(_Received):
    """A tensor to compute on."""

    # JSON alone has all the elements; only what has bytes after it may leave them out.
    model_config = ConfigDict(json_schema_extra=_require_data)

    name: Annotated[str, Field(examples=["images"])]
    shape: Annotated[list[Count], FailFast(), Field(max_length=MOST, examples=[[1]])]
    datatype: Annotated[str, Field(examples=["BYTES"])]
    parameters: InputParameters = InputParameters()
    data: Annotated[
        list[Any] | SkipJsonSchema[None],
        Field(
            description="FP32: numbers, nested or flat; BYTES: pictures in base64.", examples=[[SMALLEST_PNG]]
        ),
    ] = None


class OutputParameters(_Received):
    """Of one requested output."""

    binary_data: Annotated[bool | None, Field(description="Whether it comes as bytes after the JSON.")] = None
    classification: Annotated[
        int | None, Field(ge=1, description="So many of the most probable labels in place of all numbers.")
    ] = None


class RequestOutput(_Received):
    """An output that is wanted."""

    name: Annotated[str, Field(examples=["probabilities"])]
    parameters: OutputParameters = OutputParameters()


class RequestParameters(_Received):
    """Of the whole request."""

    binary_data_output: Annotated[bool, Field(description="The default of the outputs' `binary_data`.")] = (
        False
    )
    timeout: Annotated[Count, Field(description="Microseconds to answer in; 0: as long as others get.")] = 0


class InferenceRequest(_Received):
    """`$inference_request` of the specification."""

    id: Annotated[str, AfterValidator(_require_unicode)] = ""
    parameters: RequestParameters = RequestParameters()
    inputs: Annotated[list[RequestInput], FailFast(), Field(max_length=MOST)]
    outputs: Annotated[
        list[RequestOutput], FailFast(), Field(max_length=MOST, description="Empty: all outputs.")
    ] = []


class IndexRequest(_Received):
    """`$repository_index_request` of the extension "model_repository"."""

    ready: Annotated[bool, Field(description="Whether to leave out versions that do not serve.")] = False


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The content of a JSON body for OpenAPI, everything in one place."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    return {"application/json": {"schema": _in_place(schema, parts)}}


def _in_place(schema: Any, parts: dict[str, Any]) -> Any:
    """The schema with each of its references replaced by what it refers to."""
    if isinstance(schema, list):
        return [_in_place(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    referred = parts.get(str(schema.get("$ref", "")).removeprefix("#/$defs/"), {})
    own = {name: value for name, value in schema.items() if name != "$ref"}
    return {name: _in_place(value, parts) for name, value in (referred | own).items()}
