"""The run itself: items in, a bounded number of them worked on at once, outcomes out."""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import CancelledError
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, cast

import anyio
import anyio.lowlevel
import attrs

from alexa_props.concurrency import Tasks, await_foreign, call_foreign, discard_awaitable, foreign_cancellation
from alexa_props.errors import AlexaError, ConfigurationError, JournalError
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.fleet.job import key_of, name_of
from alexa_props.fleet.journal import Earlier, Journal
from alexa_props.fleet.outcome import Outcome, RecordedError, classify, lacks_credentials, safe_str, was_handled
from alexa_props.fleet.progress import TICK, Meter, Progress
from alexa_props.hooks import logger
from alexa_props.item import Item, current_item

if TYPE_CHECKING:
    # anyio loads its parts when they are first used.
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

__all__ = ["Interrupted", "Run", "StopOn"]

T = TypeVar("T")
R = TypeVar("R")

StopOn = float | int | Callable[[Outcome[Any, Any]], bool]

_END: Final = object()
_ENOUGH: Final = 20
"""Outcomes before a share of failures says anything."""
_LATELY: Final = 100
"""Outcomes that a share is of."""
_AHEAD: Final = 100
"""Workers for which there is room before they are started."""
_UNREADABLE: Final = "the items could not be read on"


@attrs.define(eq=False)
class _Open:
    """An item that is being worked on."""

    key: str
    item: Any
    mark: Item
    outcome: Outcome[Any, Any] | None = None  # once it has ended, and is not recorded yet


