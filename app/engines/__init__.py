"""The engines that can run a model version, each imported only when it is chosen."""

from __future__ import annotations

from pathlib import Path

from app.engines.base import Engine

ENGINES = ("openvino", "tensorflow")
PRECISIONS = ("auto", "float32", "bfloat16")


def load_engine(name: str, folder: Path, threads: int, precision: str) -> Engine:
    """Loads the SavedModel in `folder` into the engine called `name`, on `threads` CPU threads.

    `precision` is one of `PRECISIONS`; what the engine really computes in stands in its `precision`.
    Raises `ModelError` where the folder holds no SavedModel with the expected signature.
    """
    for what, value, choices in (
        ("engine", name, ENGINES),
        ("precision", precision, PRECISIONS),
    ):
        if value not in choices:
            raise ValueError(f"{what}: expected one of {', '.join(choices)}, received {value!r}")
    # Only the chosen library is loaded: both at once would cost seconds and hundreds of megabytes.
    if name == "openvino":
        from app.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(folder, threads, precision)
    from app.engines.tensorflow import TensorFlowEngine

    return TensorFlowEngine(folder, threads, precision)
