"""One item of a run: begun in the journal, called, and recorded as ended."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextvars import Context, copy_context
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import anyio
import attrs

from alexa_props.concurrency import await_foreign, call_foreign
from alexa_props.errors import ConfigurationError, JournalError
from alexa_props.fleet._stop import StopSignal
from alexa_props.fleet.job import key_of
from alexa_props.fleet.journal import Begun, Earlier, Journal
from alexa_props.fleet.learned import LearnedLimits
from alexa_props.fleet.outcome import Interrupted, Outcome, RecordedError, classify, safe_str, was_handled
from alexa_props.item import Item, current_item

__all__ = ["InFlight", "ItemCalls", "outcome_without_call"]

T = TypeVar("T")
R = TypeVar("R")
V = TypeVar("V")

NotCalled: TypeAlias = "Earlier | Literal['twice']"


def outcome_without_call(key: str, item: T, begun: NotCalled, *, distinct: bool) -> Outcome[T, Any] | None:
    """Return the outcome of an item that is not called.

    Args:
        key: Its key.
        item: The item.
        begun: What the journal says of it.
        distinct: Whether two items of one key may be distinct.

    Returns:
        None if the item is skipped, because it is done or came twice.

    """
    if begun == "twice":
        if not distinct:
            return None
        error: Exception = ConfigurationError(
            f"{key}: this run already has an item with this key: key= must be different for every item, or this item "
            "came twice"
        )
        return Outcome(key, item, "failed", error=error)
    if begun.status == "done":
        return None
    error = RecordedError(f"{key}: recorded by an earlier run: {begun.message}", begun.failures)
    return Outcome(key, item, begun.status, None, error, begun.attempts, begun.elapsed)


@attrs.define(eq=False)
class InFlight(Generic[T, R]):
    """An item in flight."""

    key: str
    item: T
    calls: Item
    """What its calls did so far."""
    outcome: Outcome[T, R] | None = None
    """Once its call has ended, and until that is recorded."""

    def interrupted(self) -> Outcome[T, R] | None:
        """Return its outcome if the run is left now; None if the service has handled none of it."""
        if self.outcome is not None:
            return self.outcome
        # Requests of other libraries' clients are not counted.
        if self.calls.sent or self.calls.connections is None:
            return Outcome(self.key, self.item, "unknown", error=Interrupted(self.key), attempts=self.calls.attempts)
        return None


def _outer_of(items: ItemCalls[Any, Any]) -> Item | None:
    """Return the item of another run, or one around all items of this run that reports the clients that are used."""
    outer = current_item.get()
    return outer if items.learned is None else Item(before_call=items.learned.before_call, outer=outer)


@attrs.frozen(eq=False)
class ItemCalls(Generic[T, R]):
    """Begins, calls and records the items of a run, each in its own copy of the context of the run."""

    key: Callable[[T], str] | None
    journal: Journal | None
    signal: StopSignal
    learned: LearnedLimits | None
    # Copied in the task that begins the run: nothing that an item changes is visible to another item.
    context: Context = attrs.field(factory=copy_context)
    outer: Item | None = attrs.field(init=False, default=attrs.Factory(_outer_of, takes_self=True))

    async def begin(self, item: T, context: Context) -> tuple[str, Begun]:
        """Return the key of an item, and whether to call it.

        Raises:
            JournalError: The journal cannot be written.
            Exception: Whatever `key` raises.

        """
        key = self.key_of(item, context)
        return key, "go" if self.journal is None else await self.journal.begin(key)

    def key_of(self, item: T, context: Context) -> str:
        """Return the key of an item; raises whatever `key` raises."""
        return call_foreign("key=", context.run, key_of, item, self.key, recorded=self.journal is not None)

    def in_flight(self, key: str, item: T) -> InFlight[T, R]:
        """Return the state of an item that is about to be called."""
        before_unsafe = None if self.journal is None else functools.partial(self.journal.record_unsafe, key)
        return InFlight(key, item, Item(before_unsafe=before_unsafe, outer=self.outer))

    async def run(self, call: Callable[[T], Awaitable[R]], state: InFlight[T, R], context: Context) -> Outcome[T, R]:
        """Call an item, record its outcome and return it."""
        started = anyio.current_time()
        value, raised = await self.perform(functools.partial(call, state.item), state.calls, context)
        state.outcome = outcome = self.outcome_of(state, value, raised, anyio.current_time() - started)
        await self.record(state)
        return outcome

    async def perform(
        self, call: Callable[[], Awaitable[V]], calls: Item, context: Context
    ) -> tuple[V | None, Exception | None]:
        """Call the user's function for an item, or for several, and return what it returned or raised."""
        try:
            return await await_foreign("what the call waited for", self._call(call, calls), context)
        except (CancelledError, RuntimeError) as instead:  # of what a coroutine must not raise
            return None, instead

    def outcome_of(
        self, state: InFlight[T, R], value: R | None, raised: Exception | None, elapsed: float
    ) -> Outcome[T, R]:
        """Return the outcome of an item whose call returned or raised this."""
        calls = state.calls
        status, error = classify(value, raised, calls)
        return Outcome(state.key, state.item, status, value, error, calls.attempts, elapsed)

    async def record(self, state: InFlight[T, R]) -> None:
        """Record the outcome of an item in the journal, if there is one."""
        outcome, calls = state.outcome, state.calls
        if self.journal is None or outcome is None:
            return
        error = outcome.error
        handled = error is None or was_handled(error) or (calls.unsafe_sent and calls.sent)
        try:
            await self.journal.end(state.key, _record_of(outcome), handled=handled)
        except JournalError as broken:
            self.signal.fail(broken, str(broken))
        if self.learned is not None:
            await self.learned.save_sometimes()

    async def _call(self, call: Callable[[], Awaitable[V]], calls: Item) -> tuple[V | None, Exception | None]:
        """Return what the call returned or raised: a `StopIteration` would leave a coroutine as another error."""
        current_item.set(calls)
        try:
            awaitable = call()
            if not isinstance(awaitable, Awaitable):
                error = ConfigurationError(f"call must return an awaitable, not {awaitable!r:.80}")
                self.signal.fail(error, str(error))
                return None, error
            return await awaitable, None
        except Exception as error:  # noqa: BLE001 - the user's call may raise anything: other items continue
            return None, error


def _record_of(outcome: Outcome[Any, Any]) -> Earlier:
    if outcome.error is None:
        return Earlier("done")
    return Earlier(outcome.status, outcome.attempts, outcome.elapsed, safe_str(outcome.error), outcome.failures)
