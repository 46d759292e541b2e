"""Validation of Alexa for Business input, its filters and its sort criteria.

Whatever is wrong with the input is raised as a `Problem`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TypeVar

import attrs

from alexa_props.simulator.inventory import Device, User
from alexa_props.simulator.responses import Problem

__all__ = [
    "DEVICE_KEYS",
    "LONGEST_TOKEN",
    "USER_KEYS",
    "Filter",
    "Keys",
    "arn",
    "choice",
    "criteria",
    "network_profile_name",
    "search",
    "size",
    "text",
]

T = TypeVar("T")

MOST_RESULTS = 50
MOST_FILTERS = 25
MOST_VALUES = 50
LONGEST_KEY = 500
LONGEST_TOKEN = 1100

_ARN = re.compile(r"arn:[a-z0-9.-]{1,63}:[a-z0-9.-]{0,63}:[a-z0-9.-]{0,63}:[a-z0-9.-]{0,63}:[^/].{0,1023}", re.DOTALL)


def _violation(value: object, member: str, rule: str) -> NoReturn:
    text = f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"
    raise Problem(400, f"1 validation error detected: {text}")


def _mistyped(member: str, expected: str) -> NoReturn:
    raise Problem(400, f"{member} is not {expected}", "SerializationException")


def text(body: Mapping[str, object], member: str, most: int, *, required: bool = False) -> str | None:
    """Return a string member, if it is there."""
    value = body.get(member)
    if value is None:
        if required:
            _violation("null", member, "not be null")
        return None
    if not isinstance(value, str):
        _mistyped(member, "a string")
    if not value:
        _violation(value, member, "have length greater than or equal to 1")
    if len(value) > most:
        _violation(value, member, f"have length less than or equal to {most}")
    return value


def arn(body: Mapping[str, object], member: str) -> str:
    """Return a required ARN."""
    value = text(body, member, 2048, required=True) or ""
    if not _ARN.fullmatch(value):
        _violation(value, member, f"satisfy regular expression pattern: {_ARN.pattern}")
    return value


def choice(body: Mapping[str, object], member: str, values: Sequence[str], *, required: bool = False) -> str | None:
    """Return a member with a fixed set of values, if it is there."""
    value = text(body, member, LONGEST_KEY, required=required)
    if value is not None and value not in values:
        _violation(value, member, f"satisfy enum value set: [{', '.join(values)}]")
    return value


def size(body: Mapping[str, object]) -> int:
    """Return the page size from 1 to 50; 50 if not given."""
    value = body.get("MaxResults")
    if value is None:
        return MOST_RESULTS
    if not isinstance(value, int) or isinstance(value, bool):
        _mistyped("MaxResults", "an integer")
    if value < 1:
        _violation(value, "maxResults", "have value greater than or equal to 1")
    if value > MOST_RESULTS:
        _violation(value, "maxResults", f"have value less than or equal to {MOST_RESULTS}")
    return value


def _structures(body: Mapping[str, object], member: str) -> list[Mapping[str, object]]:
    value = body.get(member)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        _mistyped(member, "a list of structures")
    if len(value) > MOST_FILTERS:
        _violation(f"{len(value)} members", member, f"have length less than or equal to {MOST_FILTERS}")
    return value


@attrs.frozen
class Filter:
    """One filter: any of these values."""

    key: str
    values: tuple[str, ...]


@attrs.frozen
class Criterion:
    """One sort criterion."""

    key: str
    descending: bool


@attrs.frozen
class Keys:
    """The keys to filter and sort by."""

    filters: Mapping[str, Callable[[object], tuple[str, ...]]]
    """Returns the values that an item has for each filter key."""
    sorts: frozenset[str]
    """The filter keys that can be sorted by."""


def _values(each: Mapping[str, object]) -> tuple[str, ...]:
    values = each.get("Values")
    if values is None:
        _violation("null", "Values", "not be null")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        _mistyped("Values", "a list of strings")
    if len(values) > MOST_VALUES:
        _violation(f"{len(values)} members", "Values", f"have length less than or equal to {MOST_VALUES}")
    for value in values:
        if not 1 <= len(value) <= LONGEST_KEY:
            _violation(value, "Values", f"have length between 1 and {LONGEST_KEY}")
    return tuple(values)


def criteria(body: Mapping[str, object], keys: Keys) -> tuple[tuple[Filter, ...], tuple[Criterion, ...]]:
    """Return the filters and sort criteria of a search."""
    filters = []
    for each in _structures(body, "Filters"):
        key = text(each, "Key", LONGEST_KEY, required=True) or ""
        filters.append(Filter(key, _values(each)))
        if key not in keys.filters:
            _violation(key, "Key", f"be one of the filter keys {', '.join(keys.filters)}")
        if key == "UnassociatedOnly" and not {value.lower() for value in filters[-1].values} <= {"true", "false"}:
            _violation(filters[-1].values, "Values", "be true or false")
    sorts = []
    for each in _structures(body, "SortCriteria"):
        key = text(each, "Key", LONGEST_KEY, required=True) or ""
        sorts.append(Criterion(key, choice(each, "Value", ("ASC", "DESC"), required=True) == "DESC"))
        if key not in keys.sorts:
            _violation(key, "Key", f"be one of the sort keys {', '.join(sorted(keys.sorts))}")
    return tuple(filters), tuple(sorts)


def search(items: Sequence[T], keys: Keys, filters: Sequence[Filter], sorts: Sequence[Criterion]) -> list[T]:
    """Return the items that pass all filters, sorted. Equal items stay in order.

    An item without a value for a sort key comes first in ascending order.
    """
    found = list(items)
    for each in filters:
        get, wanted = keys.filters[each.key], {_folded(each.key, value) for value in each.values}
        found = [item for item in found if not wanted.isdisjoint(get(item))]
    for criterion in reversed(sorts):
        found.sort(key=keys.filters[criterion.key], reverse=criterion.descending)
    return found


def _folded(key: str, value: str) -> str:
    # "Not only the unassociated ones" means all.
    return value.lower() if key == "UnassociatedOnly" else value


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _of_device(get: Callable[[Device], tuple[str, ...]]) -> Callable[[object], tuple[str, ...]]:
    def values(item: object) -> tuple[str, ...]:
        return get(item) if isinstance(item, Device) else ()

    return values


def _of_user(get: Callable[[User], str]) -> Callable[[object], tuple[str, ...]]:
    def values(item: object) -> tuple[str, ...]:
        return (get(item),) if isinstance(item, User) else ()

    return values


def network_profile_name(device: Device) -> str | None:
    """The name of a device's network profile."""
    return "Guest Wi-Fi" if device.network_profile else None


