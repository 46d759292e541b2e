"""The rows of a report: one per outcome, or one per failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.fleet.outcome import Failure, Outcome

__all__ = ["FAILURE_COLUMNS", "OUTCOME_COLUMNS", "FailureRow", "Groups", "failure_rows", "group_by", "outcome_row"]

_PROPERTY: Final = ("property_id", "property_name")
OUTCOME_COLUMNS: Final[dict[str, type]] = {
    "key": str,
    **dict.fromkeys(_PROPERTY, str),
    "status": str,
    "attempts": int,
    "elapsed": float,
    "failures": int,
    "code": str,
    "description": str,
    "operation": str,
    "request_id": str,
    "endpoint_ids": list,
}
"""Columns of a row per outcome, and their types."""
FAILURE_COLUMNS: Final[dict[str, type]] = dict.fromkeys(
    ("key", *_PROPERTY, "endpoint_id", "step", "status", "code", "description", "operation", "request_id"), str
)
"""Columns of a row per failure, and their types."""


@attrs.frozen(kw_only=True)
class FailureRow(Failure):
    """A `Failure` and its item."""

    key: str
    """The key of the item."""
    property_id: str | None
    """The property that the item belongs to; None if the item has no attribute `property_id`."""
    property_name: str | None
    """The name of the property."""


Groups: TypeAlias = dict[str | None, tuple[FailureRow, ...]]
"""Failures by a value that they share."""


def failure_rows(outcome: Outcome[Any, Any]) -> Iterator[FailureRow]:
    """Return the failures of an outcome."""
    if outcome.error is None:
        return
    where = _property(outcome.item)
    for failure in outcome.failures:
        yield FailureRow(key=str(outcome.key), **where, **attrs.asdict(failure, recurse=False))


def outcome_row(outcome: Outcome[Any, Any]) -> dict[str, Any]:
    """Return an outcome as a dict of `OUTCOME_COLUMNS`."""
    failures = outcome.failures
    first = failures[0] if failures else None
    return {
        "key": str(outcome.key),
        **_property(outcome.item),
        "status": outcome.status,
        "attempts": outcome.attempts,
        "elapsed": outcome.elapsed,
        "failures": len(failures),
        "code": first and first.code,
        "description": first and first.description,
        "operation": first and first.operation,
        "request_id": first and first.request_id,
        "endpoint_ids": list(dict.fromkeys(failure.endpoint_id for failure in failures if failure.endpoint_id)),
    }


def group_by(rows: Iterable[FailureRow], name: str) -> Groups:
    """Return the rows by the value of an attribute, the most frequent value first."""
    groups: dict[str | None, list[FailureRow]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0] or ""))
    return {value: tuple(members) for value, members in ordered}


def _property(item: object) -> dict[str, Any]:
    found = {name: getattr(item, name, None) for name in _PROPERTY}
    return {name: None if value is None else str(value) for name, value in found.items()}
