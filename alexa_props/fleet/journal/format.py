"""The format of a journal: its tables, their checksums, and whether a database has them unchanged."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from typing import Final

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.journal.store import another_format, another_job

__all__ = ["APPLICATION", "FOREIGN", "FORMAT", "TABLES", "check", "job_sum", "record_sum"]

APPLICATION: Final = 0x414C5850
"""SQLite's `application_id` of a journal: "ALXP"."""
FORMAT: Final = 3
"""SQLite's `user_version` of a journal."""
TABLES: Final = {
    "job": """CREATE TABLE job (
        name TEXT NOT NULL,
        runs INTEGER NOT NULL,
        open INTEGER NOT NULL,        -- 1: the main file is incomplete without the write-ahead log of a run
        salt INTEGER,                 -- identifies that log
        sum INTEGER NOT NULL          -- checksum of name and runs
    )""",
    "items": """CREATE TABLE items (
        key TEXT PRIMARY KEY,
        run INTEGER NOT NULL,         -- number of the latest run that had the item
        status TEXT NOT NULL,         -- started, done, failed, unknown
        unsafe_sent INTEGER NOT NULL, -- 1: a request that must not be sent twice was about to be sent
        handled INTEGER NOT NULL,     -- 0: the item failed, and the service handled none of what failed
        story TEXT,                   -- what went wrong, as JSON
        sum INTEGER NOT NULL          -- checksum of all other columns
    ) WITHOUT ROWID""",
}
FOREIGN: Final = "{!r} is not a journal of alexa_props, but another SQLite database: use another file"


def record_sum(values: Sequence[object]) -> int:
    """Return the checksum of an item's record, from its other values. SQLite does not notice a changed bit in a key."""
    key, run, status, unsafe_sent, handled, story = values
    return zlib.crc32(f"{key}\0{run}\0{status}\0{unsafe_sent}\0{handled}\0{story}".encode())


def job_sum(name: object, runs: object) -> int:
    """Return the checksum of the job's record."""
    return zlib.crc32(f"{name}\0{runs}".encode())


def check(db: sqlite3.Connection, path: str, job: str) -> bool:
    """Check that an open database is the journal of a job, and unchanged; False if it is empty.

    Raises:
        ConfigurationError: It is not a journal, or is the journal of another job or release.
        sqlite3.DatabaseError: It is damaged or was changed.

    """
    application, form = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application in (0, APPLICATION) and db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        return False
    if application != APPLICATION:
        raise ConfigurationError(FOREIGN.format(path))
    if form != FORMAT:
        raise another_format(path, form, FORMAT, "use another file")
    if not db.in_transaction:
        # Once only, because it reads the whole file.
        _check_records(db)
    rows = db.execute("SELECT name, runs, sum FROM job").fetchall()
    if len(rows) != 1 or job_sum(*rows[0][:2]) != rows[0][2]:
        raise sqlite3.DatabaseError("its table of jobs was changed")
    name = rows[0][0]
    if name != job:
        raise another_job(path, name, job, "use another file")
    return True


def _check_records(db: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` unless every record is unchanged."""
    tables = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
    if tables != TABLES:
        raise sqlite3.DatabaseError("its tables were changed")
    (result,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if result != "ok":
        raise sqlite3.DatabaseError(" ".join(result.split()))
    try:
        for *values, recorded in db.execute("SELECT * FROM items"):
            if record_sum(values) != recorded:
                raise sqlite3.DatabaseError(f"the record of {values[0]!r:.80} was changed")
    except sqlite3.OperationalError as error:  # a text is not UTF-8
        raise sqlite3.DatabaseError(str(error)) from None
