"""Corrections on disk: whole, small, without what a camera notes, and never too many."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.corrections import SIDE, Corrections
from app.errors import CorruptImage, ImageTooLarge, StoreFull, UnsupportedImage
from tests.app.conftest import Encode

ROOMY = 10**6


@pytest.fixture
def photo(encode: Encode) -> bytes:
    """A JPEG lying on its side, with EXIF."""
    noted = Image.Exif()
    noted[0x0112] = 6
    noted[0x010F] = "Maker of cameras"
    return encode(Image.linear_gradient("L").resize((900, 600)).convert("RGB"), "JPEG", exif=noted)


def store_in(folder: Path, max_bytes: int = ROOMY, quota: int = ROOMY) -> Corrections:
    return Corrections(folder, max_bytes, quota, max_pixels=10**7)


def test_a_picture_is_stored_upright_small_and_without_exif(tmp_path: Path, photo: bytes) -> None:
    path = tmp_path / store_in(tmp_path / "new").store(photo, "3")
    stored = tmp_path / "new" / path.relative_to(tmp_path)
    with Image.open(stored) as picture:
        assert (picture.format, picture.size) == ("JPEG", (round(SIDE * 2 / 3), SIDE))
        assert len(picture.getexif()) == 0
    assert b"Maker" not in stored.read_bytes()


def test_training_can_read_what_is_stored(tmp_path: Path, photo: bytes) -> None:
    from training.dataset import read_picture

    for label in ("0", "none"):
        store_in(tmp_path).store(photo, label)
    paths = sorted(tmp_path.glob("*/*.[Jj][Pp][Gg]"))
    assert [path.parent.name for path in paths] == ["0", "none"]
    assert {read_picture(path).shape for path in paths} == {(64, 64, 3)}


def test_the_same_picture_is_stored_once(tmp_path: Path, photo: bytes) -> None:
    store = store_in(tmp_path)
    assert store.store(photo, "3") == store.store(photo, "3")
    assert len(list(tmp_path.rglob("*.jpg"))) == 1


def test_too_large_broken_and_foreign_files_are_refused(tmp_path: Path, photo: bytes) -> None:
    for store, data, error in (
        (store_in(tmp_path, max_bytes=len(photo) - 1), photo, ImageTooLarge),
        (store_in(tmp_path), photo[: len(photo) // 2], CorruptImage),
        (store_in(tmp_path), b"%PDF", UnsupportedImage),
    ):
        with pytest.raises(error):
            store.store(data, "3")
    assert list(tmp_path.iterdir()) == []


def test_the_quota_holds_over_all_folders_and_between_threads(tmp_path: Path, encode: Encode) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (12, 64, 64, 3)).astype(np.uint8)
    pictures = [encode(Image.fromarray(each)) for each in noise]
    one = tmp_path / "one"
    store_in(one).store(pictures[0], "0")
    quota = int(3.5 * sum(path.stat().st_size for path in one.rglob("*.jpg")))
    store = store_in(tmp_path / "full", quota=quota)

    def offer(index: int) -> bool:
        try:
            store.store(pictures[index], str(index % 6))
        except StoreFull:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(offer, range(12))) == 3
    held = [path.stat().st_size for path in (tmp_path / "full").rglob("*.jpg")]
    assert len(held) == 3
    assert sum(held) <= quota


def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        store_in(tmp_path).store(photo, "3")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_transparent_pictures_are_laid_on_white(tmp_path: Path, encode: Encode) -> None:
    path = store_in(tmp_path).store(encode(Image.new("RGBA", (30, 20), (0, 0, 0, 0))), "none")
    with Image.open(io.BytesIO((tmp_path / path).read_bytes())) as picture:
        assert picture.getpixel((5, 5)) == (255, 255, 255)
