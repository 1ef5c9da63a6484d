"""What a file is that is no picture we read, in words for the one who sent it."""

from __future__ import annotations

from typing import Final

# Offset, the bytes expected there, and what the file is then; the first match counts.
SIGNATURES: Final = (
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP archive or an Office document"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document"),
    (0, b"Rar!", "an archive"),
    (0, b"7z\xbc\xaf", "an archive"),
    (0, b"\x1f\x8b", "an archive"),
    (4, b"ftypqt", "a video"),
    (4, b"ftypisom", "a video"),
    (4, b"ftypiso", "a video"),
    (4, b"ftypmp4", "a video"),
    (4, b"ftypM4V", "a video"),
    (4, b"ftypavc1", "a video"),
    (4, b"ftyp3gp", "a video"),
    (4, b"ftypM4A", "a sound"),
    (4, b"ftypcrx", "a raw camera file"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (8, b"WAVE", "a sound"),
    (0, b"ID3", "a sound"),
    (0, b"OggS", "a sound or a video"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"FUJIFILM", "a raw camera file"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an SVG drawing or another XML file"),
    (0, b"<!doctype", "a web page"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"MZ", "a program"),
    (0, b"\x7fELF", "a program"),
)
UNKNOWN: Final = "of an unknown kind"
LOOKED_AT: Final = 512  # bytes from which text is told from other data


def kind_of(data: bytes) -> str:
    """What the file with these bytes is, with its article: `a PDF`, `a video`, `a text`, ..."""
    for offset, expected, kind in SIGNATURES:
        if data.startswith(expected, offset):
            return kind
    return "a text" if _is_text(data[:LOOKED_AT]) else UNKNOWN


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", errors="ignore")  # the cut may go through a letter
    return len(text.encode()) >= len(start) - 3 and all(sign.isprintable() or sign.isspace() for sign in text)
