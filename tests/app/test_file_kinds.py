"""What a file is that is no picture, in words."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from app.file_kinds import SIGNATURES, UNKNOWN, kind_of


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00", "a video"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00", "a video"),
        (b"\x1aE\xdf\xa3\x01\x00", "a video"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a sound"),
        (b"<svg xmlns=", "an SVG drawing"),
        (b"<!doctype html>", "a web page"),
        ("Grüße, eine Hand\n".encode(), "a text"),
        (b"\x00\x01\x02\x03\x04\x05", UNKNOWN),
        (b"\xff\xfe\xfd\xfc", UNKNOWN),
    ],
)
def test_files_are_told_apart_by_their_bytes(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


def test_a_zip_made_by_the_library_is_one() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "x")
    assert kind_of(buffer.getvalue()) == "a ZIP archive or an Office document"


def test_a_text_cut_inside_a_letter_is_still_a_text() -> None:
    assert kind_of(b"a" * 511 + "é".encode() * 10) == "a text"


def test_every_signature_can_be_met() -> None:
    for offset, expected, kind in SIGNATURES:
        assert kind_of(bytes(offset) + expected) == kind
