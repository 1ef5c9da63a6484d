"""A million files in one folder, or members in one archive: `python -m tests.soak.folder --files 1000000`."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT
from tests.soak.report import Figure, options_of, publish

FEW = 1000
MOST_GROWTH = 100.0
"""MB (10^6 bytes) that a run over very many files may take more than one over `FEW`."""

# What is no picture needs no network, so that this measures how things are found, kept and written.
CHILD = """
import resource, sys
from pathlib import Path
from app.bulk.run import Run, run_bulk
from app.bulk.sources import Sources
from app.engines.constant import ConstantEngine
from app.settings import Settings

run_bulk(Run(Sources((sys.argv[1],)), Path(sys.argv[2])), Settings(), ConstantEngine())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def fill_folder(path: Path, count: int) -> None:
    """Empty files, so that all have the same content."""
    path.mkdir()
    for number in range(count):
        (path / f"{number:08}.png").touch()


def fill_archive(path: Path, count: int) -> None:
    """Members of which no two are the same."""
    with path.open("wb") as file:
        for number in range(count):
            data = b"number %d" % number
            header = tarfile.TarInfo(f"{number:08}.png")
            header.size = len(data)
            file.write(header.tobuf() + data.ljust(tarfile.BLOCKSIZE, b"\0"))
        file.write(bytes(2 * tarfile.BLOCKSIZE))


def measure(count: int) -> list[Figure]:
    """Figures of a folder and of an archive of `count` files, each against one of `FEW`."""
    figures = []
    kinds: tuple[tuple[str, str, Callable[[Path, int], None]], ...] = (
        ("folder", "photos", fill_folder),
        ("archive", "photos.tar", fill_archive),
    )
    for what, name, fill in kinds:
        (_, few), (rows, many) = (_run(name, fill, number) for number in (FEW, count))
        figures += [
            Figure(f"rows of one {what}", str(rows), str(count), rows == count),
            Figure(f"peak memory, {FEW} and {count} files in one {what}", f"{few:.0f} MB and {many:.0f} MB"),
            Figure(
                f"more memory with one {what}",
                f"{many - few:.0f} MB",
                f"< {MOST_GROWTH:.0f} MB",
                many - few < MOST_GROWTH,
            ),
        ]
    return figures


def _run(name: str, fill: Callable[[Path, int], None], count: int) -> tuple[int, float]:
    """How many rows there are, and the peak of the resident memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, name), Path(folder, "answers.csv")
        fill(source, count)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNS_")}
        command = [sys.executable, "-c", CHILD, str(source), str(output)]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
        with output.open(encoding="utf-8") as file:
            rows = sum(1 for _ in file) - 1
    return rows, int(done.stdout) * 1024 / 1e6


if __name__ == "__main__":
    options = options_of(__doc__, files=1_000_000)
    options.constant = True
    sys.exit(publish("folder", "Very many files", measure(options.files), options))
