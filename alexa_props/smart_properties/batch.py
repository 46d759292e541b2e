"""Results of batches. No page documents their form, so the outcome of each item is looked for in several places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from alexa_props.codec import MAX_ITEMS, Lenient
from alexa_props.errors import DecodeError
from alexa_props.responses import first_string

__all__ = ["BatchItem", "BatchResult", "Batching", "batched", "read_batch"]

_LISTS: Final = ("results", "items", "errors")
_FAILED: Final = frozenset({"FAILED", "FAILURE", "ERROR"})
_LEAST_ERROR: Final = 400
_STATUS_DIGITS: Final = 3


F = TypeVar("F", bound=Callable[..., object])


@attrs.frozen
class Batching:
    """How `fleet.run_many` calls a method for many items."""

    size: int
    """Items per call."""
    may_split: bool = True
    """Whether a batch that was refused as a whole may be sent again in halves."""


def batched(size: int, *, may_split: bool = True) -> Callable[[F], F]:
    """Mark a method as one that takes up to `size` items per call.

    The items are the first argument after those that all items share, such as the id of a skill.
    """

    def mark(method: F) -> F:
        method.batching = Batching(size, may_split)  # type: ignore[attr-defined]
        return method

    return mark


@attrs.frozen
class BatchItem(Lenient):
    """What the service says about one item of a batch."""

    item_id: str | None = None
    """As the request names the item: its position, from "0"."""
    status: str | None = None
    """An HTTP status such as "404", or a word."""
    code: str | None = None
    message: str | None = None
    failed: bool = False
    """Whether it is an error. Inferred from where it is and what it holds."""

    @property
    def http_status(self) -> int | None:
        """The status as a number, if it is one of HTTP."""
        is_one = self.status is not None and self.status.isdecimal() and len(self.status) == _STATUS_DIGITS
        return int(self.status or "") if is_one else None


@attrs.frozen
class BatchResult(Lenient):
    """What the service says about the items of a batch. Empty if it says nothing: then it accepted all of them.

    `raw` of a response that is a list has it as "results".
    """

    items: tuple[BatchItem, ...] = ()
    operation: str | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)
    """Such as "skills.enable_many"; None if the response had no body."""
    request_id: str | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)
    """Request id of the response; None if it had no body."""

    @property
    def failures(self) -> tuple[BatchItem, ...]:
        """The items that failed."""
        return tuple(item for item in self.items if item.failed)


def read_batch(body: Any) -> BatchResult:
    """Return the result from parsed JSON; raises `DecodeError` if it has another form, or too many items."""
    if isinstance(body, list):
        body = {"results": body}
    if not isinstance(body, dict):
        raise DecodeError("the response is neither an object nor a list")
    found = [
        _item(entry, is_error=name == "errors") if isinstance(entry, dict) else _unnamed(entry)
        for name in _LISTS
        for entry in _entries(name, body.get(name))
        if isinstance(entry, dict) or (name == "errors" and entry)
    ]
    return BatchResult(tuple(found), raw=body)


def _entries(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        # Anything else than a list of errors is an error too.
        return [value] if name == "errors" else []
    if len(value) > MAX_ITEMS:
        raise DecodeError(f"an array of at most {MAX_ITEMS:,} was expected, not one of {len(value):,} @ {name}")
    return value


def _item(entry: dict[str, Any], *, is_error: bool) -> BatchItem:
    nested = entry.get("error")
    error = nested if isinstance(nested, dict) else entry
    status = _text(entry, "statusCode", "status", "httpStatus")
    item = BatchItem(
        _text(entry, "itemId"),
        status,
        first_string(error, "code", "type", "error"),
        first_string(error, "message", "description"),
        raw=entry,
    )
    # Python refuses to convert thousands of digits.
    number = int(status[:_STATUS_DIGITS]) if status and status.isdecimal() else 0
    failed = (status or "").upper() in _FAILED or number >= _LEAST_ERROR
    return attrs.evolve(item, failed=is_error or failed or bool(nested))


def _unnamed(entry: object) -> BatchItem:
    """Return an error that is no object, and so does not say which item it is about."""
    return BatchItem(message=entry if isinstance(entry, str) else None, failed=True)


def _text(entry: dict[str, Any], *names: str) -> str | None:
    """Return the first of these members that is a string or a whole number, as text."""
    for value in map(entry.get, names):
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
            return str(int(value))
    return None