_DEVICE_FILTERS: dict[str, Callable[[Device], tuple[str, ...]]] = {
    "DeviceName": lambda device: (device.name,),
    "DeviceStatus": lambda device: (device.status,),
    "DeviceStatusDetailCode": lambda device: tuple(detail.code for detail in device.details),
    "RoomName": lambda device: _one(device.room.name if device.room else None),
    "DeviceType": lambda device: (device.type,),
    "DeviceSerialNumber": lambda device: (device.serial_number,),
    "UnassociatedOnly": lambda device: ("false",) if device.room else ("true", "false"),
    "ConnectionStatus": lambda device: (device.connection_status,),
    "NetworkProfileName": lambda device: _one(network_profile_name(device)),
    "NetworkProfileArn": lambda device: _one(device.network_profile),
    "Feature": lambda device: tuple(detail.feature for detail in device.details if detail.feature),
    "FailureCode": lambda device: tuple(detail.code for detail in device.details),
}
_USER_FILTERS: dict[str, Callable[[User], str]] = {
    "UserId": lambda user: user.id,
    "FirstName": lambda user: user.first_name,
    "LastName": lambda user: user.last_name,
    "Email": lambda user: user.email,
    "EnrollmentStatus": lambda user: user.enrollment_status,
}

DEVICE_KEYS = Keys(
    {key: _of_device(get) for key, get in _DEVICE_FILTERS.items()},
    frozenset(_DEVICE_FILTERS) - {"DeviceStatusDetailCode", "UnassociatedOnly"},
)
USER_KEYS = Keys({key: _of_user(get) for key, get in _USER_FILTERS.items()}, frozenset(_USER_FILTERS))
