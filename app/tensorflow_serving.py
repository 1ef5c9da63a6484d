"""TensorFlow Serving's JSON: predict requests and answers, status and metadata, and its words for errors.

After tensorflow_serving/g3doc/api_rest.md; `{"b64": ...}` stands for a picture in any format that is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.encoded_images import decode_base64
from app.engines.base import Float32Array
from app.errors import MalformedRequest, TensorError
from app.json_body import parse_object, shown
from app.json_tensors import to_tensor
from app.manifest import InputSpec, Manifest
from app.repository import VersionState, VersionStatus

SIGNATURE: Final = "serving_default"
INPUT: Final = "images"
OUTPUT: Final = "probabilities"

AnswerKey = Literal["predictions", "outputs"]

STATES: Final[dict[VersionState, str]] = {
    "loading": "LOADING",
    "serving": "AVAILABLE",
    "standby": "END",
    "incomplete": "START",
    "refused": "END",
}


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What is asked: pictures as files, or float32 [n, height, width, 3]; `answer_key` names the answer."""

    content: list[bytes] | Float32Array
    answer_key: AnswerKey


def read_predict(body: bytes, spec: InputSpec, most: int) -> PredictRequest:
    """The predict request in `body`, in row (`instances`) or columnar (`inputs`) form.

    Raises `MalformedRequest`, and `TensorError` for wrong tensors and for more than `most` pictures.
    """
    document = parse_object(body)
    _check_signature(document.get("signature_name", SIGNATURE))
    if "instances" in document and "inputs" in document:
        raise MalformedRequest(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        )
    if "instances" in document:
        return PredictRequest(_content(_rows(document["instances"], most), spec, most), "predictions")
    if "inputs" in document:
        return PredictRequest(_content(_column(document["inputs"]), spec, most), "outputs")
    raise MalformedRequest("Missing 'inputs' or 'instances' key")


def version_status(status: VersionStatus, obstacle: str | None) -> dict[str, Any]:
    """One entry of `model_version_status`; `obstacle` is why the service is not ready, None when it is."""
    state, code, message = STATES[status.state], "OK", ""
    if status.state == "serving" and obstacle is not None:
        state, code, message = "UNLOADING", "UNAVAILABLE", obstacle
    if status.state == "refused":
        code, message = "FAILED_PRECONDITION", status.reason
    return {
        "version": str(status.number),
        "state": state,
        "status": {"error_code": code, "error_message": message},
    }


def metadata(manifest: Manifest) -> dict[str, Any]:
    """The answer to `/metadata`: the signature as the SavedModel has it."""
    spec = manifest.input
    signature = {
        "inputs": {INPUT: _tensor_info(f"{SIGNATURE}_{INPUT}:0", (-1, spec.height, spec.width, 3))},
        "outputs": {OUTPUT: _tensor_info("StatefulPartitionedCall:0", (-1, len(manifest.labels)))},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    return {
        "model_spec": {"name": manifest.name, "signature_name": "", "version": str(manifest.version)},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _tensor_info(name: str, shape: Iterable[int]) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in shape]
    return {"dtype": "DT_FLOAT", "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": name}


def _check_signature(name: Any) -> None:
    if not isinstance(name, str):
        raise MalformedRequest(
            f"JSON Value: {shown(name)} not formatted correctly. 'signature_name' key must be a string value."
        )
    if name not in ("", SIGNATURE):
        raise MalformedRequest(
            f"Serving signature name: {shown(name)} not found in signature def; expected {SIGNATURE}"
        )


def _rows(instances: Any, most: int) -> list[Any]:
    """The value of each instance, whether it stands there by itself or as `{"images": value}`."""
    if not isinstance(instances, list):
        raise MalformedRequest(f"JSON Value: {shown(instances)} Expecting 'instances' to be an list/array")
    if not instances:
        raise MalformedRequest("No values in 'instances' array")
    _check_count(instances, most)
    named = _is_named(instances[0])
    for index, instance in enumerate(instances):
        if _is_named(instance) != named:
            expected, received = ("object", "value/list") if named else ("value/list", "object")
            raise MalformedRequest(f"Expecting {expected} but got {received} at item {index} of input list")
        if named and instance.keys() != {INPUT}:
            raise MalformedRequest(
                f"Failed to process element: {index} of 'instances' list. "
                f"JSON object: {_names(instance)} keys must be equal to: {INPUT}"
            )
    return [instance[INPUT] for instance in instances] if named else instances


def _column(inputs: Any) -> Any:
    """The value of the one input, whether it stands there by itself or as `{"images": value}`."""
    if not _is_named(inputs):
        return inputs
    if INPUT not in inputs:
        raise MalformedRequest(f"Missing named input: {INPUT} in 'inputs' object. Received: {_names(inputs)}")
    if len(inputs) > 1:
        raise MalformedRequest(
            f"Expecting only the input {INPUT} in 'inputs' object. Received: {_names(inputs)}"
        )
    return inputs[INPUT]


def _content(value: Any, spec: InputSpec, most: int) -> list[bytes] | Float32Array:
    _check_count(value, most)
    if isinstance(value, list) and any(map(_is_encoded, value)):
        return [_decode(index, item) for index, item in enumerate(value)]
    return to_tensor(value, (None, spec.height, spec.width, 3))


def _check_count(value: Any, most: int) -> None:
    """Raises `TensorError` for too long a list, before anybody looks at its items one by one."""
    if isinstance(value, list) and len(value) > most:
        raise TensorError(f"expected 1 to {most} pictures, received {len(value)}")


def _decode(index: int, item: Any) -> bytes:
    if not _is_encoded(item):
        raise MalformedRequest(
            f'Failed to process element: {index}. Expecting {{"b64": ...}} like its neighbours, '
            f"received JSON Value: {shown(item)}"
        )
    return decode_base64(item["b64"])


def _is_encoded(value: Any) -> bool:
    """Whether it is an object with the one name `b64` and a string, which stands for bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_encoded(value)


def _names(members: dict[str, Any]) -> str:
    return shown(", ".join(sorted(members)[:8]))
