"""Parts of a fleet, for engines that run jobs on several machines."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

import attrs

from alexa_props.arguments import require_text, require_whole
from alexa_props.concurrency import discard_awaitable, is_async
from alexa_props.errors import ConfigurationError
from alexa_props.fleet._source import iterator_of
from alexa_props.fleet.job import key_of

__all__ = ["Partition", "partition"]

T = TypeVar("T")

_BITS: Final = 64
"""Bits of the hash of a key that divide the items."""
_DIGITS: Final = 16
"""Hexadecimal digits of a hash in names."""


@attrs.frozen(repr=False)
class Partition(Generic[T]):
    """Some items of a fleet. It can be pickled if its items can, as strings and rooms can."""

    name: str
    """Letters, digits and hyphens. The same in every run while items come and go: use it for the journal."""
    digest: str
    """A hash of the keys. It differs once items come or go: use it with the name where an engine takes equal ids for
    equal work."""
    group: str | None
    """What `by` returned for its items; None without `by`."""
    items: tuple[T, ...]
    """Sorted by key."""

    def __repr__(self) -> str:
        group = "" if self.group is None else f" of {self.group!r}"
        return f"<Partition {self.name}{group}: {len(self)} item{'' if len(self) == 1 else 's'}>"

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def partition(
    items: Iterable[T],
    *,
    size: int = 250,
    by: Callable[[T], str | None] | None = None,
    key: Callable[[T], str] | None = None,
) -> list[Partition[T]]:
    """Divide the items of a fleet into partitions, each the work of one task of an engine such as Dask or Temporal.

        for part in fleet.partition(rooms, by=lambda room: room.property_id):
            client.submit(work, part, key=f"alarms-{part.name}-{part.digest}")

    The items of a group are divided by hashes of their keys: into halves until none has more than `size`, so most
    partitions have between half of it and all of it. An item that comes or goes therefore changes one partition, and
    not its name. Only a partition that exceeds `size` is replaced by two with other names, and two that have become
    small enough are replaced by one.

    With a journal per name, the next run skips what was done, although items came or went. Items of a partition that
    was replaced are called again, because its journal has another name. If they must not be, resume with the same
    items.

    Args:
        items: An iterable of items. Read an async iterable into a list first.
        size: The most items of a partition, at least 1. Items of one key stay together.
        by: A function of an item that returns the name of its group, or None. No partition has items of two groups.
            Must not be async.
        key: As for `run` with a journal: a function that returns the string that identifies an item. None requires
            items that are strings or models with an id. Pass the same one to `run`.

    Returns:
        The partitions, sorted by group; none if there are no items.

    Raises:
        ConfigurationError: An argument is invalid, or two items of one key are in different groups.
        Exception: Whatever the items, `by` or `key` raise.

    """
    require_whole("size", size, 1)
    for name, function in (("by", by), ("key", key)):
        if function is not None and (not callable(function) or is_async(function)):
            raise ConfigurationError(f"{name} must be a function of an item that is not async, not {function!r:.80}")
    iterator = iterator_of(items)
    if isinstance(iterator, AsyncIterator):
        raise ConfigurationError(
            f"items must be an iterable, and {items!r:.80} is asynchronous: read it first, with "
            "[item async for item in items]"
        )
    groups: dict[str | None, list[_Keyed[T]]] = {}
    group_of_key: dict[str, str | None] = {}
    for item in iterator:
        own, group = str(key_of(item, key, recorded=True)), _group_of(item, by)
        if group_of_key.setdefault(own, group) != group:
            raise ConfigurationError(
                f"by returned {group_of_key[own]!r:.80} and later {group!r:.80} for items with the key {own!r:.80}: "
                "items with one key must be in one group"
            )
        groups.setdefault(group, []).append(_Keyed(_hash_of(own), own, item))
    ordered = sorted(groups.items(), key=lambda entry: (entry[0] is not None, entry[0] or ""))
    return [
        _partition_of(group, prefix, part)
        for group, members in ordered
        for prefix, part in _divide(sorted(members, key=lambda each: each.hash), size)
    ]


class _Keyed(NamedTuple, Generic[T]):
    hash: int
    key: str
    item: T


def _group_of(item: Any, by: Callable[[Any], str | None] | None) -> str | None:
    group = None if by is None else by(item)
    if group is None:
        return None
    if not isinstance(group, str):
        discard_awaitable(group)
        raise ConfigurationError(f"by must return a string or None for every item, not {group!r:.80}")
    # Not the room itself, if it is its own group.
    return str(require_text("by", group, "a function that returns text"))


def _divide(members: list[_Keyed[T]], size: int, prefix: str = "") -> Iterator[tuple[str, list[_Keyed[T]]]]:
    """Yield the parts of items that are sorted by hash, each with the first bits that its hashes share."""
    if len(members) <= size or members[0].hash == members[-1].hash:
        yield prefix, members
        return
    shift = _BITS - 1 - len(prefix)
    ones = next((at for at, each in enumerate(members) if each.hash >> shift & 1), len(members))
    for bit, part in (("0", members[:ones]), ("1", members[ones:])):
        if part:
            yield from _divide(part, size, prefix + bit)


def _partition_of(group: str | None, prefix: str, members: list[_Keyed[T]]) -> Partition[T]:
    members = sorted(members, key=lambda each: each.key)
    of_group = "items" if group is None else _hex(group)
    # With their lengths, so that no two lists of keys make the same text.
    digest = _hex("".join(f"{len(each.key)}:{each.key}" for each in members))
    return Partition("-".join(filter(None, (of_group, prefix))), digest, group, tuple(each.item for each in members))


def _hash_of(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[: _BITS // 8])


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
