"""What every peer does alike: from a JPEG's bytes to the network's input, and the network itself.

It is told by two environment variables: `NETWORK`, the SavedModel's folder or an OpenVINO file, and
`ENGINE`, tensorflow or openvino.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

Network = Callable[[Any], Any]
"""float32 [n, 64, 64, 3] in 0..1 -> probabilities float32 [n, 6]."""


def decode(data: bytes) -> Any:
    """The whole picture as the network sees it, float32 [64, 64, 3]: what tutorials show."""
    picture = Image.open(BytesIO(data)).convert("RGB")
    return np.asarray(picture.resize((64, 64), Image.Resampling.BILINEAR), np.float32) / 255


def load_network(hint: str = "LATENCY") -> Network:
    """The network, warm; `hint` tells OpenVINO whether one call at a time or several are to be fast."""
    loaders = {"tensorflow": _tensorflow, "openvino": _openvino}
    network = loaders[os.environ["ENGINE"]](os.environ["NETWORK"], hint)
    for size in (1, 2, 4, 8, 16, 32):
        network(np.zeros((size, 64, 64, 3), np.float32))
    return network


def _tensorflow(path: str, hint: str) -> Network:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]

    def run(images: Any) -> Any:
        return signature(images=tf.constant(images))["probabilities"].numpy()

    run.loaded = loaded  # type: ignore[attr-defined]  # the signature does not keep the variables alive
    return run


def _openvino(path: str, hint: str) -> Network:
    import openvino

    compiled = openvino.compile_model(
        path, "CPU", {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": "f32"}
    )
    own = threading.local()

    def run(images: Any) -> Any:
        if not hasattr(own, "request"):  # a request may be used by one thread at a time
            own.request = compiled.create_infer_request()
        return own.request.infer([images])[0].copy()

    return run
