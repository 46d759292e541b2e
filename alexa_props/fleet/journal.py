"""The journal of a run: one SQLite file. Every item is *started* in it before it is sent, and ended before it is told.

Everything that waits to be written when the disk is free goes into one transaction, in a thread, and whoever asked for
it goes on when it is on the disk. A process that is killed leaves a file that needs no repair: what has no end was cut
off.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

import anyio
import anyio.to_thread
import attrs

from alexa_props.concurrency import tasks_behind_a_block
from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.fleet.outcome import Failure, Status
from alexa_props.redaction import sanitize

__all__ = ["Earlier", "Journal"]

_OURS: Final = 0x414C5850
"""SQLite's `application_id` of a journal: "ALXP"."""
_FORMAT: Final = 1

_SCHEMA: Final = (
    f"PRAGMA user_version = {_FORMAT}",
    "CREATE TABLE job (name TEXT NOT NULL, runs INTEGER NOT NULL)",
    """CREATE TABLE items (
        key TEXT PRIMARY KEY,
        run INTEGER NOT NULL,      -- that saw it last
        status TEXT NOT NULL,      -- started, done, failed, unknown
        risky INTEGER NOT NULL,    -- 1: a request was about to leave that must not be sent twice
        handled INTEGER NOT NULL,  -- 0: it failed, and the service has not handled any of what failed
        story TEXT                 -- what went wrong, as JSON
    ) WITHOUT ROWID""",
)
_FOREIGN: Final = "{!r} is no journal of alexa_props, but another SQLite database"
_CUT_OFF: Final = (
    "an earlier run was cut off while a request was under way that must not be sent twice: look what became of it"
)


@attrs.frozen
class Earlier:
    """How an earlier run left an item that is not to be sent again."""

    status: Status
    attempts: int = 0
    elapsed: float = 0.0
    message: str = ""
    failures: tuple[Failure, ...] = ()


Begun: TypeAlias = "Earlier | Literal['go', 'twice']"
"""What `begin` says: send it; it is in this run already; or how an earlier run left it."""


@attrs.define(eq=False)
class _Entry:
    """Something to be written, and who waits for it."""

    write: Callable[[], Any]
    written: anyio.Event = attrs.field(factory=anyio.Event)
    result: Any = None
    error: Exception | None = None


class Journal:
    """An open journal, held by this run alone: `Journal.open` gives it."""

    def __init__(self, db: sqlite3.Connection, run: int, path: str, *, retry_failed: bool) -> None:
        self._db = db
        self._path = path
        self._run = run
        self._retry_failed = retry_failed
        self._waiting: list[_Entry] = []
        self._something = anyio.Event()
        # Its own: others may keep the event loop's threads busy.
        self._thread = anyio.CapacityLimiter(1)
        # A loop that is torn down lets go of a thread that is still at it.
        self._lock = threading.Lock()
        self._broken: JournalError | None = None

    @classmethod
    async def open(cls, path: str | os.PathLike[str], job: str, *, retry_failed: bool) -> Self:
        """Open a journal, or make one.

        Args:
            path: the file.
            job: what the run is for.
            retry_failed: whether to begin items anew to which the service said no.

        Raises:
            ConfigurationError: it is no journal, it is another job's, or another run holds it.

        """
        name = os.fspath(path)
        opened: list[tuple[sqlite3.Connection, int]] = []
        try:
            await _to_its_end(lambda: opened.append(_open(name, job)))
        except BaseException:  # cancellation too: what was opened is closed, and it is raised again
            for db, _ in opened:
                db.close()
            raise
        return cls(*opened[0], name, retry_failed=retry_failed)

    async def begin(self, key: str) -> Begun:
        """Record that an item is about to be sent, unless it is not to be sent; see `Begun`."""
        begun: Begun = await self._written(functools.partial(self._begin, key))
        return begun

    async def risk(self, key: str) -> None:
        """Record that a request is about to leave that must not be sent twice."""
        await self._written(functools.partial(self._risk, key))

    async def end(self, key: str, ended: Earlier, *, handled: bool) -> None:
        """Record how an item ended. Recorded it will be, though whoever waits for it here is cancelled."""
        story = None
        if ended.status != "done":
            story = json.dumps(attrs.asdict(ended, recurse=False), default=attrs.astuple)
        await self._written(functools.partial(self._end, key, ended.status, story, handled=handled))

    async def _written(self, write: Callable[[], Any]) -> Any:
        if self._broken is not None:
            raise self._broken
        entry = _Entry(write)
        self._waiting.append(entry)
        self._something.set()
        await entry.written.wait()
        if entry.error is not None:
            raise entry.error
        return entry.result

    async def write(self) -> None:
        """Write what there is to write, until cancelled."""
        while True:
            await self._something.wait()
            self._something = anyio.Event()
            await self._flush()

    async def _flush(self) -> None:
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        # Shielded: what was taken from the list must not be lost.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._commit, entries, limiter=self._thread)
        for entry in entries:
            entry.written.set()

    def _commit(self, entries: list[_Entry]) -> None:
        with self._lock:
            self._transact(entries)

    def _transact(self, entries: list[_Entry]) -> None:
        if self._broken is not None:
            # They came while it broke. Nothing may begin any more, though the disk has room again.
            for entry in entries:
                entry.error = self._broken
            return
        try:
            self._db.execute("BEGIN")
            for entry in entries:
                entry.result = entry.write()
            self._db.execute("COMMIT")
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:  # the disk; or a record that was changed
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._broken = JournalError(
                f"the journal {self._path!r} could not be written: {sanitize(str(error))}; "
                "it is good up to here, and the run ends"
            )
            for entry in entries:
                entry.error = self._broken

    async def aclose(self) -> None:
        """Write what is left, and let go of the file."""
        entries, self._waiting = self._waiting, []
        await _to_its_end(functools.partial(self._finish, entries))

    def _finish(self, entries: list[_Entry]) -> None:
        with self._lock:
            if entries:
                self._transact(entries)
            self._db.close()

    # In the thread, inside a transaction.

    def _begin(self, key: str) -> Begun:
        row = self._db.execute("SELECT run, status, risky, handled, story FROM items WHERE key = ?", (key,)).fetchone()
        if row is None:
            self._db.execute("INSERT INTO items VALUES (?, ?, 'started', 0, 1, NULL)", (key, self._run))
            return "go"
        run, status, risky, handled, story = row
        if run == self._run:
            return "twice"
        if status == "done":
            return Earlier("done")
        if (self._retry_failed or not handled) if status == "failed" else not risky:
            anew = "UPDATE items SET run = ?, status = 'started', risky = 0, handled = 1, story = NULL WHERE key = ?"
            self._db.execute(anew, (self._run, key))
            return "go"
        self._db.execute("UPDATE items SET run = ? WHERE key = ?", (self._run, key))
        if story is None:
            return Earlier("unknown", message=_CUT_OFF, failures=(Failure("unknown", "CutOff", _CUT_OFF),))
        told = json.loads(story)
        return Earlier(**{**told, "failures": tuple(Failure(*failure) for failure in told["failures"])})

    def _risk(self, key: str) -> None:
        self._db.execute("UPDATE items SET risky = 1 WHERE key = ?", (key,))

    def _end(self, key: str, status: Status, story: str | None, *, handled: bool) -> None:
        self._db.execute(
            "UPDATE items SET status = ?, handled = ?, story = ? WHERE key = ?", (status, handled, story, key)
        )


