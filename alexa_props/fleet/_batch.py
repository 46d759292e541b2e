"""A batch of items: one call for all of them, an outcome for each."""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Final, Generic, TypeAlias, TypeVar

import anyio
import attrs

from alexa_props.arguments import require_whole
from alexa_props.concurrency import gather
from alexa_props.errors import BadRequest, ConfigurationError, Conflict, DecodeError, JournalError, NotFound
from alexa_props.fleet._item import InFlight, ItemCalls
from alexa_props.fleet.journal import Begun, Journal
from alexa_props.fleet.outcome import BatchItemFailed, safe_str
from alexa_props.item import Item
from alexa_props.paging import Pager
from alexa_props.smart_properties.batch import Batching, BatchItem, BatchResult

__all__ = ["BatchCall", "BatchCalls", "BatchRead", "batching_of"]

T = TypeVar("T")
R = TypeVar("R")

BatchCall = Callable[[Sequence[T]], Awaitable[BatchResult | None]]
"""A function that writes the items of a batch."""
BatchRead = Callable[[Sequence[T]], Pager[R]]
"""A function that reads the items of a batch."""

_Write: TypeAlias = Callable[[], Awaitable[None]]

_DIGITS: Final = 9
"""Digits of the largest position that is one: Python refuses to convert thousands of them."""
_SPLITS: Final = 20
"""Times that a refused batch is split to find the items that the service refuses."""


def batching_of(call: object, size: int | None) -> Batching:
    """Return how a function is called for many items: in batches of `size`, or else of the default of the method.

    Raises:
        ConfigurationError: The size is out of range, or there is none.

    """
    if size is not None:
        require_whole("size", size, 1)
    while isinstance(call, functools.partial):
        call = call.func
    found: Batching | None = getattr(call, "batching", None)
    if found is None and size is None:
        raise ConfigurationError(
            "size is needed: the number of items per call. Only methods such as asp.skills.enable_many, also in a "
            "functools.partial, have a default"
        )
    found = found or Batching(1)
    return found if size is None else attrs.evolve(found, size=size)


@attrs.frozen(eq=False)
class BatchCalls(Generic[T, R]):
    """Begins, calls and records the items of batches."""

    call: Callable[..., Any]
    """A `BatchCall` or a `BatchRead`."""
    items: ItemCalls[T, R]
    batching: Batching

    async def begin(self, batch: Sequence[T], context: Context) -> list[tuple[str, Begun]]:
        """Return the key of each item, and whether to call it; raises as `ItemCalls.begin` does."""
        keys = [self.items.key_of(item, context) for item in batch]
        journal = self.items.journal
        if journal is None:
            return [(key, "go") for key in keys]
        begun = await gather(functools.partial(journal.begin, key) for key in keys)
        return list(zip(keys, begun, strict=True))

    def in_flight(self, keyed: Sequence[tuple[str, T]]) -> list[InFlight[T, R]]:
        """Return the states of the items of a batch that is about to be called."""
        # They get what their call did when it begins.
        nothing = Item()
        return [InFlight(key, item, nothing) for key, item in keyed]

    async def run(self, states: Sequence[InFlight[T, R]], context: Context) -> Item:
        """Call a batch, record the outcome of each item in its state, and return what all calls did.

        A batch that is refused as a whole is split, because one invalid item may be the reason. Each part has a
        separate `Item`, so that an outcome only depends on the calls that its item was in.
        """
        total = Item(outer=self.items.outer)
        groups, splits = deque([list(states)]), _SPLITS
        while groups:
            group = groups.popleft()
            keys = [state.key for state in group]
            calls = Item(before_unsafe=self._for_all(keys, Journal.record_unsafe), outer=total)
            for state in group:
                state.calls = calls
            started = anyio.current_time()
            result, raised = await self.items.perform(
                functools.partial(_called, self.call, [state.item for state in group]), calls, context
            )
            if len(group) > 1 and splits and self._may_split(raised, calls):
                splits -= 1
                if calls.unsafe_sent:
                    await self._withdraw(keys)
                # The service has handled nothing so far; of other libraries' clients that is not known.
                waiting = Item(connections=calls.connections)
                for state in group:
                    state.calls = waiting
                half = len(group) // 2
                groups += group[:half], group[half:]
                continue
            elapsed = anyio.current_time() - started
            for state, (value, error) in zip(group, self._results(keys, result, raised), strict=True):
                state.outcome = self.items.outcome_of(state, value, error, elapsed)
            await gather(functools.partial(self.items.record, state) for state in group)
        return total

    def _for_all(self, keys: Sequence[str], write: Callable[[Journal, str], Awaitable[None]]) -> _Write | None:
        """Return a function that writes something for each key; None if there is no journal."""
        journal = self.items.journal
        if journal is None:
            return None

        async def write_all() -> None:
            await gather(functools.partial(write, journal, key) for key in keys)

        return write_all

    async def _withdraw(self, keys: Sequence[str]) -> None:
        write_all = self._for_all(keys, Journal.withdraw_unsafe)
        if write_all is not None:
            # If it fails, recording the outcomes fails too, and ends the run.
            with contextlib.suppress(JournalError):
                await write_all()

    def _may_split(self, raised: Exception | None, calls: Item) -> bool:
        """Return whether a batch may be called again in parts: certainly nothing was handled that must not be repeated.

        What holds for one item may be the reason why all were refused, by the service or before anything was sent.
        """
        if isinstance(raised, ConfigurationError):
            return not calls.sent and self.items.signal.error is None
        refused = isinstance(raised, BadRequest | NotFound | Conflict) and self.batching.may_split
        return refused and not (calls.without_response or calls.ambiguous or calls.unsafe_done)

    def _results(
        self, keys: Sequence[str], result: object, raised: Exception | None
    ) -> list[tuple[Any, Exception | None]]:
        """Return the value and the error of each item of a batch, from what its call returned or raised."""
        if raised is None:
            try:
                return _read(keys, result)
            except Exception as error:  # noqa: BLE001 - the user's call may return objects that raise anything
                # It would be the same for every batch, and the service has handled this one.
                raised = DecodeError(
                    "the call of a batch must return a BatchResult or None, or a pager whose items have an item_id, "
                    f"not {_shown(result)}: {safe_str(error)}"
                )
                self.items.signal.fail(raised, str(raised))
        return [(None, raised)] * len(keys)


