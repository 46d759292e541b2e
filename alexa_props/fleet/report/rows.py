"""The rows of a report: one per outcome, one per failed device, or one per failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.fleet.names import NO_NAMES, KnownNames, Place, place_of
from alexa_props.fleet.outcome import Failure, Outcome

__all__ = [
    "FAILURE_COLUMNS",
    "OUTCOME_COLUMNS",
    "FailureRow",
    "Groups",
    "device_rows",
    "failure_row",
    "failure_rows",
    "group_by",
    "outcome_row",
    "place_in",
]

_SHOWN: Final = ("name", "property_name", "path")
OUTCOME_COLUMNS: Final[dict[str, type]] = {
    **dict.fromkeys(_SHOWN, str),
    "status": str,
    "attempts": int,
    "elapsed": float,
    "failures": int,
    "code": str,
    "description": str,
    "operation": str,
    "request_id": str,
    "property_id": str,
    "key": str,
    "endpoint_ids": list,
}
"""Columns of a row per outcome, and their types: names first, ids last."""
FAILURE_COLUMNS: Final[dict[str, type]] = dict.fromkeys(
    (
        *(*_SHOWN, "device", "step", "status", "code", "description", "operation", "request_id"),
        *("property_id", "key", "endpoint_id"),
    ),
    str,
)
"""Columns of a row per failed device or failure, and their types."""


@attrs.frozen(kw_only=True)
class FailureRow(Failure):
    """A `Failure` and its item."""

    key: str
    """The key of the item."""
    property_id: str | None = None
    """The property that the item belongs to; None if the item has no attribute `property_id`."""
    property_name: str | None = None
    """The name of the property."""
    name: str | None = None
    """The name of the item, such as "Room 320"; None if it is unknown."""
    path: str | None = None
    """The names above the item, such as "Seaside 1 / Floor 3"; None if they are unknown."""

    @property
    def device(self) -> str | None:
        """The name of the device: `endpoint_name`."""
        return self.endpoint_name


Groups: TypeAlias = dict[str | None, tuple[FailureRow, ...]]
"""Failures by a value that they share."""


def failure_rows(outcome: Outcome[Any, Any], known: KnownNames = NO_NAMES) -> Iterator[FailureRow]:
    """Return the failures of an outcome, with the names that the item or its steps say, or else the known ones."""
    if outcome.error is None:
        return
    found = place_in(outcome, known)
    place = {name: getattr(found, name) for name in (*_SHOWN, "property_id")}
    for failure in outcome.failures:
        name = failure.endpoint_name or known.devices.get(failure.endpoint_id or "")
        named = attrs.evolve(failure, endpoint_name=name)
        yield FailureRow(key=str(outcome.key), **place, **attrs.asdict(named, recurse=False))


def device_rows(rows: Iterable[FailureRow]) -> Iterator[FailureRow]:
    """Join the failures of each device of an outcome, and those of the item as a whole.

    Steps, codes and operations are joined, each once. The description and the request id are those of the first
    failure; the status is "unknown" if one of them is.
    """
    devices: dict[str | None, list[FailureRow]] = {}
    for row in rows:
        devices.setdefault(row.endpoint_id, []).append(row)
    for same in devices.values():
        yield same[0] if len(same) == 1 else _joined(same)


def failure_row(row: FailureRow) -> dict[str, Any]:
    """Return a failure as a dict of `FAILURE_COLUMNS`."""
    return {name: getattr(row, name) for name in FAILURE_COLUMNS}


def outcome_row(outcome: Outcome[Any, Any], known: KnownNames = NO_NAMES) -> dict[str, Any]:
    """Return an outcome as a dict of `OUTCOME_COLUMNS`."""
    failures = list(device_rows(failure_rows(outcome, known)))
    first = outcome.failures[0] if failures else None
    place = place_in(outcome, known)
    return {
        **{name: getattr(place, name) for name in _SHOWN},
        "status": outcome.status,
        "attempts": outcome.attempts,
        "elapsed": outcome.elapsed,
        "failures": len(failures),
        "code": first and first.code,
        "description": first and first.description,
        "operation": first and first.operation,
        "request_id": first and first.request_id,
        "property_id": place.property_id,
        "key": str(outcome.key),
        "endpoint_ids": [failure.endpoint_id for failure in failures if failure.endpoint_id],
    }


def group_by(rows: Iterable[FailureRow], name: str) -> Groups:
    """Return the rows by the value of an attribute, the most frequent value first."""
    groups: dict[str | None, list[FailureRow]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0] or ""))
    return {value: tuple(members) for value, members in ordered}


def place_in(outcome: Outcome[Any, Any], known: KnownNames) -> Place:
    """Return what the item of an outcome is called, by itself or else by the known names."""
    place = place_of(outcome.item)
    other = known.places.get(str(outcome.key))
    return place if other is None else place.or_else(other)


def _joined(rows: Sequence[FailureRow]) -> FailureRow:
    return attrs.evolve(
        rows[0],
        status="unknown" if any(row.status == "unknown" for row in rows) else rows[0].status,
        code=_each_once(row.code for row in rows) or rows[0].code,
        step=_each_once(row.step for row in rows),
        operation=_each_once(row.operation for row in rows),
    )


def _each_once(texts: Iterable[str | None]) -> str | None:
    return ", ".join(dict.fromkeys(text for text in texts if text)) or None
