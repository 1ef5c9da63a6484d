"""The manifest: valid or refused with the reason, and it knows its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from app.engines.constant import constant_manifest
from app.errors import ModelError
from app.manifest import (
    MANIFEST_PATH,
    InputSpec,
    Manifest,
    Window,
    check_files,
    file_hashes,
    golden_input,
    read_manifest,
    write_manifest,
)


def test_written_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    manifest = constant_manifest()
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 0}, "greater than 0"),
        ({"labels": ["0"]}, "at least 2 items"),
        ({"labels": ["0", "1"]}, "expected 2 probabilities, received 6"),
        ({"surprise": 1}, "Extra inputs are not permitted"),
        ({"acceptance": {"threshold": 1.5}}, "less than or equal to 1"),
        ({"sha256": {"saved_model.pb": "abc"}}, "String should match pattern"),
        ({"input": {"resize": "nearest"}}, "Input should be 'bilinear'"),
        ({"views": {"windows": []}}, "at least 1 item"),
        ({"golden": {"pairs": []}}, "at least 1 item"),
        ({"created": "yesterday"}, "valid datetime"),
    ],
)
def test_a_malformed_manifest_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    write_manifest(tmp_path, constant_manifest())
    path = tmp_path / MANIFEST_PATH
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ModelError, match=reason):
        read_manifest(tmp_path)


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected the version's manifest, found no such file"):
        read_manifest(tmp_path)


def test_bytes_that_are_no_json(tmp_path: Path) -> None:
    write_manifest(tmp_path, constant_manifest())
    (tmp_path / MANIFEST_PATH).write_bytes(b"\xff\xfe{")
    with pytest.raises(ModelError, match="not a valid manifest"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("corners", [(0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (0, 1, 1, 0)])
def test_a_window_has_an_area(corners: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = corners
    with pytest.raises(ValidationError, match="expected x0 < x1 and y0 < y1"):
        Window(x0=x0, y0=y0, x1=x1, y1=y1)


def test_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        constant_manifest().version = 2  # type: ignore[misc]


def _version(folder: Path) -> Manifest:
    (folder / "variables").mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "data").write_bytes(b"weights")
    manifest = constant_manifest().model_copy(update={"sha256": file_hashes(folder)})
    write_manifest(folder, manifest)
    return manifest


def test_unaltered_files_pass_and_the_manifest_itself_is_not_counted(tmp_path: Path) -> None:
    manifest = _version(tmp_path)
    assert set(manifest.sha256) == {"saved_model.pb", "variables/data"}
    check_files(tmp_path, manifest)


def test_each_kind_of_wrong_file_is_named(tmp_path: Path) -> None:
    manifest = _version(tmp_path)
    (tmp_path / "extra").write_bytes(b"")
    with pytest.raises(ModelError, match="files not in the manifest: extra"):
        check_files(tmp_path, manifest)
    (tmp_path / "extra").unlink()
    (tmp_path / "variables" / "data").write_bytes(b"weightz")
    with pytest.raises(ModelError, match="files altered: variables/data"):
        check_files(tmp_path, manifest)
    (tmp_path / "variables" / "data").unlink()
    with pytest.raises(ModelError, match="files missing: variables/data"):
        check_files(tmp_path, manifest)


def test_golden_input_is_the_same_for_ever() -> None:
    picture = golden_input(3, InputSpec())
    assert (picture.dtype.name, picture.shape) == ("float32", (1, 64, 64, 3))
    assert (picture[0, 0, 0] * 255).round().astype(int).tolist() == [106, 152, 249]
    np.testing.assert_array_equal(picture[0, :8, :8], np.broadcast_to(picture[0, 0, 0], (8, 8, 3)))
    assert not np.array_equal(picture, golden_input(4, InputSpec()))


def test_golden_input_of_another_size() -> None:
    assert golden_input(0, InputSpec(height=32, width=96)).shape == (1, 32, 96, 3)
