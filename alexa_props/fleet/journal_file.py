"""The file of a journal: held by one run at a time, marked while it is held, and checked before it is trusted.

The main file carries a mark from before the first item until everything is in it again. A journal with the mark needs
the write-ahead log of the run that left it there; without the mark it is complete.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import threading
import weakref
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

import attrs

from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.file_lock import AVAILABLE, try_lock, unlock

__all__ = ["JournalFile", "record_sum"]

_OURS: Final = 0x414C5850
"""SQLite's `application_id` of a journal: "ALXP"."""
_FORMAT: Final = 3

_TABLES: Final = {
    "job": """CREATE TABLE job (
        name TEXT NOT NULL,
        runs INTEGER NOT NULL,
        open INTEGER NOT NULL,     -- 1: a run began, and has not put everything into the main file yet
        salt INTEGER,              -- tells that run's write-ahead log from any other
        sum INTEGER NOT NULL       -- of name and runs
    )""",
    "items": """CREATE TABLE items (
        key TEXT PRIMARY KEY,
        run INTEGER NOT NULL,      -- that saw it last
        status TEXT NOT NULL,      -- started, done, failed, unknown
        unsafe_sent INTEGER NOT NULL,    -- 1: a request was about to leave that must not be sent twice
        handled INTEGER NOT NULL,  -- 0: it failed, and the service has not handled any of what failed
        story TEXT,                -- what went wrong, as JSON
        sum INTEGER NOT NULL       -- of all of these
    ) WITHOUT ROWID""",
}
_FOREIGN: Final = "{!r} is no journal of alexa_props, but another SQLite database"
_HELD: Final = "the journal {!r} is held by another run: wait until that has ended, or take another file"

_HEADER_SIZE: Final = 100
_WAL_HEADER: Final = struct.Struct(">8I")
"""https://www.sqlite.org/fileformat2.html#the_write_ahead_log: magic number, version, page size, checkpoint sequence,
two salts, two checksums."""
_FRAME_HEADER: Final = 24
_MAGIC: Final = {0x377F0682: "<6I", 0x377F0683: ">6I"}
"""And the byte order of the words that are added up."""
_MOST_RESTARTS: Final = 2**20
"""The first salt grows by one whenever the log starts from its beginning again; of another log it is random."""


def record_sum(values: Sequence[object]) -> int:
    """The checksum of a record, from its other values. To SQLite, a key with a changed bit is another key."""
    key, run, status, unsafe_sent, handled, story = values
    return zlib.crc32(f"{key}\0{run}\0{status}\0{unsafe_sent}\0{handled}\0{story}".encode())


def _job_sum(name: object, runs: object) -> int:
    return zlib.crc32(f"{name}\0{runs}".encode())


@attrs.frozen
class _Place:
    """A name of a file, and the file that had it: device and inode."""

    name: Path
    identity: tuple[int, int]

    @classmethod
    def of(cls, name: Path) -> Self:
        found = name.stat()
        return cls(name, (found.st_dev, found.st_ino))

    def holds(self) -> bool:
        """Whether the name still means that file."""
        try:
            return _Place.of(self.name) == self
        except OSError:
            return False


@attrs.define(eq=False)
class _Database:
    """The database of a journal. Closing it removes the mark if everything is in the main file.

    SQLite removes the log when it closes a database, even after a failed opening or when the connection is collected.
    A mark without its log makes the next run refuse a complete journal.
    """

    db: sqlite3.Connection
    main: _Place
    log: Path
    log_place: _Place | None = None  # None until the run has begun
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def close(self) -> None:
        """Copy everything into the main file, remove the mark, and close the database. May be called again."""
        with self.lock, contextlib.suppress(sqlite3.Error, OSError):
            # Where this fails the mark stays. If the log does too, the next run resumes from it; if not, it says so.
            try:
                complete = self._unmark()
            finally:
                self.db.close()
            if complete:
                if self.log_place is not None and self.log_place.holds():
                    # SQLite leaves it beside a file that was renamed.
                    self.log.unlink()
            elif self.main.holds() and not self.log.exists():
                # SQLite has removed the log, which it does when everything is in the main file.
                with contextlib.closing(sqlite3.connect(self.main.name, isolation_level=None)) as db:
                    # Without a third file: the disk may be full.
                    db.execute("PRAGMA locking_mode = EXCLUSIVE")
                    _remove_mark(db)

    def _unmark(self) -> bool:
        """Remove the mark once everything else is in the main file; whether that was possible."""
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            # In this order: killed at any moment, a file without the mark is complete.
            _checkpoint(self.db)
            _remove_mark(self.db)
            _checkpoint(self.db)
        except sqlite3.Error:
            return False
        return True


