"""A rigged hand: a mesh with joints, read from a binary glTF file and put into poses.

The file is `generic-hand/left.glb` of the npm package `@webxr-input-profiles/assets` (MIT); right hands
are mirrored pictures of it. It is a tool for training and stands nowhere in this repository.
Source of the format: Khronos, glTF 2.0 specification, section 4 (GLB) and section 3.7.3 (skins).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

FINGERS = ("index-finger", "middle-finger", "ring-finger", "pinky-finger")
BONES = ("metacarpal", "phalanx-proximal", "phalanx-intermediate", "phalanx-distal", "tip")
CHAINS = (
    ("wrist", *(f"thumb-{bone}" for bone in BONES if bone != "phalanx-intermediate")),
    *(("wrist", *(f"{finger}-{bone}" for bone in BONES)) for finger in FINGERS),
)
"""From the root outwards. The file leaves the joints side by side, so the order must come from here."""

Angles = tuple[float, float, float]
Float64Array = NDArray[np.float64]

_DTYPES = {5121: np.uint8, 5123: np.uint16, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@dataclass(frozen=True, slots=True)
class HandModel:
    """The hand at rest, in metres: fingers along -y, the palm towards +x, the thumb at -z.

    `vertices` float64 [v, 3]; `triangles` int64 [t, 3]; `weights` float64 [v, joints]; `rest` and
    `inverse_rest` float64 [joints, 4, 4] between a joint's own space and the hand's.
    """

    vertices: Float64Array
    triangles: NDArray[np.int64]
    weights: Float64Array
    joints: tuple[str, ...]
    rest: Float64Array
    inverse_rest: Float64Array

    def posed(self, turns: Mapping[str, Angles]) -> Float64Array:
        """The vertices, float64 [v, 3], with joints turned about their own x, y, z by radians."""
        return self.skinned(self._moved_joints(turns))

    def skinned(self, moved: Float64Array) -> Float64Array:
        """The vertices, float64 [v, 3], where the joints lie at `moved`, float64 [joints, 4, 4]."""
        points = np.column_stack([self.vertices, np.ones(len(self.vertices))])
        carried = moved @ self.inverse_rest
        skin: Float64Array = np.einsum("vj,jab,vb->va", self.weights, carried, points, optimize=True)
        return skin[:, :3]

    def refined(self) -> HandModel:
        """The same hand with every triangle parted into four, for pictures larger than training needs."""
        edges = np.concatenate(
            [self.triangles[:, [0, 1]], self.triangles[:, [1, 2]], self.triangles[:, [2, 0]]]
        )
        unique, where = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
        middles = where.reshape(3, -1) + len(self.vertices)
        a, b, c = self.triangles.T
        ab, bc, ca = middles
        parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        return replace(
            self,
            vertices=np.concatenate([self.vertices, self.vertices[unique].mean(axis=1)]),
            weights=np.concatenate([self.weights, self.weights[unique].mean(axis=1)]),
            triangles=np.concatenate([np.stack(part, axis=1) for part in parts]),
        )

    def _moved_joints(self, turns: Mapping[str, Angles]) -> Float64Array:
        index = {name: number for number, name in enumerate(self.joints)}
        moved = self.rest.copy()
        for chain in CHAINS:
            moved[index["wrist"]] = self.rest[index["wrist"]] @ turned(turns.get("wrist", (0, 0, 0)))
            for parent, joint in pairwise(chain):
                local = np.linalg.inv(self.rest[index[parent]]) @ self.rest[index[joint]]
                moved[index[joint]] = moved[index[parent]] @ local @ turned(turns.get(joint, (0, 0, 0)))
        return moved


def turned(angles: Angles) -> Float64Array:
    """A turn about x, then y, then z by radians, as float64 [4, 4]."""
    matrix = np.eye(4)
    for axis, angle in enumerate(angles):
        one = np.eye(4)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[a, a] = one[b, b] = np.cos(angle)
        one[b, a], one[a, b] = np.sin(angle), -np.sin(angle)
        matrix = one @ matrix
    return matrix


def load_hand(path: Path) -> HandModel:
    """Reads the rigged hand; raises `DataError` that says what was expected of the file."""
    try:
        description, binary = _read_glb(path.read_bytes())
        return _hand(description, binary)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file; expected generic-hand/left.glb of @webxr-input-profiles/assets"
        ) from None
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise DataError(f"{path}: expected a binary glTF file with one rigged hand ({error!r})") from error


def _read_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, _, _, length, _ = struct.unpack_from("<4sIIII", data)
    if magic != b"glTF":
        raise ValueError("it does not begin with glTF")
    return json.loads(data[20 : 20 + length]), data[20 + length + 8 :]


def _hand(description: dict[str, Any], binary: bytes) -> HandModel:
    def array(number: int) -> NDArray[Any]:
        accessor = description["accessors"][number]
        view = description["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        width, dtype = _WIDTHS[accessor["type"]], _DTYPES[accessor["componentType"]]
        flat = np.frombuffer(binary, dtype, accessor["count"] * width, start)
        return flat.reshape(accessor["count"], width)

    primitive, skin = description["meshes"][0]["primitives"][0], description["skins"][0]
    attributes = primitive["attributes"]
    nodes = [description["nodes"][number] for number in skin["joints"]]
    # glTF keeps matrices column by column.
    inverse = array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)
    vertices = array(attributes["POSITION"]).astype(np.float64)
    weights = np.zeros((len(vertices), len(nodes)))
    rows = np.arange(len(vertices))[:, None]
    np.add.at(weights, (rows, array(attributes["JOINTS_0"])), array(attributes["WEIGHTS_0"]))
    return HandModel(
        vertices=vertices,
        triangles=array(primitive["indices"]).reshape(-1, 3).astype(np.int64),
        weights=weights / weights.sum(axis=1, keepdims=True),
        joints=tuple(node["name"] for node in nodes),
        rest=np.asarray(np.linalg.inv(inverse), np.float64),
        inverse_rest=inverse,
    )
