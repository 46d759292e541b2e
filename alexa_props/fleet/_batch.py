"""A batch of items: one call for all of them, an outcome for each."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Final, Generic, TypeVar

import anyio
import attrs

from alexa_props.arguments import require_whole
from alexa_props.concurrency import gather
from alexa_props.errors import BadRequest, ConfigurationError, Conflict, NotFound
from alexa_props.fleet._item import InFlight, ItemCalls
from alexa_props.fleet.journal import Begun
from alexa_props.fleet.outcome import BatchItemFailed
from alexa_props.item import Item
from alexa_props.paging import Pager
from alexa_props.smart_properties.batch import Batching, BatchResult

__all__ = ["BatchCall", "BatchCalls", "BatchRead", "batching_of"]

T = TypeVar("T")
R = TypeVar("R")

BatchCall = Callable[[Sequence[T]], Awaitable[BatchResult | None]]
"""A function that writes the items of a batch."""
BatchRead = Callable[[Sequence[T]], Pager[R]]
"""A function that reads the items of a batch."""

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

    call: BatchCall[T] | BatchRead[T, Any]
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
        """Return the states of the items of a batch that is about to be called. They share what its calls did."""
        journal = self.items.journal
        keys = [key for key, _ in keyed]
        shared = Item(outer=self.items.outer)
        if journal is not None:

            async def record_unsafe() -> None:
                await gather(functools.partial(journal.record_unsafe, key) for key in keys)

            shared.before_unsafe = record_unsafe
        return [InFlight(key, item, shared) for key, item in keyed]

    async def run(self, states: Sequence[InFlight[T, R]], context: Context) -> None:
        """Call a batch, and record the outcome of each item in its state.

        A batch that is refused as a whole is split, because one invalid item may be the reason.
        """
        groups, splits = deque([list(states)]), _SPLITS if self.batching.may_split else 0
        while groups:
            group = groups.popleft()
            started = anyio.current_time()
            calls = group[0].calls
            result, raised = await self.items.perform(
                functools.partial(_called, self.call, [state.item for state in group]), calls, context
            )
            if len(group) > 1 and splits and _is_refused(raised, calls):
                splits -= 1
                half = len(group) // 2
                groups += group[:half], group[half:]
                continue
            elapsed = anyio.current_time() - started
            errors = [raised] * len(group) if raised is not None else _errors(result, [state.key for state in group])
            items = result.items if isinstance(result, BatchResult | _Everything) else ()
            found: dict[int | None, Any] = {_position(item): item for item in items}
            for position, (state, error) in enumerate(zip(group, errors, strict=True)):
                value = None if error is not None else found.get(position)
                state.outcome = self.items.outcome_of(state, value, error, elapsed)
            await gather(functools.partial(self.items.record, state) for state in group)


@attrs.frozen
class _Everything:
    """All items of a pager."""

    items: tuple[object, ...]


def _called(call: BatchCall[T] | BatchRead[T, Any], batch: Sequence[T]) -> Awaitable[object]:
    returned = call(batch)
    return _read_all(returned) if isinstance(returned, Pager) else returned


async def _read_all(pager: Pager[object]) -> _Everything:
    return _Everything(tuple([item async for item in pager]))


def _position(entry: object) -> int | None:
    """Return the position in the batch of the item that an entry of the response is about."""
    item_id = str(getattr(entry, "item_id", ""))
    return int(item_id) if item_id.isdecimal() else None


def _is_refused(raised: Exception | None, calls: Item) -> bool:
    """Return whether the service refused a batch for what it holds, and certainly handled none of it."""
    return isinstance(raised, BadRequest | NotFound | Conflict) and not (calls.without_response or calls.ambiguous)


def _errors(result: object, keys: Sequence[str]) -> list[Exception | None]:
    """Return the error of each item, by its position in the batch."""
    errors: list[Exception | None] = [None] * len(keys)
    if result is None or isinstance(result, _Everything):
        return errors
    if not isinstance(result, BatchResult):
        error = ConfigurationError(f"the call of a batch must return a BatchResult or None, not {result!r:.80}")
        return [error] * len(keys)
    said_of = functools.partial(BatchItemFailed, operation=result.operation, request_id=result.request_id)
    for failure in result.failures:
        position = _position(failure)
        if position is None or position >= len(keys):
            # The service does not say which item it is: any of those without an error may be.
            return [error or said_of(key, failure, is_certain=False) for error, key in zip(errors, keys, strict=True)]
        errors[position] = said_of(keys[position], failure)
    return errors
