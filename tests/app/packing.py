"""Archives of every kind that are opened, written for tests."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

Members = dict[str, bytes]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def pack(name: str, members: Members) -> None:
    """Writes an archive of the kind that its name tells."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
    else:
        Path(name).write_bytes(_packer(name)(tar_of(members)))


def _packer(name: str) -> Callable[[bytes], bytes]:
    for ending, compress in COMPRESS.items():
        if name.endswith((f".{ending}", f".t{ending}")):
            return compress
    return bytes


def tar_of(members: Members) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, data in members.items():
            header = tarfile.TarInfo(member)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return buffer.getvalue()
