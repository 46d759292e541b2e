"""The journal of a run: a SQLite file. Each item is *started* in it before it is sent, and ended before it is reported.

Everything that waits to be written when the disk is free goes into one transaction, in a thread; those who wait for it
continue when it is on the disk. A process that is killed leaves a file that needs no repair: what has no end was cut
off.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, Self, TypeAlias, get_args

import anyio
import anyio.to_thread
import attrs

from alexa_props.concurrency import flattening_task_group
from alexa_props.errors import JournalError
from alexa_props.fleet.journal_file import JournalFile, record_sum
from alexa_props.fleet.outcome import Failure, Status
from alexa_props.redaction import sanitize

__all__ = ["Earlier", "Journal"]

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
    error: str | None = None


class Journal:
    """An open journal, held by this run alone: `Journal.open` gives it."""

    def __init__(self, file: JournalFile, *, retry_failed: bool) -> None:
        self._file = file
        self._db = file.db
        self._run = file.run
        self._retry_failed = retry_failed
        self._unsafe_sent: set[str] = set()  # keys of items under way of which that is recorded
        self._waiting: list[_Entry] = []
        self._something = anyio.Event()
        self._left = False
        # Its own: others may keep the event loop's threads busy.
        self._thread = anyio.CapacityLimiter(1)
        self._broken: str | None = None  # why nothing can be recorded any more

    @classmethod
    @asynccontextmanager
    async def open(cls, path: str | os.PathLike[str], job: str, *, retry_failed: bool) -> AsyncGenerator[Self, None]:
        """Open a journal, or make one, for the time of a block.

        Args:
            path: the file.
            job: what the run is for.
            retry_failed: whether to begin items anew to which the service said no.

        Raises:
            ConfigurationError: it is no journal, it is another job's, or another run holds it.
            JournalError: it is damaged, or a part of it is missing.

        """
        opened: list[JournalFile] = []
        try:
            await _to_its_end(lambda: opened.append(JournalFile.open(os.fspath(path), job)))
            journal = cls(*opened, retry_failed=retry_failed)
            # Outside of the run's own tasks: those that clean up after a cancellation are recorded too.
            async with flattening_task_group(cancelled=False) as tasks:
                tasks.start_soon(journal._write)
                try:
                    yield journal
                finally:
                    journal._leave()
        finally:
            for file in opened:
                await _to_its_end(file.close)

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
            raise JournalError(self._broken)
        entry = _Entry(write)
        self._waiting.append(entry)
        self._something.set()
        await entry.written.wait()
        if entry.error is not None:
            raise JournalError(entry.error)
        return entry.result

    async def _write(self) -> None:
        """Write what there is to write, until the block is left."""
        try:
            # Shielded: the block may be cancelled, and what runs in it goes on for a while.
            with anyio.CancelScope(shield=True):
                while not self._left:
                    await self._something.wait()
                    self._something = anyio.Event()
                    await self._flush()
        except anyio.get_cancelled_exc_class():
            # A loop that is torn down cancels this task in spite of the shield. `_broken` reports
            # it to the run: whatever is recorded from now on raises that.
            pass
        finally:
            # Whatever ended it, no other task writes.
            try:
                with anyio.CancelScope(shield=True):
                    while self._waiting:
                        await self._flush()
            finally:
                self._broken = self._broken or (
                    f"the journal {self._file.path!r} is closed, as its run has ended: what comes after that cannot be "
                    "recorded, and is not sent"
                )
                for entry in self._waiting:
                    entry.error = self._broken
                    entry.written.set()

    def _leave(self) -> None:
        self._left = True
        self._something.set()

    async def _flush(self) -> None:
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        try:
            await anyio.to_thread.run_sync(self._commit, entries, limiter=self._thread)
        except BaseException:  # cut off by a loop that is torn down, and raised again: it may be recorded or not
            for entry in entries:
                entry.error = entry.error or f"the journal {self._file.path!r} could not be written to its end"
            raise
        finally:
            for entry in entries:
                entry.written.set()

    def _commit(self, entries: list[_Entry]) -> None:
        with self._file.lock:
            if self._broken is None and not self._file.in_place():
                self._broken = (
                    f"the journal {self._file.path!r} was deleted, renamed or replaced while a run held it, and the "
                    "run ends: put it back in its place before the next run"
                )
            if self._broken is None:
                self._transact(entries)
            else:
                # They came while it broke. Nothing may begin any more, though the disk has room again.
                for entry in entries:
                    entry.error = self._broken

    def _transact(self, entries: list[_Entry]) -> None:
        try:
            self._db.execute("BEGIN")
            for entry in entries:
                entry.result = entry.write()
            self._db.execute("COMMIT")
        except (sqlite3.Error, JournalError, ValueError) as error:  # the disk; a record; a key that is no text
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._broken = (
                f"the journal {self._file.path!r} could not be written: {sanitize(str(error))}; "
                "it is good up to here, and the run ends"
            )
            for entry in entries:
                entry.error = self._broken

    # In the thread, inside a transaction.

    def _begin(self, key: str) -> Begun:
        values = (key, self._run, "started", 0, 1, None)
        row = (*values, record_sum(values))
        # Mostly it is new.
        if self._db.execute("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount:
            return "go"
        _, run, status, unsafe_sent, handled, story = earlier = self._get(key)
        if run == self._run:
            return "twice"
        if status == "done":
            return Earlier("done")
        if (self._retry_failed or not handled) if status == "failed" else not unsafe_sent:
            self._put(*values)
            return "go"
        ended = _read(key, status, story)
        self._put(key, self._run, *earlier[2:])
        return ended

    def _risk(self, key: str) -> None:
        _, run, status, _, handled, story = self._get(key)
        self._put(key, run, status, 1, handled, story)
        if status == "started":
            self._unsafe_sent.add(key)

    def _end(self, key: str, status: Status, story: str | None, *, handled: bool) -> None:
        unsafe_sent = key in self._unsafe_sent
        self._unsafe_sent.discard(key)
        self._put(key, self._run, status, int(unsafe_sent), int(handled), story)

    def _get(self, key: str) -> tuple[Any, ...]:
        row: tuple[Any, ...]
        row = self._db.execute(
            "SELECT key, run, status, unsafe_sent, handled, story FROM items WHERE key = ?", (key,)
        ).fetchone()
        return row

    def _put(self, *values: Any) -> None:
        self._db.execute("REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, record_sum(values)))


def _read(key: str, status: object, story: object) -> Earlier:
    """How an item ended, from its record, which may have been edited by hand.

    Raises:
        JournalError: it is not what `Journal.end` writes.

    """
    if status == "started" and story is None:
        return Earlier("unknown", message=_CUT_OFF, failures=(Failure("unknown", "Interrupted", _CUT_OFF),))
    try:
        if not isinstance(story, str):
            raise TypeError("it does not say what went wrong")
        ended = json.loads(story)
        earlier = Earlier(**{**ended, "failures": tuple(Failure(*failure) for failure in ended["failures"])})
        _check(earlier, status)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise JournalError(f"the record of {key!r:.80} is damaged: {error}") from None
    return earlier


def _check(earlier: Earlier, status: object) -> None:
    if earlier.status != status or status not in ("failed", "unknown"):
        raise ValueError("its status is none")
    number = isinstance(earlier.attempts, int) and isinstance(earlier.elapsed, int | float)
    if not (number and math.isfinite(earlier.elapsed) and isinstance(earlier.message, str)):
        raise ValueError("attempts, elapsed or message is none")
    for failure in earlier.failures:
        required, optional = attrs.astuple(failure)[:3], attrs.astuple(failure)[3:]
        texts = all(isinstance(each, str) for each in required) and all(
            isinstance(each, str | None) for each in optional
        )
        if not texts or failure.status not in get_args(Status):
            raise ValueError("a failure is none")


async def _to_its_end(function: Callable[[], object]) -> None:
    """Run it in a thread; whoever is cancelled meanwhile is so when it has ended."""

    async def run() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))

    # A task of its own inside this one, because asyncio's `Task.cancel` goes through a shield.
    async with flattening_task_group(cancelled=False) as tasks:
        tasks.start_soon(run)