@attrs.define(eq=False)
class JournalFile:
    """A journal that is open and held: `JournalFile.open` gives it.

    Attributes:
        lock: for the thread that uses it, which may outlive an event loop that is torn down.
        path: as it was given, for messages.
        db: the database.
        run: the number of this run.

    """

    path: str
    run: int
    _database: _Database
    _undo: Callable[[], object]
    db: sqlite3.Connection = attrs.field(init=False)
    lock: threading.Lock = attrs.field(init=False)
    close: Callable[[], object] = attrs.field(init=False)
    """Copy everything into the main file, remove the mark, and release the file. May be called again."""

    def __attrs_post_init__(self) -> None:
        self.db, self.lock = self._database.db, self._database.lock
        # A loop that is torn down or abandoned does not close it.
        self.close = weakref.finalize(self, _release, os.getpid(), self._undo)

    @classmethod
    def open(cls, path: str, job: str) -> Self:
        """Open a journal, or create one, for a new run of the job.

        Raises:
            ConfigurationError: it is no journal, it is another job's, or another run holds it.
            JournalError: it is damaged, or its write-ahead log is not there.

        """
        ours = False
        try:
            with contextlib.ExitStack() as undo:
                # Absolute: some names mean something else to SQLite, such as a database in memory.
                name, file = Path(path).absolute(), Path(os.path.realpath(path))
                if file.is_dir():
                    raise IsADirectoryError("it is a folder")
                exists = file.is_file() and file.stat().st_size > 0
                if exists:
                    _require_ours(file, path)
                    ours = True
                lock = _Lock.take(Path(f"{file}-lock"), path)
                undo.callback(lock.release)
                log = Path(f"{file}-wal")
                if exists:
                    _check_log(file, log, path)
                # One thread at a time uses it, and not always the same. Another run holds it for long: waiting would
                # not help.
                db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=0)
                undo.callback(db.close)
                # Held until it is closed or the process is gone, however it goes.
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
                db.execute("SELECT 1 FROM sqlite_master").fetchone()  # the file exists now
                database = _Database(db, _Place.of(name), log)
                undo.callback(database.close)
                run = _begin_run(db, log, path, job)
                database.log_place = _Place.of(log)
                return cls(path, run, database, undo.pop_all().close)
        except (sqlite3.Error, OSError, ValueError) as error:
            if isinstance(error, ConfigurationError):
                raise
            if "locked" in str(error):
                raise ConfigurationError(_HELD.format(path)) from None
            if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.OperationalError):
                raise ConfigurationError(
                    f"the journal {path!r} cannot be opened: {error}; it takes a folder that may be written, "
                    "for files beside it, and a disk of this machine"
                ) from None
            if not ours:
                raise ConfigurationError(f"{path!r} is no journal of alexa_props: {error}") from None
            raise JournalError(
                f"the journal {path!r} is damaged: {error}: restore it from a backup, or check what was done and take "
                "another file"
            ) from None

    def in_place(self) -> bool:
        """Whether the file and its log are still found under their names."""
        log = self._database.log_place
        return self._database.main.holds() and log is not None and log.holds()


def _release(process: int, undo: Callable[[], object]) -> None:
    # A fork has the same objects, and the journal is its parent's.
    if os.getpid() == process:
        undo()


def _begin_run(db: sqlite3.Connection, log: Path, path: str, job: str) -> int:
    """Check the database, create what is missing, and mark it as held; the number of the run."""
    if not _check(db, path, job):
        # In the file itself, and not only in what is beside it until it is closed: see `_require_ours`.
        db.execute(f"PRAGMA application_id = {_OURS}")
    db.execute("PRAGMA journal_mode = WAL")
    # "On the disk" is meant: a power cut is one of the ways in which a run ends.
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN EXCLUSIVE")
    run = 1
    if _check(db, path, job):
        run += int(db.execute("SELECT runs FROM job").fetchone()[0])
        db.execute("UPDATE job SET runs = ?, open = 1, sum = ?", (run, _job_sum(job, run)))
    else:
        db.execute(f"PRAGMA user_version = {_FORMAT}")
        for statement in _TABLES.values():
            db.execute(statement)
        db.execute("INSERT INTO job VALUES (?, ?, 1, NULL, ?)", (job, run, _job_sum(job, run)))
    db.execute("COMMIT")
    # The log exists now, so that its salt can be read.
    db.execute("UPDATE job SET salt = ?", (_read_salt(log),))
    _checkpoint(db)
    return run


