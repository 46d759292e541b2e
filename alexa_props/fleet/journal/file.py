"""The file of a journal: held by one run at a time, marked while it is held, and checked before it is trusted.

A run marks the main file before its first item, and removes the mark when everything is in the main file. A marked
journal needs the write-ahead log of the run that marked it; without the mark it is complete.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import attrs

from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.fleet.journal.changes import Row, Rows, apply
from alexa_props.fleet.journal.format import APPLICATION, FORMAT, TABLES, check, job_sum, record_sum
from alexa_props.fleet.journal.lock import Lock
from alexa_props.fleet.journal.log import check_log, read_salt, require_journal
from alexa_props.fleet.journal.store import HeldError, LostError, WriteError

__all__ = ["JournalFile"]


def _release(process: int, undo: Callable[[], object]) -> None:
    # A forked process has the same objects, but the journal is its parent's.
    if os.getpid() == process:
        undo()


def _begin_run(db: sqlite3.Connection, log: Path, path: str, job: str) -> int:
    """Check the database, create what is missing, mark it as held, and return the number of the run."""
    if not check(db, path, job):
        # Before the journal mode: `require_journal` reads the main file without its log.
        db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute("PRAGMA journal_mode = WAL")
    # A run may end by a power failure.
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN EXCLUSIVE")
    run = 1
    if check(db, path, job):
        run += int(db.execute("SELECT runs FROM job").fetchone()[0])
        db.execute("UPDATE job SET runs = ?, open = 1, sum = ?", (run, job_sum(job, run)))
    else:
        db.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in TABLES.values():
            db.execute(statement)
        db.execute("INSERT INTO job VALUES (?, ?, 1, NULL, ?)", (job, run, job_sum(job, run)))
    db.execute("COMMIT")
    # The log exists now, and has a salt.
    db.execute("UPDATE job SET salt = ?", (read_salt(log),))
    _checkpoint(db)
    return run


def _remove_mark(db: sqlite3.Connection) -> None:
    # Also of a file that was refused, but not of one with another format.
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found == [APPLICATION, FORMAT]:
        db.execute("UPDATE job SET open = 0")


def _checkpoint(db: sqlite3.Connection) -> None:
    """Copy all of the write-ahead log into the main file. The log stays: a killed run must leave one behind."""
    busy, frames, copied = db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    if busy or frames != copied:
        raise sqlite3.OperationalError("the write-ahead log could not be copied into the main file")


@attrs.frozen
class _Place:
    """A name of a file, and the file that had this name: device and inode."""

    name: Path
    identity: tuple[int, int]

    @classmethod
    def of(cls, name: Path) -> Self:
        found = name.stat()
        return cls(name, (found.st_dev, found.st_ino))

    def holds(self) -> bool:
        """Return whether the name still belongs to that file."""
        try:
            return _Place.of(self.name) == self
        except OSError:
            return False


@attrs.define(eq=False)
class _Database:
    """The database of a journal. Closing it removes the mark if everything is in the main file.

    SQLite removes the log when it closes a database, even if opening failed or the connection is garbage-collected.
    With a mark and no log, the next run would refuse a complete journal.
    """

    db: sqlite3.Connection
    main: _Place
    log: Path
    log_place: _Place | None = None  # None before the run has begun
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def close(self) -> None:
        """Copy everything into the main file, remove the mark, and close the database. May be called again."""
        with self.lock, contextlib.suppress(sqlite3.Error, OSError):
            # If this fails, the mark stays. The next run resumes from the log, or reports that it is missing.
            try:
                complete = self._unmark()
            finally:
                self.db.close()
            if complete:
                if self.log_place is not None and self.log_place.holds():
                    # SQLite leaves it beside a file that was renamed.
                    self.log.unlink()
            elif self.main.holds() and not self.log.exists():
                # SQLite removes the log only if everything is in the main file.
                with contextlib.closing(sqlite3.connect(self.main.name, isolation_level=None)) as db:
                    # Needs no third file: the disk may be full.
                    db.execute("PRAGMA locking_mode = EXCLUSIVE")
                    _remove_mark(db)

    def _unmark(self) -> bool:
        """Remove the mark once everything else is in the main file. Return whether that was possible."""
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            # In this order, so that a file without the mark is complete even if the process is killed.
            _checkpoint(self.db)
            _remove_mark(self.db)
            _checkpoint(self.db)
        except sqlite3.Error:
            return False
        return True


@attrs.define(eq=False)
class JournalFile:
    """A journal that is open and held. `JournalFile.open` returns it."""

    name: str
    """The path as the user gave it, for messages."""
    run: int
    """The number of this run, from 1."""
    _database: _Database
    _undo: Callable[[], object]
    lock: threading.Lock = attrs.field(init=False)
    """Held by the thread that uses the database. The thread may outlive an event loop that shuts down."""
    close: Callable[[], object] = attrs.field(init=False)
    """Copy everything into the main file, remove the mark, and release the file. May be called again."""

    def __attrs_post_init__(self) -> None:
        self.lock = self._database.lock
        # An event loop that is abandoned or shuts down does not close it.
        self.close = weakref.finalize(self, _release, os.getpid(), self._undo)

    @classmethod
    def open(cls, path: str, job: str) -> Self:
        """Open a journal, or create one, for a new run of the job.

        Raises:
            ConfigurationError: It is not a journal, or belongs to another job.
            HeldError: Another run holds it.
            JournalError: It is damaged, or its write-ahead log is missing.

        """
        ours = False
        try:
            with contextlib.ExitStack() as undo:
                # Absolute: SQLite treats some names specially, such as ":memory:".
                name, file = Path(path).absolute(), Path(os.path.realpath(path))
                if file.is_dir():
                    raise IsADirectoryError("it is a directory")
                exists = file.is_file() and file.stat().st_size > 0
                if exists:
                    require_journal(file, path)
                    ours = True
                lock = Lock.take(Path(f"{file}-lock"))
                undo.callback(lock.release)
                log = Path(f"{file}-wal")
                if exists:
                    check_log(file, log, path)
                # Used by one thread at a time, not always the same. Waiting does not help: another run holds it for
                # long.
                db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=0)
                undo.callback(db.close)
                # Held until it is closed or the process ends, however it ends.
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
                db.execute("SELECT 1 FROM sqlite_master").fetchone()  # this creates the file
                database = _Database(db, _Place.of(name), log)
                undo.callback(database.close)
                run = _begin_run(db, log, path, job)
                database.log_place = _Place.of(log)
                return cls(path, run, database, undo.pop_all().close)
        except (sqlite3.Error, OSError, ValueError) as error:
            if isinstance(error, ConfigurationError):
                raise
            if "locked" in str(error):
                raise HeldError from None
            if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.OperationalError):
                raise ConfigurationError(
                    f"the journal {path!r} cannot be opened: {error}: use a file on a local disk, in a directory that "
                    "is writable, because there are files beside it"
                ) from None
            if not ours:
                raise ConfigurationError(f"{path!r} is not a journal of alexa_props: {error}") from None
            raise JournalError(
                f"the journal {path!r} is damaged: {error}: restore it from a backup, or check what was done and use "
                "another file"
            ) from None

    def transact(self, keys: Sequence[str], change: Callable[[Rows], None]) -> None:
        """Change records: see `Store`."""
        log = self._database.log_place
        if log is None or not (self._database.main.holds() and log.holds()):
            raise LostError(
                f"the journal {self.name!r} was deleted, renamed or replaced while a run held it, and the run ends: "
                "put it back before the next run"
            )
        db = self._database.db
        try:
            db.execute("BEGIN")
            _save(db, apply(change, _load(db, keys)))
            db.execute("COMMIT")
        except BaseException as error:  # whatever `change` raises too: nothing of it may stay
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error | ValueError):  # the disk, or a key that is not text
                raise WriteError(str(error)) from None
            raise


def _load(db: sqlite3.Connection, keys: Sequence[str]) -> Rows:
    query = "SELECT key, run, status, unsafe_sent, handled, story FROM items WHERE key = ?"
    found = (db.execute(query, (key,)).fetchone() for key in keys)
    return {row[0]: Row(row[0], row[1], row[2], bool(row[3]), bool(row[4]), row[5]) for row in found if row is not None}


def _save(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    values = [(row.key, row.run, row.status, int(row.unsafe_sent), int(row.handled), row.story) for row in rows]
    db.executemany("REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?)", [(*each, record_sum(each)) for each in values])
