"""`alexa-props journal`: the rooms in a journal of `fleet run`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
import typer

from alexa_props.cli.exit import run
from alexa_props.cli.rows import Rows
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.steps import joined_by_device
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError

if TYPE_CHECKING:
    from alexa_props.cli.names import Names
    from alexa_props.fleet.journal import JournalContent, Record

__all__ = ["journal"]

journal = typer.Typer(no_args_is_help=True, help="Show the journal of a fleet run.")

_COLUMNS: Final = (
    *("room", "path", "device", "step", "status", "run", "code", "description"),
    *("endpoint_id", "unit_id"),
)
_TABLE: Final = ("room", "path", "device", "step", "status", "code", "unit_id")


@journal.command("show")
@with_shared_options("refresh", "verbose")
def show(
    *,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="The journal: a file, or postgresql://user@host/database#name.", show_default=False
        ),
    ],
    access: Access,
) -> None:
    """Show the rooms in a journal, also during a run.

    Prints room, path, device, step, status, number of the run, code, description and ids: a row per failure, and one
    per room without failures. A table has a row per failed device, and no rooms that are done. "started" means in
    flight or interrupted; the next run repeats the room.

    Nothing is sent. Names come from earlier commands.

    Example: alexa-props journal show reset.db --output csv
    """
    run(_show(file, access))


async def _show(file: str, access: Access) -> None:
    from alexa_props.fleet.journal import place_of  # help and completion do without

    place = place_of(file)
    content = place.read()
    try:
        async with session(access) as opened:
            found = _rows(content, opened.names)
    except ConfigurationError:
        # Without a login there are no names.
        found = _rows(content, None)
    rows = Rows(_COLUMNS, access, table=_TABLE)
    if rows.is_table:
        found = joined_by_device([row for row in found if row["status"] != "done"])
    with rows:
        for row in found:
            rows.add(row)
    note(_summary(place.name, content))


def _rows(content: JournalContent, names: Names | None) -> list[dict[str, Any]]:
    """Return the rows in the order of the names."""
    from alexa_props.inventory.names import natural  # help and completion do without

    rows = [row for record in content.records for row in _rows_of(record, names)]
    return sorted(rows, key=lambda row: (natural(row["path"] or ""), natural(row["room"] or "")))


def _rows_of(record: Record, names: Names | None) -> list[dict[str, Any]]:
    place = {"room": None, "path": None} if names is None else names.describe(names.known(record.key))
    item = {"run": record.run, "unit_id": record.key}
    if not record.failures:
        empty = dict.fromkeys(("device", "step", "code", "description", "endpoint_id"))
        return [{**place, **empty, **item, "status": record.status}]
    return [
        {**place, "device": _device(failure.endpoint_id, names), **attrs.asdict(failure), **item}
        for failure in record.failures
    ]


def _device(endpoint_id: str | None, names: Names | None) -> str | None:
    return None if endpoint_id is None or names is None else names.known_device(endpoint_id).friendly_name


def _summary(name: str, content: JournalContent) -> str:
    counts = Counter(record.status for record in content.records)
    parts = [f"{counts[status]:,} {status}" for status in ("done", "failed", "unknown", "started") if counts[status]]
    runs = "1 run" if content.runs == 1 else f"{content.runs:,} runs"
    state = "; a run uses it, or was interrupted" if content.is_open else ""
    return f"{name}: job {content.job!r}, {runs}: {', '.join(parts) or 'no rooms'}{state}"
