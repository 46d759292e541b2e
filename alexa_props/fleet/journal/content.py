"""The content of a journal, as it is shown."""

from __future__ import annotations

from typing import Literal

import attrs

from alexa_props.fleet.journal.changes import Row
from alexa_props.fleet.journal.records import read_record
from alexa_props.fleet.outcome import Failure

__all__ = ["JournalContent", "Record", "record_of"]


@attrs.frozen
class Record:
    """The record of one item."""

    key: str
    status: Literal["started", "done", "failed", "unknown"]
    """"started": it is in flight, or a run was interrupted. The next run repeats it, unless it must not be repeated;
    then it is "unknown"."""
    run: int
    """The number of its latest run, from 1."""
    failures: tuple[Failure, ...] = ()
    """What went wrong."""


@attrs.frozen
class JournalContent:
    """A journal as it was at one moment."""

    job: str
    """The name of the work that it records."""
    runs: int
    """The number of runs."""
    is_open: bool
    """Whether a run uses it, or was killed while it did."""
    records: tuple[Record, ...]
    """The items, by key."""


def record_of(row: Row) -> Record:
    """Return what is shown of the record of an item."""
    if row.status == "done":
        return Record(row.key, "done", row.run)
    if row.status == "started" and not row.unsafe_sent:
        return Record(row.key, "started", row.run)
    ended = read_record(row.key, row.status, row.story)
    return Record(row.key, ended.status, row.run, ended.failures)
