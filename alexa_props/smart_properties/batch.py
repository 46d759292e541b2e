"""Results of batches. No page documents their form, so the outcome of each item is looked for in several places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from alexa_props.codec import Lenient
from alexa_props.errors import DecodeError
from alexa_props.responses import first_string

__all__ = ["BatchItem", "BatchResult", "Batching", "batched", "read_batch"]

_LISTS: Final = ("results", "items", "errors")
_FAILED: Final = frozenset({"FAILED", "FAILURE", "ERROR"})
_LEAST_ERROR: Final = 400


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


@attrs.frozen
class BatchResult(Lenient):
    """What the service says about the items of a batch. Empty if it says nothing: then it accepted all of them."""

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
    """Return the result from parsed JSON; raises `DecodeError` if it is no object."""
    if not isinstance(body, dict):
        raise DecodeError("the response is not an object")
    found = [
        _item(entry, is_error=name == "errors")
        for name in _LISTS
        if isinstance(body.get(name), list)
        for entry in body[name]
        if isinstance(entry, dict)
    ]
    return BatchResult(tuple(found), raw=body)


def _item(entry: dict[str, Any], *, is_error: bool) -> BatchItem:
    nested = entry.get("error")
    error = nested if isinstance(nested, dict) else entry
    status = _text(entry, "statusCode", "status", "httpStatus")
    if status is not None:
        is_error |= status.upper() in _FAILED or (status.isdecimal() and int(status) >= _LEAST_ERROR)
    return BatchItem(
        _text(entry, "itemId"),
        status,
        first_string(error, "code", "type", "error"),
        first_string(error, "message", "description"),
        is_error or bool(nested),
        raw=entry,
    )


def _text(entry: dict[str, Any], *names: str) -> str | None:
    """Return the first of these members that is a string or a whole number, as text."""
    values = (entry.get(name) for name in names)
    return next((str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)), None)