async def _to_its_end(function: Callable[[], object]) -> None:
    """Run it in a thread; whoever is cancelled meanwhile is so when it has ended."""

    async def run() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))

    # A task of its own inside this one, because asyncio's `Task.cancel` goes through a shield.
    async with tasks_behind_a_block(cancelled=False) as tasks:
        tasks.start_soon(run)


def _open(path: str, job: str) -> tuple[sqlite3.Connection, int]:
    """The database, and the number of this run."""
    db: sqlite3.Connection | None = None
    try:
        # Absolute: some names mean something else to SQLite, such as a database in memory, which remembers nothing.
        file = Path(path).absolute()
        if file.is_file() and file.stat().st_size:
            _look(file, path)
        # One thread at a time uses it, and not always the same. Whoever holds it holds it for long: no use in waiting.
        db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=0)
        # Held until it is closed or the process is gone, however it goes.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        if not _check(db, path, job):
            # In the file itself, and not only in what is beside it until it is closed: see `_look`.
            db.execute(f"PRAGMA application_id = {_OURS}")
        db.execute("PRAGMA journal_mode = WAL")
        # "On the disk" is meant: a power cut is one of the ways in which a run ends.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN EXCLUSIVE")
        run = _enter(db, path, job)
        db.execute("COMMIT")
    except (sqlite3.Error, OSError, ValueError) as error:
        if db is not None:
            db.close()
        if isinstance(error, ConfigurationError):
            raise
        if "locked" in str(error):
            text = f"the journal {path!r} is held by another run: wait until that has ended, or take another file"
        elif isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            text = f"{path!r} is no journal of alexa_props: {error}"
        else:
            text = f"the journal {path!r} cannot be opened: {error}"
        raise ConfigurationError(text) from None
    return db, run


def _look(file: Path, path: str) -> None:
    """See whose file it is without touching it: what a program that died has left beside it is not ours to repair."""
    # Through SQLite: if this process holds it, closing a file of our own would let go of its locks.
    db = sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)
    try:
        if db.execute("PRAGMA application_id").fetchone()[0] != _OURS:
            raise ConfigurationError(_FOREIGN.format(path))
    finally:
        db.close()


def _check(db: sqlite3.Connection, path: str, job: str) -> bool:
    """See whether it is this job's journal; False if it is empty as yet."""
    application, form = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application in (0, _OURS) and db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        return False
    if application != _OURS:
        raise ConfigurationError(_FOREIGN.format(path))
    if form != _FORMAT:
        raise ConfigurationError(
            f"the journal {path!r} has format {form}, and this release writes format {_FORMAT}: "
            "go on with the release that began it, or take another file"
        )
    row = db.execute("SELECT name FROM job").fetchone()
    if row is None:
        raise ConfigurationError(_FOREIGN.format(path))
    (name,) = row
    if name != job:
        raise ConfigurationError(
            f"the journal {path!r} is of the job {name!r}, and this is {job!r}: "
            "take another file, or name the job (job=)"
        )
    return True


def _enter(db: sqlite3.Connection, path: str, job: str) -> int:
    if _check(db, path, job):
        db.execute("UPDATE job SET runs = runs + 1")
    else:
        for statement in _SCHEMA:
            db.execute(statement)
        db.execute("INSERT INTO job VALUES (?, 1)", (job,))
    (run,) = db.execute("SELECT runs FROM job").fetchone()
    return int(run)
