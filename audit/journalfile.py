"""The file under the journal: a database that is opened, recognised and complained about here."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import EvidenceError, PausedError, UsageError

Row = tuple[Any, ...]

_FORMAT = 1
_APPLICATION = 0x45764831
_ROWS = 16
_SCHEMA = """
CREATE TABLE wave (n INTEGER PRIMARY KEY, question TEXT NOT NULL, sha256 TEXT NOT NULL,
                   columns BLOB NOT NULL) STRICT;
CREATE TABLE call (id INTEGER PRIMARY KEY, wave INTEGER NOT NULL, first INTEGER NOT NULL,
                   count INTEGER NOT NULL, attempt INTEGER NOT NULL,
                   request_sha256 BLOB NOT NULL) STRICT;
CREATE TABLE answer (call INTEGER PRIMARY KEY, at REAL NOT NULL, seconds REAL NOT NULL,
                     status INTEGER NOT NULL, error TEXT, headers TEXT NOT NULL,
                     body BLOB NOT NULL) STRICT;
CREATE INDEX call_of_wave ON call (wave);
"""

RELEASES = """
CREATE TABLE IF NOT EXISTS release (wave INTEGER NOT NULL, place INTEGER NOT NULL,
    life INTEGER NOT NULL, request_sha256 BLOB NOT NULL, attempts INTEGER NOT NULL,
    done INTEGER NOT NULL, PRIMARY KEY (wave, place, life)) STRICT;
"""
"""Made when something is first released: most journals have none."""


def insert(connection: sqlite3.Connection, head: str, rows: Sequence[Row]) -> None:
    """Put rows into a table: few statements, and always the same ones."""
    # some rows a statement: each step lets go of the interpreter and must win it back; always as
    # many, so that the statement is compiled once
    if not rows:
        return
    places = "(" + ",".join("?" * len(rows[0])) + ")"
    full = len(rows) - len(rows) % _ROWS
    many = head + ",".join([places] * _ROWS)
    for start in range(0, full, _ROWS):
        connection.execute(many, list(chain.from_iterable(rows[start : start + _ROWS])))
    connection.executemany(head + places, rows[full:])


def there(path: str | Path) -> Path:
    """Return a path that exists."""
    path = Path(path)
    if not path.exists():
        raise UsageError("journal.missing", path=str(path))
    return path


def locked(path: Path) -> sqlite3.Connection:
    """Take the one place of whoever writes; the system gives it back when the process ends."""
    try:
        lock = sqlite3.connect(
            path.with_name(path.name + ".lock"),
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as problem:
        raise told(problem, path) from problem
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as problem:
        lock.close()
        if _code(problem) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise UsageError("journal.busy", path=str(path)) from None
        raise told(problem, path) from problem
    return lock


def writing(path: Path, max_pages: int | None, patience: float) -> sqlite3.Connection:
    """Return the connection that writes; a new file gets its tables."""
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
    try:
        recognised(connection, path, new=True)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {int(max_pages)}")
        if not connection.execute("PRAGMA application_id").fetchone()[0]:
            connection.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION};"
                f" PRAGMA user_version = {_FORMAT}; COMMIT;"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def looking(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads."""
    where = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        return sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as problem:
        raise told(problem, path) from problem


def recognised(connection: sqlite3.Connection, path: Path, *, new: bool = False) -> None:
    """Refuse a file that is not a journal of this format; a new one may be empty."""
    try:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as problem:
        raise told(problem, path) from problem
    if new and not tables and not application:
        return
    if (application, version) != (_APPLICATION, _FORMAT):
        raise EvidenceError("journal.not_a_journal", path=str(path))


def _code(problem: sqlite3.Error) -> int:
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF


def told(problem: BaseException, path: Path) -> BaseException:
    """Return what a database error means for whoever runs an audit."""
    if not isinstance(problem, sqlite3.Error):
        return problem
    code = _code(problem)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return EvidenceError("journal.not_a_journal", path=str(path))
    if code == sqlite3.SQLITE_FULL:
        return PausedError("journal.full", path=str(path))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return PausedError("journal.locked", path=str(path))
    return PausedError("journal.unwritable", path=str(path), problem=str(problem))
