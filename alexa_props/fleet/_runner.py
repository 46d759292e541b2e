"""A run in progress: items in, outcomes out. It connects the parts beside it, which know nothing of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import Context, copy_context
from typing import Any, Generic, Self, TypeVar

import anyio
import anyio.lowlevel
import attrs

from alexa_props.concurrency import Tasks
from alexa_props.fleet._batch import BatchCall, BatchCalls, BatchRead
from alexa_props.fleet._item import InFlight, ItemCalls, NotCalled, outcome_without_call
from alexa_props.fleet._outcomes import OutcomeQueue
from alexa_props.fleet._source import UNREADABLE, source_of
from alexa_props.fleet._stop import Rule, StopSignal
from alexa_props.fleet._workers import Workers
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.fleet.journal import Journal
from alexa_props.fleet.learned import LearnedLimits
from alexa_props.fleet.outcome import Outcome, safe_str
from alexa_props.fleet.progress import TICK, Meter, Progress
from alexa_props.item import Item
from alexa_props.smart_properties.batch import Batching

__all__ = ["Run"]

T = TypeVar("T")
R = TypeVar("R")


@attrs.frozen(eq=False)
class _Batch(Generic[T]):
    """Items that one call is made for, with their numbers and keys, and the context that it runs in."""

    context: Context
    items: list[tuple[int, str, T]] = attrs.field(factory=list)


class Run(Generic[T, R]):
    """A run in progress, returned by `fleet.run`: an async iterator of outcomes."""

    def __init__(
        self,
        call: Callable[[T], Awaitable[R]] | BatchCall[T] | BatchRead[T, R],
        items: Iterator[T] | AsyncIterator[T],
        *,
        concurrency: AdaptiveConcurrency,
        ordered: bool,
        journal: Journal | None,
        learned: LearnedLimits | None,
        key: Callable[[T], str] | None,
        stop_after: Rule,
        meter: Meter,
        batching: Batching | None = None,
    ) -> None:
        self._concurrency = concurrency
        self._meter = meter
        self._distinct = key is not None
        self._stop_after = stop_after
        self._in_flight: dict[int, InFlight[T, R]] = {}
        self._read = 0  # items
        self._signal = StopSignal()
        self._call: Any = call
        self._calls: ItemCalls[T, R] = ItemCalls(key, journal, self._signal, learned)
        self._batching = batching or Batching(1)
        self._batches: BatchCalls[T, R] = BatchCalls(self._call, self._calls, self._batching)
        self._ordered = ordered
        reader = copy_context()
        reader.run(meter.count_what_is_listed)
        self._source = source_of(items, reader, self._signal)
        self._outcomes: OutcomeQueue[T, R] = OutcomeQueue(self._expected_workers, ordered=ordered)
        self._signal.listeners.append(self._outcomes.wake_workers)
        self._filling = anyio.Lock()
        one, several = (self._take, self._process), (self._take_batch, self._process_batch)
        take, process = one if batching is None else several
        self._workers: Workers[Any] = Workers(
            take,
            process,
            concurrency=concurrency,
            signal=self._signal,
            on_exit=self._outcomes.wake_takers,
        )

    def __repr__(self) -> str:
        now = self.progress
        return f"<Run: {now.done} done, {now.failed} failed, {now.unknown} unknown, {now.in_flight} in flight>"

    @property
    def stopped(self) -> str | None:
        """Why no more items are begun although there may be some; otherwise None."""
        return self._signal.reason

    @property
    def progress(self) -> Progress:
        """The counts of the run so far."""
        return self._meter.now(len(self._in_flight))

    @property
    def in_flight(self) -> tuple[Outcome[T, R], ...]:
        """After the block was left early: the outcomes that were not taken.

        These are items that had ended, and items that were interrupted although the service may have handled some of
        them (status "unknown"). Empty if all outcomes were taken.
        """
        interrupted = (each.interrupted() for each in self._in_flight.values())
        return (*self._outcomes.rest(), *(outcome for outcome in interrupted if outcome is not None))

    def stop(self, reason: str = "stop() was called") -> None:
        """Begin no more items. The iteration ends after the outcomes of those in flight."""
        self._signal.stop(reason)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[T, R]:
        """Return the next outcome.

        Raises:
            Exception: The items, `key`, `stop_on` or the journal failed. It is raised after the outcomes of all items
                that had begun. A cancellation that was not addressed to the caller is raised as a
                `concurrent.futures.CancelledError`.
            StopAsyncIteration: There are no more outcomes.

        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        while True:
            outcome = self._outcomes.take()
            if outcome is not None:
                return outcome
            if not self._workers.count:
                if self._signal.error is not None:
                    raise self._signal.error
                raise StopAsyncIteration
            await self._outcomes.wait_for_outcome()

    # For `fleet.run`.

    def start(self, tasks: Tasks) -> None:
        """Start the run in a task group."""
        if self._meter.shows:
            tasks.start_soon(self._show_time)
        self._source.start(tasks)
        self._workers.start(tasks)

    def close(self) -> None:
        """Close the items. An async iterator is closed by the task that reads it."""
        self._source.close()

    async def _show_time(self) -> None:
        """Update the display while items are listed, or while the service takes long over one."""
        while True:
            await anyio.sleep(TICK)
            self._meter.tick(len(self._in_flight))

    def _expected_workers(self) -> int:
        return self._workers.expected() * self._batching.size

    # For the workers.

    async def _take(self) -> tuple[int, T] | None:
        """Return the next item and its number, once there is room for its outcome; None if no more are to be begun."""
        while self._signal.reason is None and self._outcomes.is_full:
            await self._outcomes.wait_for_room()
        if self._signal.reason is not None:
            return None
        numbered = await self._source.read()
        if numbered is None:
            if self._signal.reason is None:
                # Their number was unknown, for example because they were filtered.
                self._meter.count_items(self._read)
            return None
        self._read += 1
        self._outcomes.begin()
        if self._signal.reason not in (None, UNREADABLE):
            # Stopped while it was read. Items after this one may have begun.
            self._outcomes.put(numbered[0], None)
            return None
        return numbered

    async def _process(self, numbered: tuple[int, T]) -> None:
        number, item = numbered
        recorded = self._calls.journal is not None
        taken = anyio.current_time() if recorded else 0.0
        context = self._calls.context.copy()
        try:
            key, begun = await self._calls.begin(item, context)
        except Exception as error:  # noqa: BLE001 - the user's function key= may raise anything: the run ends with it
            self._signal.fail(error, f"an item could not be begun: {safe_str(error)}")
            self._outcomes.put(number, None)
            return
        if begun != "go":
            self._skip(number, key, item, begun)
            return
        state = self._in_flight[number] = self._calls.in_flight(key, item)
        outcome = await self._calls.run(self._call, state, context)
        # Waits for the journal count: with a slow disk, more items have to be in flight.
        self._adapt(state.calls, anyio.current_time() - taken if recorded else outcome.elapsed)
        self._end(number, outcome, state.calls.throttled, context)

    def _adapt(self, calls: Item, elapsed: float) -> None:
        self._concurrency.ended(
            elapsed=elapsed, called=calls.called, waited=calls.waited, connections=calls.connections
        )

    def _end(self, number: int, outcome: Outcome[T, R], throttled: int, context: Context) -> None:
        del self._in_flight[number]
        self._meter.ended(outcome.status, throttled, len(self._in_flight))
        self._outcomes.put(number, outcome)
        self._stop_after(self._signal, outcome, context)

    def _skip(self, number: int, key: str, item: T, begun: NotCalled) -> None:
        """Report an item that is not called. It says nothing about this run: `stop_on` does not see it."""
        outcome = outcome_without_call(key, item, begun, distinct=self._distinct)
        if outcome is None:
            self._concurrency.ended(elapsed=0.0, called=0.0, waited=0.0, connections=None)
            self._meter.skipped(len(self._in_flight))
        else:
            self._meter.ended(outcome.status, 0, len(self._in_flight))
        self._outcomes.put(number, outcome)

    # For the workers of `fleet.run_many`.

    async def _take_batch(self) -> _Batch[T] | None:
        """Begin as many items as a call takes; None if no more are to be begun."""
        batch: _Batch[T] = _Batch(self._calls.context.copy())
        # One worker at a time, so that only the last batch is smaller.
        async with self._filling:
            more = True
            while more and (room := self._batching.size - len(batch.items)):
                more = await self._fill(batch, room)
        if self._signal.reason in (None, UNREADABLE):
            return batch if batch.items else None
        for number, _, _ in batch.items:
            self._outcomes.put(number, None)
        return None

    async def _fill(self, batch: _Batch[T], room: int) -> bool:
        """Take items, begin them, and add those that are to be called. Return whether there may be more to take."""
        taken: list[tuple[int, T]] = []
        while len(taken) < room:
            # The outcomes of later items wait for those of this batch: there might never be room.
            if self._ordered and self._outcomes.is_full and (batch.items or taken):
                break
            numbered = await self._take()
            if numbered is None:
                break
            taken.append(numbered)
        if not taken:
            return False
        try:
            begun = await self._batches.begin([item for _, item in taken], batch.context)
        except Exception as error:  # noqa: BLE001 - the user's function key= may raise anything: the run ends with it
            self._signal.fail(error, f"a batch could not be begun: {safe_str(error)}")
            for number, _ in taken:
                self._outcomes.put(number, None)
            return False
        for (number, item), (key, decision) in zip(taken, begun, strict=True):
            if decision == "go":
                batch.items.append((number, key, item))
            else:
                self._skip(number, key, item, decision)
        return len(taken) == room

    async def _process_batch(self, batch: _Batch[T]) -> None:
        started = anyio.current_time()
        states = self._batches.in_flight([(key, item) for _, key, item in batch.items])
        self._in_flight.update(zip((number for number, _, _ in batch.items), states, strict=True))
        calls = await self._batches.run(states, batch.context)
        self._adapt(calls, anyio.current_time() - started)
        throttled = calls.throttled
        for (number, _, _), state in zip(batch.items, states, strict=True):
            assert state.outcome is not None  # noqa: S101 - every item of a batch that was run has one
            self._end(number, state.outcome, throttled, batch.context)
            throttled = 0  # they share their calls
