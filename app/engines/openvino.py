"""The default engine: OpenVINO reads the SavedModel folder itself, without TensorFlow."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import properties
from openvino.properties import hint

from app.engines.base import Float32Array
from app.engines.signature import Tensor, check_locator, check_signature
from app.errors import ModelError
from app.manifest import INT8_PATH

logger = logging.getLogger(__name__)

TYPES = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16, "int8": openvino.Type.f32}
"""What is computed in where the network itself does not say: in int8, its few unquantised parts."""
NAMES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


class OpenVinoEngine:
    """A version's network compiled for the CPU, with up to so many `lanes` that share its weights.

    Threads that share a run wait for each other at every layer, so that in int8 two runs at once, with half
    of the threads each, give more. In float32 a layer takes so much longer that it makes no difference, but
    for a lone picture, which takes longer: there is one lane.

    `precision` `auto` means int8 where the version has it, else bfloat16 where the CPU computes in it
    natively, else float32. Raises `ModelError` where `folder` holds no network with the expected
    signature, or none in int8 where that is asked for.
    """

    name = "openvino"

    def __init__(
        self, folder: Path, threads: int, precision: str, cache: Path | None = None, lanes: int = 1
    ) -> None:
        core = openvino.Core()
        precision = _chosen(core, folder, precision)
        source = folder / INT8_PATH if precision == "int8" else folder
        self.lanes = min(lanes, threads) if precision == "int8" else 1
        compiled = _compile(core, source, _options(threads, precision, self.lanes), cache)
        check_signature(_tensors(compiled.inputs), _tensors(compiled.outputs))
        in_use = _name(compiled.get_property(hint.inference_precision))
        self.precision = precision if precision == "int8" else in_use
        self._free = [compiled.create_infer_request() for _ in range(self.lanes)]

    def run(self, images: Float32Array) -> Float32Array:
        request = self._free.pop()
        try:
            return _infer(request, images)
        finally:
            self._free.append(request)

    def warm_up(self, images: Float32Array) -> None:
        for request in self._free:  # all at once, for each stream makes kernels of its own
            request.start_async([images], share_inputs=True)
        for request in self._free:
            request.wait()

    def close(self) -> None:
        self._free.clear()


class OpenVinoLocator:
    """The locator's SavedModel compiled for one CPU thread, for it runs in the threads that decode.

    Raises `ModelError` where `folder` holds no such SavedModel.
    """

    def __init__(self, folder: Path, side: int, cache: Path | None = None) -> None:
        self._compiled = _compile(openvino.Core(), folder, _options(1, "float32"), cache)
        check_locator(_tensors(self._compiled.inputs), _tensors(self._compiled.outputs), side)
        self._own = threading.local()

    def find(self, photo: Float32Array) -> Float32Array:
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        place: Float32Array = _infer(self._own.request, photo[np.newaxis])[0]
        return place


def _infer(request: openvino.InferRequest, images: Float32Array) -> Float32Array:
    # Not `infer`, which computes in the thread that calls: with several networks in several threads it
    # corrupts memory (openvinotoolkit/openvino, issue 24509).
    request.start_async([np.ascontiguousarray(images)], share_inputs=True)
    request.wait()
    answer: Float32Array = request.get_output_tensor().data.copy()
    return answer


def _chosen(core: openvino.Core, folder: Path, precision: str) -> str:
    """What to compute in; for `auto`, the fastest that the version and the CPU have."""
    has_int8 = (folder / INT8_PATH).exists()
    if precision == "int8" and not has_int8:
        raise ModelError(f"{folder}: expected the network in int8 at {INT8_PATH}, found no such file")
    if precision != "auto":
        return precision
    if has_int8:
        return "int8"
    return "bfloat16" if "BF16" in core.get_property("CPU", properties.device.capabilities) else "float32"


def _compile(
    core: openvino.Core, source: Path, options: dict[Any, Any], cache: Path | None
) -> openvino.CompiledModel:
    # A mapped file that is overwritten in place would change, or kill, the running network.
    core.set_property({properties.enable_mmap: False})
    if cache is not None:
        try:
            # Given the path, OpenVINO does not even read the network where it has it compiled.
            return core.compile_model(source, "CPU", {**options, properties.cache_dir: cache})
        except RuntimeError as error:
            logger.info("not compiled with the help of %s: %s", cache, error)
    try:
        return core.compile_model(source, "CPU", options)
    except RuntimeError as error:
        raise ModelError(f"{source}: OpenVINO reads no network there: {error}") from error


def _options(threads: int, precision: str, streams: int = 1) -> dict[Any, Any]:
    return {
        hint.performance_mode: hint.PerformanceMode.LATENCY,
        hint.inference_precision: TYPES[precision],
        # Containers that share a host would all pin their threads to the same first cores.
        hint.enable_cpu_pinning: False,
        properties.inference_num_threads: threads,
        properties.num_streams: streams,
    }


def _name(element_type: openvino.Type) -> str:
    name = str(element_type.get_type_name())
    return NAMES.get(name, name)


def _tensors(ports: Any) -> list[Tensor]:
    return [
        Tensor(
            next(iter(port.names), "unnamed"),
            _name(port.element_type),
            tuple(-1 if size.is_dynamic else size.get_length() for size in port.partial_shape),
        )
        for port in ports
    ]