@attrs.frozen
class _Everything:
    """All items of a pager."""

    items: tuple[object, ...]


def _called(call: Callable[..., Any], batch: Sequence[object]) -> Awaitable[object]:
    returned: Awaitable[object] = call(batch)
    return _read_all(returned) if isinstance(returned, Pager) else returned


async def _read_all(pager: Pager[object]) -> _Everything:
    return _Everything(tuple([item async for item in pager]))


def _shown(value: object) -> str:
    try:
        return f"{value!r:.80}"
    except Exception:  # noqa: BLE001 - the user's object may raise anything
        return f"a {type(value).__name__}"


def _read(keys: Sequence[str], result: object) -> list[tuple[Any, Exception | None]]:
    """Return the value and the error of each item; raises anything if the result is not one."""
    if result is None:
        return [(None, None)] * len(keys)
    if not isinstance(result, BatchResult | _Everything):
        raise TypeError("it is neither")
    found: dict[int | None, Any] = {_position(item): item for item in result.items}
    failed: dict[int, BatchItem] = {}
    unnamed: BatchItem | None = None
    for failure in result.failures if isinstance(result, BatchResult) else ():
        # Of a single item, it does not matter how the response names it.
        position = _position(failure) if len(keys) > 1 else 0
        if position is not None and position < len(keys):
            failed.setdefault(position, failure)
        else:
            unnamed = unnamed or failure
    operation, request_id = (result.operation, result.request_id) if isinstance(result, BatchResult) else (None, None)
    said_of = functools.partial(BatchItemFailed, operation=operation, request_id=request_id)
    results: list[tuple[Any, Exception | None]] = []
    for position, key in enumerate(keys):
        if position in failed:
            results.append((None, said_of(key, failed[position])))
        elif unnamed is not None:
            # The service does not say which item it is: any of those without an error may be.
            results.append((None, said_of(key, unnamed, is_certain=False)))
        else:
            results.append((found.get(position), None))
    return results


def _position(entry: object) -> int | None:
    """Return the position in the batch of the item that an entry of the response is about."""
    item_id = str(entry.item_id)  # type: ignore[attr-defined]
    return int(item_id) if item_id.isdecimal() and len(item_id) <= _DIGITS else None
