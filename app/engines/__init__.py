"""The engines that can run a model version, each imported only when it is chosen."""

from __future__ import annotations

from pathlib import Path

from app.engines.base import Engine, Locator

ENGINES = ("openvino", "tensorflow")
PRECISIONS = ("auto", "float32", "bfloat16", "int8")


def load_engine(
    name: str, folder: Path, threads: int, precision: str, cache: Path | None = None, lanes: int = 1
) -> Engine:
    """Loads the SavedModel in `folder` into the engine called `name`, on `threads` CPU threads.

    `precision` is one of `PRECISIONS`; what the engine really computes in stands in its `precision`.
    The openvino engine keeps compiled networks in the folder `cache`, where one is given, and has up to
    so many `lanes` where these pay.
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

        return OpenVinoEngine(folder, threads, precision, cache, lanes)
    from app.engines.tensorflow import TensorFlowEngine

    return TensorFlowEngine(folder, threads, precision)


def load_locator(name: str, folder: Path, side: int, cache: Path | None = None) -> Locator:
    """Loads the locator's SavedModel in `folder` into the engine called `name`; raises `ModelError`."""
    if name == "openvino":
        from app.engines.openvino import OpenVinoLocator

        return OpenVinoLocator(folder, side, cache)
    from app.engines.tensorflow import TensorFlowLocator

    return TensorFlowLocator(folder, side)
