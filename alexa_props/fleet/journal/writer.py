"""Writing the journal of a run.

A thread writes all queued records in one transaction. Items continue once their records are on the disk.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import anyio
import anyio.to_thread
import attrs

from alexa_props.concurrency import flattening_task_group, run_in_thread
from alexa_props.errors import JournalError
from alexa_props.fleet.journal.changes import Rows, begin, end, record_unsafe
from alexa_props.fleet.journal.place import Place
from alexa_props.fleet.journal.records import Begun, Earlier
from alexa_props.fleet.journal.store import LostError, Store, WriteError
from alexa_props.fleet.journal.waiting import open_when_free
from alexa_props.redaction import sanitize

__all__ = ["Journal"]


@attrs.define(eq=False)
class _Entry:
    """A change that is waiting, and the event to set once it is on the disk."""

    key: str
    change: Callable[[Rows], Any]
    written: anyio.Event = attrs.field(factory=anyio.Event)
    result: Any = None
    error: str | None = None


class Journal:
    """An open journal that this run holds. `Journal.open` returns it."""

    def __init__(self, store: Store, *, retry_failed: bool) -> None:
        self._store = store
        self._retry_failed = retry_failed
        self._waiting: list[_Entry] = []
        self._something = anyio.Event()
        self._left = False
        # Dedicated: other code may keep the event loop's threads busy.
        self._thread = anyio.CapacityLimiter(1)
        self._broken: str | None = None  # why nothing more can be recorded

    @classmethod
    @asynccontextmanager
    async def open(
        cls, place: Place, job: str, *, retry_failed: bool, wait: float | None
    ) -> AsyncGenerator[Self, None]:
        """Open a journal, or create one, for the time of a block.

        Args:
            place: Where it is.
            job: The name of the work that it records.
            retry_failed: Whether to repeat items that failed.
            wait: Seconds to wait while another run holds it.

        Raises:
            ConfigurationError: It is not a journal, belongs to another job, or is held by another run.
            JournalError: It is damaged or incomplete.

        """
        opened: list[Store] = []

        async def attempt() -> None:
            await run_in_thread(lambda: opened.append(place.open(job)))

        try:
            await open_when_free(attempt, place.name, wait or 0.0)
            journal = cls(*opened, retry_failed=retry_failed)
            # Outside the tasks of the run: calls that clean up after a cancellation are recorded too.
            async with flattening_task_group(cancelled=False) as tasks:
                tasks.start_soon(journal._write)
                try:
                    yield journal
                finally:
                    journal._leave()
        finally:
            for store in opened:
                await run_in_thread(store.close)

    async def begin(self, key: str) -> Begun:
        """Record that an item is about to be sent, unless it must not be; see `Begun`."""
        change = functools.partial(begin, key=key, run=self._store.run, retry_failed=self._retry_failed)
        begun: Begun = await self._written(key, change)
        return begun

    async def record_unsafe(self, key: str) -> None:
        """Record that a request that must not be sent twice is about to be sent."""
        await self._written(key, functools.partial(record_unsafe, key=key, sent=True))

    async def withdraw_unsafe(self, key: str) -> None:
        """Record that such a request was sent, and that the service certainly handled none of it."""
        await self._written(key, functools.partial(record_unsafe, key=key, sent=False))

    async def end(self, key: str, ended: Earlier, *, handled: bool) -> None:
        """Record how an item ended, even if the caller is cancelled meanwhile."""
        await self._written(key, functools.partial(end, key=key, ended=ended, run=self._store.run, handled=handled))

    async def _written(self, key: str, change: Callable[[Rows], Any]) -> Any:
        if self._broken is not None:
            raise JournalError(self._broken)
        entry = _Entry(key, change)
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
                    f"the journal {self._store.name!r} is closed because its run has ended: later calls cannot be "
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
                entry.error = entry.error or f"writing the journal {self._store.name!r} was interrupted"
            raise
        finally:
            for entry in entries:
                entry.written.set()

    def _commit(self, entries: list[_Entry]) -> None:
        def change(rows: Rows) -> None:
            for entry in entries:
                entry.result = entry.change(rows)

        with self._store.lock:
            # Nothing more may begin once it is broken, even if the disk has room again.
            if self._broken is None:
                try:
                    self._store.transact([entry.key for entry in entries], change)
                except LostError as error:
                    self._broken = str(error)
                except (WriteError, JournalError) as error:  # the disk, or a record
                    self._broken = (
                        f"the journal {self._store.name!r} could not be written: {sanitize(str(error))}; "
                        "it is complete up to here, and the run ends: fix that, and run the job again to resume"
                    )
            if self._broken is not None:
                for entry in entries:
                    entry.error = self._broken
