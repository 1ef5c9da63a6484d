"""What the measurement of bulk runs makes up, and how it compares."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.imaging import decode
from benchmarks import pictures
from benchmarks.bulk import difference, fill

HEAD = b"path,label,confidence,p0,error\n"
ROW = b"a.png,0,0.75,0.75,\n"


def test_no_two_files_are_the_same_but_their_pictures_are(tmp_path: Path) -> None:
    count = pictures.THUMBNAILS + 2
    fill(tmp_path / "photos", count)
    made = [path.read_bytes() for path in sorted((tmp_path / "photos").iterdir())]
    assert len(set(made)) == count
    decoded = [np.asarray(decode(data)) for data in made]
    assert (decoded[0] == decoded[pictures.THUMBNAILS]).all()
    assert (decoded[0] != decoded[1]).any()


def test_outputs_are_compared_by_rows_and_by_numbers() -> None:
    same = HEAD + ROW * 2
    assert difference(same, same) == "0 of 2 differ; probabilities by 0 at most"
    moved = HEAD + ROW + ROW.replace(b"0.75", b"0.5")
    assert difference(same, moved) == "0 of 2 differ; probabilities by 0.2 at most"
    other = HEAD + ROW + ROW.replace(b"a.png,0", b"a.png,1")
    assert difference(same, other) == "1 of 2 differ; probabilities by 0 at most"
    assert difference(same, HEAD + ROW) == "**2 rows against 1**"
