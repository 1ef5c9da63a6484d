"""What several tests of the service share: small pictures, and a tiny but real model version."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.engines.constant import constant_manifest
from app.manifest import Golden, GoldenPair, Manifest, file_hashes, golden_input, write_manifest

Encode = Callable[..., bytes]
MakeVersion = Callable[..., Path]

CLASSES = 6
SEEDS = (0, 1)


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Encodes a picture: `encode(image, "JPEG", quality=95)`."""

    def _encode(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
        buffer = BytesIO()
        image.save(buffer, format, **options)
        return buffer.getvalue()

    return _encode


@pytest.fixture(scope="session")
def grey_png(encode: Encode) -> Callable[[int], bytes]:
    """A small PNG of one grey; through the constant engine the grey chooses the answer."""
    return lambda grey: encode(Image.new("L", (90, 70), grey))


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that relative paths start from."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def weights() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Of the tiny network: from the mean colour to the logits, float32 [3, 6]."""
    return np.random.RandomState(7).normal(scale=4, size=(3, CLASSES)).astype(np.float32)


@pytest.fixture(scope="session")
def saved_model(
    tmp_path_factory: pytest.TempPathFactory, weights: np.ndarray[Any, np.dtype[np.float32]]
) -> Path:
    """A SavedModel with the signature that Signs serves: softmax(mean colour x weights)."""
    import tensorflow as tf

    class Tiny(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(weights)

        @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3], tf.float32, name="images")])  # type: ignore[untyped-decorator]
        def serve(self, images: Any) -> Any:
            return {"probabilities": tf.nn.softmax(tf.reduce_mean(images, [1, 2]) @ self.weights)}

    folder = tmp_path_factory.mktemp("saved_model")
    model = Tiny()
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.serve})
    return folder


@pytest.fixture(scope="session")
def make_version(saved_model: Path, weights: np.ndarray[Any, np.dtype[np.float32]]) -> MakeVersion:
    """Puts the tiny model below `root` as a version with a true manifest; keywords change its fields."""

    def _make(root: Path, number: int, **changes: Any) -> Path:
        folder = root / str(number)
        shutil.copytree(saved_model, folder)
        manifest = constant_manifest(version=number).model_dump()
        golden = Golden(pairs=tuple(_golden_pair(seed, weights) for seed in SEEDS)).model_dump()
        manifest |= {"sha256": file_hashes(folder), "golden": golden} | changes
        write_manifest(folder, Manifest.model_validate(manifest))
        return folder

    return _make


def _golden_pair(seed: int, weights: np.ndarray[Any, np.dtype[np.float32]]) -> GoldenPair:
    logits = golden_input(seed, constant_manifest().input).mean(axis=(1, 2))[0].astype(float) @ weights
    powers = np.exp(logits - logits.max())
    return GoldenPair(seed=seed, probabilities=tuple(powers / powers.sum()))
