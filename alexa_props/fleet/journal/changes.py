"""How a run changes the records of its items: pure functions of the records that exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

from alexa_props.errors import JournalError
from alexa_props.fleet.journal.records import Begun, Earlier, read_record, story_of

__all__ = ["Row", "Rows", "apply", "begin", "end", "record_unsafe"]


@attrs.frozen
class Row:
    """The record of an item."""

    key: str
    run: int
    """The number of the latest run that had the item."""
    status: str
    """started, done, failed or unknown."""
    unsafe_sent: bool = False
    """Whether a request that must not be sent twice was about to be sent."""
    handled: bool = True
    """False: the item failed, and the service handled none of what failed."""
    story: str | None = None
    """What went wrong, as JSON."""


Rows: TypeAlias = dict[str, Row]
"""Records by key."""


def apply(change: Callable[[Rows], None], found: Rows) -> list[Row]:
    """Apply a change to the records that were found. Return those that are new or changed."""
    rows = dict(found)
    change(rows)
    return [row for key, row in rows.items() if row is not found.get(key)]


def begin(rows: Rows, key: str, *, run: int, retry_failed: bool) -> Begun:
    """Record that an item is about to be sent, unless it must not be; see `Begun`."""
    found = rows.get(key)
    if found is not None:
        if found.run == run:
            return "twice"
        if found.status == "done":
            return Earlier("done")
        repeat = (retry_failed or not found.handled) if found.status == "failed" else not found.unsafe_sent
        if not repeat:
            ended = read_record(key, found.status, found.story)
            rows[key] = attrs.evolve(found, run=run)
            return ended
    rows[key] = Row(key, run, "started")
    return "go"


def record_unsafe(rows: Rows, key: str, *, sent: bool) -> None:
    """Record that a request that must not be sent twice is about to be sent, or that the service handled none of it."""
    rows[key] = attrs.evolve(_existing(rows, key), unsafe_sent=sent)


def end(rows: Rows, key: str, ended: Earlier, *, run: int, handled: bool) -> None:
    """Record how an item ended."""
    rows[key] = Row(key, run, ended.status, _existing(rows, key).unsafe_sent, handled, story_of(ended))


def _existing(rows: Rows, key: str) -> Row:
    if key not in rows:
        raise JournalError(f"the record of {key!r:.80} was deleted while a run held the journal")
    return rows[key]
