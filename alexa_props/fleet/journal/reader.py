"""Reading the file of a journal without holding it, also while a run uses it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final

from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.fleet.journal.changes import Row
from alexa_props.fleet.journal.content import JournalContent, record_of
from alexa_props.fleet.journal.format import check
from alexa_props.fleet.journal.log import check_log, require_journal

__all__ = ["read_file"]

_ATTEMPTS: Final = 20
_PAUSE: Final = 0.05
"""Seconds between attempts. A run changes the main file rarely, and for a moment."""


def read_file(path: str) -> JournalContent:
    """Return the content of a journal in a file, without changing it.

    Do not call it in a process that runs a fleet with this journal: it would release the locks of SQLite.

    Raises:
        ConfigurationError: There is no such file, it cannot be read, or it is not a journal.
        JournalError: It is damaged, or its write-ahead log is missing.

    """
    file = Path(path).absolute()
    try:
        if not file.is_file():
            raise ConfigurationError(f"there is no journal {path!r}")
        with tempfile.TemporaryDirectory() as folder:
            copy = _copied(file, Path(folder), path)
            if copy.stat().st_size == 0:
                raise ConfigurationError(f"{path!r} is empty: no run has begun")
            require_journal(copy, path)
            check_log(copy, Path(f"{copy}-wal"), path)
            with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as db:
                return _content(db, path)
    except OSError as error:
        raise ConfigurationError(f"the journal {path!r} cannot be read: {error.strerror or error}") from None
    except sqlite3.DatabaseError as error:
        raise JournalError(f"{path!r} is damaged, or is not a journal of alexa_props: {error}") from None


def _copied(file: Path, folder: Path, path: str) -> Path:
    """Copy a journal and its log as they were at one moment."""
    copy = folder / file.name
    log = Path(f"{file}-wal")
    for _ in range(_ATTEMPTS):
        before = file.stat()
        shutil.copyfile(file, copy)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(log, f"{copy}-wal")
        after = file.stat()
        # Records that are appended to the log meanwhile do no harm; a checkpoint, which changes the main file, does.
        if (before.st_mtime_ns, before.st_size, before.st_ino) == (after.st_mtime_ns, after.st_size, after.st_ino):
            return copy
        Path(f"{copy}-wal").unlink(missing_ok=True)
        time.sleep(_PAUSE)
    raise ConfigurationError(f"the journal {path!r} changes too often to be read: try again")


def _content(db: sqlite3.Connection, path: str) -> JournalContent:
    job = db.execute("SELECT name, runs, open FROM job").fetchone()
    if job is None:
        raise sqlite3.DatabaseError("it names no job")
    name, runs, is_open = job
    check(db, path, name)
    rows = db.execute("SELECT key, run, status, unsafe_sent, handled, story FROM items ORDER BY key")
    return JournalContent(name, runs, bool(is_open), tuple(record_of(Row(*row)) for row in rows))