def _remove_mark(db: sqlite3.Connection) -> None:
    # Of a file that was refused too, but not of one of another format.
    if [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")] == [_OURS, _FORMAT]:
        db.execute("UPDATE job SET open = 0")


def _checkpoint(db: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the main file, all of it. The log stays: a killed run must leave one behind."""
    busy, frames, copied = db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    if busy or frames != copied:
        raise sqlite3.OperationalError("the write-ahead log could not be copied into the main file")


# Before it is opened.


def _require_ours(file: Path, path: str) -> None:
    """See whose file it is without touching it: what a program that died has left beside it is not ours to repair."""
    try:
        with _alone(file) as db:
            application = db.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError:
        # A run may have been cut off while the log was being copied into the first pages of the file.
        with file.open("rb") as stream:
            header = stream.read(_HEADER_SIZE)
        application = int.from_bytes(header[68:72])
        if application != _OURS:
            raise
    if application != _OURS:
        raise ConfigurationError(_FOREIGN.format(path))


def _alone(file: Path) -> contextlib.closing[sqlite3.Connection]:
    """The main file without its log."""
    # Through SQLite: if this process holds it, closing a file of our own would release its locks.
    return contextlib.closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True))


def _check_log(file: Path, log: Path, path: str) -> None:
    """Check that the write-ahead log is the one that the main file needs, and remove one that it does not need."""
    salt: int | None = None
    try:
        with _alone(file) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _FORMAT):
                return
            created = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'job'").fetchone()
            marked, salt = db.execute("SELECT open, salt FROM job").fetchone() or (0, None) if created else (0, None)
    except (sqlite3.DatabaseError, TypeError, ValueError):
        # Cut off while the log was being copied; or damaged, which is found when it is open.
        marked = True
    if not marked:
        if not Path(f"{file}-shm").exists():
            # No other program has left it, and the file is complete: it was put there.
            log.unlink(missing_ok=True)
        return
    try:
        found = _read_salt(log)
    except FileNotFoundError:
        problem = "is missing"
    except ValueError as error:
        problem = str(error)
    else:
        if not isinstance(salt, int) or (found - salt) % 2**32 <= _MOST_RESTARTS:
            return
        problem = "belongs to another run"
    raise JournalError(
        f"the journal {path!r} cannot be resumed: a run was cut off, and {log.name!r}, which holds its latest records, "
        f"{problem}: put that file back beside the journal, or check what was done and take another file"
    )


def _read_salt(log: Path) -> int:
    """The first salt of a write-ahead log; ValueError if SQLite would take the log for an empty one."""
    with log.open("rb") as stream:
        header = stream.read(_WAL_HEADER.size)
        if os.fstat(stream.fileno()).st_size <= _WAL_HEADER.size + _FRAME_HEADER:
            raise ValueError("is empty")
    magic, _, _, _, salt, _, *sums = _WAL_HEADER.unpack(header)
    first = second = 0
    words = iter(struct.unpack_from(_MAGIC.get(magic, ">6I"), header))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) % 2**32
        second = (second + other + first) % 2**32
    if magic not in _MAGIC or sums != [first, second]:
        raise ValueError("is damaged")
    return int(salt)


# When it is open.


def _check(db: sqlite3.Connection, path: str, job: str) -> bool:
    """Check that it is this job's journal and in good condition; False if it is empty as yet."""
    application, form = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application in (0, _OURS) and db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        return False
    if application != _OURS:
        raise ConfigurationError(_FOREIGN.format(path))
    if form != _FORMAT:
        raise ConfigurationError(
            f"the journal {path!r} has format {form}, and this release writes format {_FORMAT}: "
            "resume with the release that began it, or use another file"
        )
    if not db.in_transaction:
        # Once: it reads the whole file.
        _check_condition(db)
    rows = db.execute("SELECT name, runs, sum FROM job").fetchall()
    if len(rows) != 1 or _job_sum(*rows[0][:2]) != rows[0][2]:
        raise sqlite3.DatabaseError("its table of jobs was changed")
    name = rows[0][0]
    if name != job:
        raise ConfigurationError(
            f"the journal {path!r} is of the job {name!r}, and this is {job!r}: "
            "take another file, or name the job (job=)"
        )
    return True


def _check_condition(db: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` unless every record is unchanged."""
    tables = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
    if tables != _TABLES:
        raise sqlite3.DatabaseError("its tables were changed")
    (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise sqlite3.DatabaseError(" ".join(said.split()))
    try:
        for *values, recorded in db.execute("SELECT * FROM items"):
            if record_sum(values) != recorded:
                raise sqlite3.DatabaseError(f"the record of {values[0]!r:.80} was changed")
    except sqlite3.OperationalError as error:  # a text that is no UTF-8
        raise sqlite3.DatabaseError(str(error)) from None


# The lock.


@attrs.define(eq=False)
class _Lock:
    """A lock that closing another descriptor does not release.

    SQLite's own are POSIX locks: they are gone when the process opens and closes the file once more, however briefly.
    It is on a file beside the journal, because to some systems a lock of one kind excludes one of the other kind.
    """

    path: Path
    _descriptor: int | None

    @classmethod
    def take(cls, path: Path, journal: str) -> Self:
        """Take the lock without waiting."""
        if not AVAILABLE:
            # SQLite's own locks do: there, closing another handle does not release them.
            return cls(path, None)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            # Another file, or none: it was released just now, which removes it.
            held = try_lock(descriptor) and os.path.samestat(path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            held = False
        except OSError as error:
            os.close(descriptor)
            raise OSError(f"{path.name} cannot be locked: {error.strerror}") from None
        if not held:
            os.close(descriptor)
            raise ConfigurationError(_HELD.format(journal))
        return cls(path, descriptor)

    def release(self) -> None:
        """Release the lock. May be called again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            unlock(descriptor)
            os.close(descriptor)
