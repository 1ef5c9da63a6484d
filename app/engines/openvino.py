"""The default engine: OpenVINO reads the SavedModel folder itself, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import properties
from openvino.properties import hint

from app.engines.base import Float32Array
from app.engines.signature import Tensor, check_signature
from app.errors import ModelError

TYPES = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}
NAMES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


class OpenVinoEngine:
    """A SavedModel compiled for the CPU, with one request that is used again and again.

    `precision` `auto` means bfloat16 where the CPU computes in it natively, float32 elsewhere.
    Raises `ModelError` where `folder` holds no SavedModel with the expected signature.
    """

    name = "openvino"

    def __init__(self, folder: Path, threads: int, precision: str) -> None:
        core = openvino.Core()
        model = _read(core, folder)
        check_signature([_tensor(port) for port in model.inputs], [_tensor(port) for port in model.outputs])
        compiled = core.compile_model(model, "CPU", _options(core, threads, precision))
        self.precision = _name(compiled.get_property(hint.inference_precision))
        self._request: openvino.InferRequest | None = compiled.create_infer_request()

    def run(self, images: Float32Array) -> Float32Array:
        assert self._request is not None, "run after close"
        result = self._request.infer([np.ascontiguousarray(images)], share_inputs=True)
        probabilities: Float32Array = result[0]
        return probabilities

    def close(self) -> None:
        self._request = None


def _read(core: openvino.Core, folder: Path) -> openvino.Model:
    # A mapped file that is overwritten in place would change, or kill, the running network.
    core.set_property({properties.enable_mmap: False})
    try:
        return core.read_model(folder)
    except RuntimeError as error:
        raise ModelError(f"{folder}: OpenVINO reads no SavedModel there: {error}") from error


def _options(core: openvino.Core, threads: int, precision: str) -> dict[Any, Any]:
    if precision == "auto":
        native = "BF16" in core.get_property("CPU", properties.device.capabilities)
        precision = "bfloat16" if native else "float32"
    return {
        hint.performance_mode: hint.PerformanceMode.LATENCY,
        hint.inference_precision: TYPES[precision],
        # Containers that share a host would all pin their threads to the same first cores.
        hint.enable_cpu_pinning: False,
        properties.inference_num_threads: threads,
        properties.num_streams: 1,
    }


def _name(element_type: openvino.Type) -> str:
    name = str(element_type.get_type_name())
    return NAMES.get(name, name)


def _tensor(port: Any) -> Tensor:
    shape = tuple(-1 if size.is_dynamic else size.get_length() for size in port.partial_shape)
    return Tensor(next(iter(port.names), "unnamed"), _name(port.element_type), shape)
