"""What a run has done so far, in one SQLite file beside its output: what a killed run is taken up from."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import starmap
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.bulk.errors import BulkError, RunRefused, RunStopped
from app.bulk.records import Model, Record

ENDING: Final = ".unfinished"
ROWS_AT_ONCE: Final = 1000
COMMIT_SECONDS: Final = 1.0
"""So much work is lost at most when the process is killed."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS model (described TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (sha256 BLOB PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found (number INTEGER PRIMARY KEY, path TEXT NOT NULL, sha256 BLOB, error TEXT);
DELETE FROM found;
"""
ROWS: Final = """
SELECT path, found.sha256, answer, error
FROM found LEFT JOIN answers ON found.sha256 = answers.sha256 ORDER BY number
"""
HASHES: Final = "SELECT sha256 FROM answers ORDER BY sha256"
MEANINGS: Final = {
    sqlite3.SQLITE_BUSY: "another run is at it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be written there",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CORRUPT: "it is broken; remove it to begin anew",
    sqlite3.SQLITE_NOTADB: "it was not written by a run; remove it to begin anew",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "it cannot be written; is the disk full?",
}


class Journal:
    """Answers by the SHA-256 of their content, which last, and what this run found, which is found anew.

    A file that is moved or copied needs no new answer, and one that has changed gets one. Any thread may
    call it. While it is open no other run can open it.
    """

    def __init__(self, path: Path) -> None:
        """Opens or begins it; raises `RunRefused` where that cannot be."""
        self.path = path
        self._lock = threading.Lock()
        self._committed = time.monotonic()
        self._needed = path.exists()
        with self._told(RunRefused):
            self._connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            with self._told(RunRefused):
                self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._connection.executescript(SCHEMA)
        except BulkError:
            self._connection.close()
            if not self._needed:
                self.path.unlink(missing_ok=True)
            raise
        self._needed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """How many contents are answered."""
        return self._value("SELECT count(*) FROM answers")

    def __contains__(self, sha256: object) -> bool:
        return self._value("SELECT count(*) FROM answers WHERE sha256 = ?", sha256) > 0

    @property
    def found(self) -> int:
        """How many things this run has found."""
        return self._value("SELECT count(*) FROM found")

    def claim(self, model: Model, anew: bool = False) -> None:
        """Makes it that of `model`, and says on standard error what there is to be taken up.

        Answers of another model are forgotten where `anew`; else they raise `RunRefused`.
        """
        with self._told(RunRefused):
            row = self._connection.execute("SELECT described FROM model").fetchone()
            kept = None if row is None else Model.from_json(row[0])
            if kept not in (None, model):
                if not anew:
                    raise RunRefused(
                        f"{self.path}: the run was begun with {kept}, now it is {model}; set SIGNS_VERSION "
                        "and SIGNS_PRECISION as they were, or begin anew with --overwrite"
                    )
                self._connection.execute("DELETE FROM answers")
            self._connection.execute("DELETE FROM model")
            self._connection.execute("INSERT INTO model VALUES (?)", (model.to_json(),))
            self._connection.commit()
        if answered := len(self):
            print(f"taking up an unfinished run: {answered} pictures are answered already", file=sys.stderr)

    def record(self, records: Iterable[Record]) -> None:
        """Keeps what was found, in its order; raises `RunStopped` where the disk does not take it."""
        kept = list(records)
        with self._told(RunStopped):
            self._connection.executemany(
                "INSERT INTO found (path, sha256, error) VALUES (?, ?, ?)",
                [(record.path, record.sha256, record.error) for record in kept],
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO answers VALUES (?, ?)",
                [(record.sha256, record.answer) for record in kept if record.answer is not None],
            )
            if time.monotonic() - self._committed > COMMIT_SECONDS:
                self._connection.commit()
                self._committed = time.monotonic()

    def commit(self) -> None:
        """Makes all that was recorded last; raises `RunStopped` where the disk does not take it."""
        with self._told(RunStopped):
            self._connection.commit()

    def records(self) -> Iterator[Record]:
        """All that this run has found, in its order, each with the answer to its content."""
        cursor = self._connection.cursor()
        with self._told(RunStopped):
            cursor.execute(ROWS)
        while rows := self._fetch(cursor):
            yield from starmap(Record, rows)

    def hashes(self) -> bytes:
        """The SHA-256 of every content that is answered, 32 bytes each, in order."""
        with self._told(RunStopped):
            return b"".join(row[0] for row in self._connection.execute(HASHES))

    def discard(self) -> None:
        """It is needed no longer, and `close` removes it."""
        self._needed = False

    def close(self) -> None:
        """Keeps what was recorded, as far as the disk takes it; one that holds no answer is removed."""
        with suppress(sqlite3.Error):
            self._connection.commit()
        with suppress(BulkError):
            self._needed = self._needed and len(self) > 0
        self._connection.close()
        if not self._needed:
            self.path.unlink(missing_ok=True)

    def _fetch(self, cursor: sqlite3.Cursor) -> list[tuple[str, bytes | None, str | None, str | None]]:
        with self._told(RunStopped):  # never while a generator waits, which may be for ever
            return cursor.fetchmany(ROWS_AT_ONCE)

    def _value(self, query: str, *values: object) -> int:
        with self._told(RunStopped):
            value: int = self._connection.execute(query, values).fetchone()[0]
            return value

    @contextmanager
    def _told(self, kind: type[BulkError]) -> Iterator[None]:
        """One thread at a time; what SQLite raises becomes a `kind` in words."""
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            meaning = MEANINGS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error))
            raise kind(f"{self.path}: {meaning}") from error
