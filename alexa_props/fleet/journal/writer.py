"""Writing the journal of a run.

A thread writes all queued records in one transaction. Items continue once their records are on the disk.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import anyio
import anyio.to_thread
import attrs

from alexa_props.concurrency import flattening_task_group
from alexa_props.errors import JournalError
from alexa_props.fleet.journal.file import JournalFile
from alexa_props.fleet.journal.format import record_sum
from alexa_props.fleet.journal.held import open_when_free
from alexa_props.fleet.journal.records import Begun, Earlier, read_record, story_of
from alexa_props.fleet.outcome import Status
from alexa_props.redaction import sanitize

__all__ = ["Journal"]


async def _run_in_thread(function: Callable[[], object]) -> None:
    """Call a function in a thread. A cancellation takes effect when the function has ended."""

    async def run() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))

    # In a task inside this one, because asyncio's `Task.cancel` ignores shields.
    async with flattening_task_group(cancelled=False) as tasks:
        tasks.start_soon(run)


@attrs.define(eq=False)
class _Entry:
    """A write that is waiting, and the event to set once it is on the disk."""

    write: Callable[[], Any]
    written: anyio.Event = attrs.field(factory=anyio.Event)
    result: Any = None
    error: str | None = None


class Journal:
    """An open journal that this run holds. `Journal.open` returns it."""

    def __init__(self, file: JournalFile, *, retry_failed: bool) -> None:
        self._file = file
        self._db = file.db
        self._run = file.run
        self._retry_failed = retry_failed
        self._unsafe_sent: set[str] = set()  # keys of items in flight for which this is recorded
        self._waiting: list[_Entry] = []
        self._something = anyio.Event()
        self._left = False
        # Dedicated: other code may keep the event loop's threads busy.
        self._thread = anyio.CapacityLimiter(1)
        self._broken: str | None = None  # why nothing more can be recorded

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: str | os.PathLike[str], job: str, *, retry_failed: bool, wait: float | None
    ) -> AsyncGenerator[Self, None]:
        """Open a journal, or create one, for the time of a block.

        Args:
            path: The file.
            job: The name of the work that it records.
            retry_failed: Whether to repeat items that failed.
            wait: Seconds to wait while another run holds it.

        Raises:
            ConfigurationError: It is not a journal, belongs to another job, or is held by another run.
            JournalError: It is damaged or incomplete.

        """
        opened: list[JournalFile] = []
        name = os.fspath(path)

        async def attempt() -> None:
            await _run_in_thread(lambda: opened.append(JournalFile.open(name, job)))

        try:
            await open_when_free(attempt, name, wait or 0.0)
            journal = cls(*opened, retry_failed=retry_failed)
            # Outside the tasks of the run: calls that clean up after a cancellation are recorded too.
            async with flattening_task_group(cancelled=False) as tasks:
                tasks.start_soon(journal._write)
                try:
                    yield journal
                finally:
                    journal._leave()
        finally:
            for file in opened:
                await _run_in_thread(file.close)

    async def begin(self, key: str) -> Begun:
        """Record that an item is about to be sent, unless it must not be; see `Begun`."""
        begun: Begun = await self._written(functools.partial(self._begin, key))
        return begun

    async def record_unsafe(self, key: str) -> None:
        """Record that a request that must not be sent twice is about to be sent."""
        await self._written(functools.partial(self._record_unsafe, key, sent=True))

    async def withdraw_unsafe(self, key: str) -> None:
        """Record that such a request was sent, and that the service certainly handled none of it."""
        await self._written(functools.partial(self._record_unsafe, key, sent=False))

    async def end(self, key: str, ended: Earlier, *, handled: bool) -> None:
        """Record how an item ended, even if the caller is cancelled meanwhile."""
        await self._written(functools.partial(self._end, key, ended.status, story_of(ended), handled=handled))

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
        """Write what is waiting, until the block is left."""
        try:
            # Shielded: code in a cancelled block may run for a while.
            with anyio.CancelScope(shield=True):
                while not self._left:
                    await self._something.wait()
                    self._something = anyio.Event()
                    await self._flush()
        except anyio.get_cancelled_exc_class():
            # An event loop that shuts down ignores the shield. `_broken` reports it: later records raise.
            pass
        finally:
            # However this task ends, no other task writes.
            try:
                with anyio.CancelScope(shield=True):
                    while self._waiting:
                        await self._flush()
            finally:
                self._broken = self._broken or (
                    f"the journal {self._file.path!r} is closed because its run has ended: later calls cannot be "
                    "recorded, and are not sent"
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
        except BaseException:  # an event loop that shuts down: it is raised again, and the entries may be on the disk
            for entry in entries:
                entry.error = entry.error or f"writing the journal {self._file.path!r} was interrupted"
            raise
        finally:
            for entry in entries:
                entry.written.set()

    def _commit(self, entries: list[_Entry]) -> None:
        with self._file.lock:
            if self._broken is None and not self._file.in_place():
                self._broken = (
                    f"the journal {self._file.path!r} was deleted, renamed or replaced while a run held it, and the "
                    "run ends: put it back before the next run"
                )
            if self._broken is None:
                self._transact(entries)
            else:
                # Added while it broke. Nothing more may begin, even if the disk has room again.
                for entry in entries:
                    entry.error = self._broken

    def _transact(self, entries: list[_Entry]) -> None:
        try:
            self._db.execute("BEGIN")
            for entry in entries:
                entry.result = entry.write()
            self._db.execute("COMMIT")
        except (
            sqlite3.Error,
            JournalError,
            ValueError,
        ) as error:  # the disk, a record, or a key that is not text
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._broken = (
                f"the journal {self._file.path!r} could not be written: {sanitize(str(error))}; "
                "it is complete up to here, and the run ends: fix that, and run the job again to resume"
            )
            for entry in entries:
                entry.error = self._broken

    # In the thread, in a transaction.

    def _begin(self, key: str) -> Begun:
        values = (key, self._run, "started", 0, 1, None)
        row = (*values, record_sum(values))
        # Most items are new.
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
        ended = read_record(key, status, story)
        self._put(key, self._run, *earlier[2:])
        return ended

    def _record_unsafe(self, key: str, *, sent: bool) -> None:
        _, run, status, _, handled, story = self._get(key)
        self._put(key, run, status, int(sent), handled, story)
        if not sent:
            self._unsafe_sent.discard(key)
        elif status == "started":
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