class Run(Generic[T, R]):
    """A run under way: an async iterator of outcomes. `fleet.run` gives it.

    Attributes:
        stopped: why no further items are begun although there may be some; None while that is not so.

    """

    def __init__(
        self,
        call: Callable[[T], Awaitable[R]],
        items: Iterator[T] | AsyncIterator[T],
        *,
        width: AdaptiveConcurrency,
        ordered: bool,
        journal: Journal | None,
        key: Callable[[T], str] | None,
        stop_on: StopOn | None,
        meter: Meter,
    ) -> None:
        self.stopped: str | None = None
        self._call = call
        self._items = items
        self._exhausted = False
        self._width = width
        self._ordered = ordered
        self._journal = journal
        self._key = key
        self._stop_on = stop_on
        self._meter = meter
        self._reading = anyio.CancelScope()
        self._read: MemoryObjectReceiveStream[tuple[int, T]] | None = None  # items of an async iterator
        # Contexts are copied here, in the task that begins the run: nothing that an item changes is seen by another.
        self._context = copy_context()
        self._reader = copy_context()
        self._reader.run(meter.count_what_is_listed)
        self._outer = current_item.get()
        self._tasks: Tasks | None = None
        self._workers = 0
        self._busy = 0  # workers that have an item
        self._began = 0  # items taken, also the number of the next one
        self._told = 0  # outcomes handed over, or left out
        self._bad = 0  # outcomes of this run itself that are not done
        self._lately: deque[bool] = deque(maxlen=_LATELY)  # whether the latest of them are not
        self._open: dict[int, _Open] = {}
        self._ended: deque[Outcome[T, R]] = deque()
        self._kept: dict[int, Outcome[T, R] | None] = {}  # ordered: those that others have to go before
        self._arrived = anyio.Event()
        self._room = anyio.Event()
        self._error: Exception | None = None

    def __repr__(self) -> str:
        now = self.progress
        return f"<Run: {now.done} done, {now.failed} failed, {now.unknown} unknown, {now.in_flight} in flight>"

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._meter.now(len(self._open))

    @property
    def in_flight(self) -> tuple[Outcome[T, R], ...]:
        """After the block was left early: what it has not taken any more.

        Items that had ended, and items that were cut off although the service may have handled some of it ("unknown").
        Empty after a block that took all.
        """
        kept = [outcome for _, outcome in sorted(self._kept.items()) if outcome is not None]
        cut_off = [
            each.outcome
            or Outcome(each.key, each.item, "unknown", error=Interrupted(each.key), attempts=each.mark.attempts)
            for each in self._open.values()
            # Nobody counts the requests of a client that is not ours.
            if each.mark.sent or each.mark.connections is None or each.outcome
        ]
        return (*self._ended, *kept, *cut_off)

    def stop(self, reason: str = "stop() was called") -> None:
        """Begin no further items. Those that are being worked on end, and the iteration after them."""
        if self.stopped is None:
            self.stopped = reason
            self._wake_workers()
            # The next item may be long in coming.
            self._reading.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[T, R]:
        """The next outcome.

        Raises:
            Exception: the items themselves, `key`, `stop_on` or the journal failed; after the outcomes of all that had
                begun. In place of a cancellation that was not addressed to the caller it is a
                `concurrent.futures.CancelledError`.
            StopAsyncIteration: there are no more.

        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        while True:
            outcome = self._next()
            if outcome is not None:
                return outcome
            if not self._workers:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            # Others may iterate as well, and wait for the same.
            if self._arrived.is_set():
                self._arrived = anyio.Event()
            await self._arrived.wait()

    def _next(self) -> Outcome[T, R] | None:
        while self._told in self._kept:
            outcome = self._kept.pop(self._told)
            if outcome is None:
                self._take_off()
            else:
                self._ended.append(outcome)
                break
        if not self._ended:
            return None
        self._take_off()
        return self._ended.popleft()

    def _take_off(self) -> None:
        self._told += 1
        # Half of them at a time: woken for every single one, workers would mostly wake each other.
        if self._began - self._told <= self._most() // 2:
            self._wake_workers()

    def _most(self) -> int:
        """How many items may be begun and not handed over yet: what bounds the memory."""
        # Of the workers that there are, as far as there may be very many: see `_hire`.
        workers = min(self._width.now, max(self._workers, _AHEAD))
        return (10 if self._ordered else 2) * workers + 16

    def _wake_workers(self) -> None:
        room, self._room = self._room, anyio.Event()
        room.set()

    # The workers.

    def start(self, tasks: Tasks) -> None:
        """Begin, in this task group."""
        self._tasks = tasks
        if self._meter.shows:
            tasks.start_soon(self._show_time)
        if isinstance(self._items, AsyncIterator):
            send, self._read = anyio.create_memory_object_stream[tuple[int, T]](0)
            tasks.start_soon(self._read_on, self._items, send)
        self._hire()

    async def _read_on(self, items: AsyncIterator[T], send: MemoryObjectSendStream[tuple[int, T]]) -> None:
        """Read the items in a task of their own: a generator may hold a scope open, which belongs to one task."""
        async with send:
            with self._reading:
                try:
                    await await_foreign("reading the items", self._pass_on(items, send), self._reader)
                except Exception as error:  # noqa: BLE001 - they are the user's: whatever it is, the run ends with it
                    # Whoever was handed the last one still begins it.
                    self._fail(error, _UNREADABLE)
                finally:
                    # A pager that was not read to its end is open; inside, where its own scopes were opened.
                    await _close(getattr(items, "aclose", None), self._reader)

    async def _pass_on(self, items: AsyncIterator[T], send: MemoryObjectSendStream[tuple[int, T]]) -> None:
        number = 0
        async for item in items:
            # Numbered here: workers that wait for an item may be woken in any order.
            await send.send((number, item))
            number += 1

    async def _show_time(self) -> None:
        """Show that time passes while items are listed, or the service takes long over one."""
        while True:
            await anyio.sleep(TICK)
            self._meter.tick(len(self._open))

    def _hire(self) -> None:
        """Double the workers if all are busy: a run over few items starts few, whatever the concurrency."""
        if self._tasks is None or self._no_more:
            return
        for _ in range(min(max(1, self._workers), self._width.now - self._workers)):
            self._workers += 1
            self._tasks.start_soon(self._work)

    async def _work(self) -> None:
        try:
            while self._workers <= self._width.now:
                number, item = await self._take()
                if item is _END:
                    break
                self._busy += 1
                if self._busy == self._workers < self._width.now:
                    self._hire()
                try:
                    await self._do(number, item)
                finally:
                    self._busy -= 1
        except anyio.get_cancelled_exc_class() as cancelled:
            error = await foreign_cancellation("a task of the run", cancelled)
            self._fail(error, str(error))
        finally:
            self._workers -= 1
            self._arrived.set()

    @property
    def _no_more(self) -> bool:
        return self._exhausted or self.stopped is not None

    async def _take(self) -> tuple[int, Any]:
        """The next item, when there is room for its outcome."""
        while not self._no_more and self._began - self._told >= self._most():
            await self._room.wait()
        number, item = self._began, cast("Any", _END)
        if self._no_more:
            pass
        elif self._read is not None:
            # If they ended by an error, the task that reads them has it.
            with contextlib.suppress(anyio.EndOfStream):
                number, item = await self._read.receive()
        else:
            try:
                item = call_foreign("reading the items", self._reader.run, self._read_next)
            except Exception as error:  # noqa: BLE001 - they are the user's: whatever it is, the run ends with it
                self._fail(error, _UNREADABLE)
        if item is _END:
            self._exhausted = True
            return -1, _END
        self._began += 1
        if self.stopped not in (None, _UNREADABLE):
            # It is not begun. Those after it may have been.
            self._exhausted = True
            self._hand_over(number, None)
            return -1, _END
        return number, item

    def _read_next(self) -> Any:
        return next(cast("Iterator[T]", self._items), _END)

    async def _do(self, number: int, item: T) -> None:
        taken = anyio.current_time()
        context = self._context.copy()
        try:
            key = call_foreign("key=", context.run, key_of, item, self._key, recorded=self._journal is not None)
            begun = "go" if self._journal is None else await self._journal.begin(key)
        except Exception as error:  # noqa: BLE001 - a key is made by the user's function
            self._fail(error, f"an item could not be begun: {safe_str(error)}")
            self._hand_over(number, None)
            return
        if begun == "twice" and self._key is not None:
            # Nothing says that it is the same item: it may be another one that the key does not tell apart.
            text = f"{key}: an item of this key was in this run before: key= must tell items apart, or this came twice"
            self._meter.ended("failed", 0, len(self._open))
            self._hand_over(number, Outcome(key, item, "failed", error=ConfigurationError(text)))
        elif begun == "twice" or (isinstance(begun, Earlier) and begun.status == "done"):
            self._width.ended(elapsed=0.0, called=0.0, waited=0.0, connections=None)
            self._meter.skipped(len(self._open))
            self._hand_over(number, None)
        elif isinstance(begun, Earlier):
            # It says nothing of how this run goes: `stop_on` does not see it.
            recorded = RecordedError(f"{key}: as an earlier run recorded it: {begun.message}", begun.failures)
            self._meter.ended(begun.status, 0, len(self._open))
            self._hand_over(number, Outcome(key, item, begun.status, None, recorded, begun.attempts, begun.elapsed))
        else:
            await self._send(number, key, item, taken, context)

    async def _send(self, number: int, key: str, item: T, taken: float, context: Context) -> None:
        journal = self._journal
        before_unsafe = None if journal is None else functools.partial(journal.risk, key)
        mark = Item(before_unsafe=before_unsafe, outer=self._outer)
        started = anyio.current_time()
        self._open[number] = opened = _Open(key, item, mark)
        value: R | None = None
        raised: Exception | None = None
        try:
            value, raised = await await_foreign("what the call waited for", self._await(item, mark), context)
        except (CancelledError, RuntimeError) as error:  # in place of what no coroutine may raise
            raised = error
        elapsed = anyio.current_time() - started
        status, failure = classify(value, raised, mark)
        opened.outcome = outcome = Outcome(key, item, status, value, failure, mark.attempts, elapsed)
        if journal is not None:
            handled = failure is None or was_handled(failure) or (mark.unsafe_sent and mark.sent)
            try:
                await journal.end(key, _to_record(outcome), handled=handled)
            except JournalError as broken:
                self._fail(broken, str(broken))
        # The waits for the journal count: a slow disk is a reason for more items at once.
        busy = anyio.current_time() - taken
        self._width.ended(elapsed=busy, called=mark.called, waited=mark.waited, connections=mark.connections)
        self._count(number, outcome, mark.throttled, context)

    async def _await(self, item: T, mark: Item) -> tuple[R | None, Exception | None]:
        """What the call returned, or raised: a `StopIteration` would leave a coroutine as another error."""
        current_item.set(mark)
        try:
            awaitable = self._call(item)
            if not isinstance(awaitable, Awaitable):
                refused = ConfigurationError(f"call must return an awaitable, not {awaitable!r:.80}")
                self._fail(refused, str(refused))
                return None, refused
            return await awaitable, None
        except Exception as error:  # noqa: BLE001 - the call is the user's: one room's error must not stop the others
            return None, error

    def _count(self, number: int, outcome: Outcome[T, R], refused: int, context: Context) -> None:
        del self._open[number]
        self._bad += outcome.status != "done"
        self._lately.append(outcome.status != "done")
        self._meter.ended(outcome.status, refused, len(self._open))
        self._hand_over(number, outcome)
        if outcome.error is not None and lacks_credentials(outcome.error):
            # No other item would fare better, and each would ask for a token.
            self.stop(f"no credentials: {outcome.error}")
        elif self._stop_on is not None:
            self._stop_if_bad(self._stop_on, outcome, context)

    def _stop_if_bad(self, stop_on: StopOn, outcome: Outcome[T, R], context: Context) -> None:
        if callable(stop_on):
            try:
                if outcome.status != "done":
                    says = call_foreign("stop_on=", context.run, stop_on, outcome)
                    if discard_awaitable(says):
                        raise ConfigurationError(f"stop_on must not be async: it gave {says!r:.80}")
                    if says:
                        self.stop(f"stop_on={name_of(stop_on)} is true of {outcome.key}")
            except Exception as error:  # noqa: BLE001 - it is the user's
                self._fail(error, f"stop_on={name_of(stop_on)} failed: {safe_str(error)}")
            return
        if isinstance(stop_on, int):
            if self._bad >= stop_on:
                self.stop(f"{self._bad} items are not done (stop_on={stop_on})")
        elif len(self._lately) >= _ENOUGH and sum(self._lately) > stop_on * len(self._lately):
            # Of the latest: what goes wrong after thousands that went well is noticed as soon.
            self.stop(f"{sum(self._lately)} of the latest {len(self._lately)} are not done (stop_on={stop_on:g})")

    def _hand_over(self, number: int, outcome: Outcome[T, R] | None) -> None:
        if self._ordered:
            self._kept[number] = outcome
        elif outcome is None:
            self._take_off()
        else:
            self._ended.append(outcome)
        self._arrived.set()

    def close(self) -> None:
        """Close the items; those of an async iterator are closed where they are read."""
        if self._read is not None:
            self._read.close()
        if isinstance(self._items, Generator):
            try:
                call_foreign("closing the items", self._reader.run, self._items.close)
            except Exception:  # noqa: BLE001 - they are the user's, and what was done is told all the same
                logger.exception("the items of a run failed as they were closed")

    def _fail(self, error: Exception, reason: str) -> None:
        self._error = self._error or error
        self.stop(reason)


class Interrupted(AlexaError):
    """The block was left while the item was being worked on."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key}: the run was left while it was under way, and the service may have handled some of it")


def _to_record(outcome: Outcome[Any, Any]) -> Earlier:
    if outcome.error is None:
        return Earlier("done")
    return Earlier(outcome.status, outcome.attempts, outcome.elapsed, safe_str(outcome.error), outcome.failures)


async def _close(close: Callable[[], Awaitable[object]] | None, context: Context) -> None:
    async def closed() -> None:
        if close is not None:
            await close()

    if close is not None:
        try:
            await await_foreign("closing the items", closed(), context)
        except (Exception, BaseExceptionGroup):  # noqa: BLE001 - they are the user's, and what was done is told
            logger.exception("the items of a run failed as they were closed")
