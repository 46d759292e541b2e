"""Reading a journal without holding it, also while a run uses it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final, Literal

import attrs

from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.fleet.journal.format import check
from alexa_props.fleet.journal.log import check_log, require_journal
from alexa_props.fleet.journal.records import read_record
from alexa_props.fleet.outcome import Failure

__all__ = ["JournalContent", "Record", "read_journal"]

_ATTEMPTS: Final = 20
_PAUSE: Final = 0.05
"""Seconds between attempts. A run changes the main file rarely, and for a moment."""


@attrs.frozen
class Record:
    """The record of one item."""

    key: str
    status: Literal["started", "done", "failed", "unknown"]
    """"started": it is in flight, or a run was interrupted. The next run repeats it, unless it must not be repeated;
    then it is "unknown"."""
    run: int
    """The number of its latest run, from 1."""
    failures: tuple[Failure, ...] = ()
    """What went wrong."""


@attrs.frozen
class JournalContent:
    """A journal as it was at one moment."""

    job: str
    """The name of the work that it records."""
    runs: int
    """The number of runs."""
    is_open: bool
    """Whether a run uses it, or was killed while it did."""
    records: tuple[Record, ...]
    """The items, by key."""


def read_journal(path: str) -> JournalContent:
    """Return the content of a journal, without changing it.

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
    rows = db.execute("SELECT key, run, status, unsafe_sent, story FROM items ORDER BY key")
    return JournalContent(name, runs, bool(is_open), tuple(_record(*row) for row in rows))


def _record(key: str, run: int, status: str, unsafe_sent: int, story: str | None) -> Record:
    if status == "done":
        return Record(key, "done", run)
    if status == "started" and not unsafe_sent:
        return Record(key, "started", run)
    ended = read_record(key, status, story)
    return Record(key, ended.status, run, ended.failures)
