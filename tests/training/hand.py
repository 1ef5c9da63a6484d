"""A made-up rigged hand as a binary glTF file: a small pyramid at each joint, fingers along -y."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.hand_model import CHAINS, FINGERS

PYRAMID = np.array([[0.004, 0, 0], [-0.004, 0, 0.004], [-0.004, 0, -0.004], [0, -0.02, 0]], np.float32)
FACES = np.array([[0, 1, 2], [0, 1, 3], [1, 2, 3], [2, 0, 3]], np.uint16)


def joint_places() -> dict[str, tuple[float, float, float]]:
    """Where each joint rests, in metres: the wrist in the origin, fingers side by side along z."""
    places = {"wrist": (0.0, 0.0, 0.0)}
    for number, chain in enumerate(CHAINS):
        for step, joint in enumerate(chain[1:], start=1):
            places[joint] = (0.0, -0.03 * step, 0.02 * (number - len(FINGERS) / 2))
    return places


def write_hand(path: Path) -> Path:
    """Writes the file and returns its path."""
    places = joint_places()
    joints = list(places)
    vertices = np.concatenate([PYRAMID + np.array(place, np.float32) for place in places.values()])
    faces = np.concatenate([FACES + 4 * number for number in range(len(joints))])
    owners = np.repeat(np.arange(len(joints)), 4)
    owner_columns = np.stack([owners, *[np.zeros_like(owners)] * 3], 1).astype(np.uint8)
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (len(owners), 1))
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse[:, 3, :3] = -np.array(list(places.values()), np.float32)  # column by column
    arrays: list[tuple[NDArray[Any], int, str]] = [
        (vertices.astype(np.float32), 5126, "VEC3"),
        (owner_columns, 5121, "VEC4"),
        (weights, 5126, "VEC4"),
        (faces.reshape(-1, 1), 5123, "SCALAR"),
        (inverse.reshape(-1, 16), 5126, "MAT4"),
    ]
    blobs = [array.tobytes() for array, _, _ in arrays]
    starts = np.cumsum([0, *map(len, blobs)])[:-1].tolist()
    description = {
        "nodes": [{"name": joint} for joint in joints],
        "skins": [{"joints": list(range(len(joints))), "inverseBindMatrices": 4}],
        "meshes": [
            {
                "primitives": [
                    {"attributes": {"POSITION": 0, "JOINTS_0": 1, "WEIGHTS_0": 2}, "indices": 3},
                ]
            }
        ],
        "accessors": [
            {"bufferView": number, "componentType": kind, "count": len(array), "type": shape}
            for number, (array, kind, shape) in enumerate(arrays)
        ],
        "bufferViews": [
            {"byteOffset": start, "byteLength": len(blob)} for start, blob in zip(starts, blobs, strict=True)
        ],
    }
    text, binary = json.dumps(description).encode(), b"".join(blobs)
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<4sIIII", b"glTF", 2, total, len(text), 0x4E4F534A)
    path.write_bytes(head + text + struct.pack("<II", len(binary), 0x004E4942) + binary)
    return path
