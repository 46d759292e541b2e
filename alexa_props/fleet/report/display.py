"""A report for people: one line, tables in a notebook, and tables in a terminal."""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from alexa_props.fleet.report.rows import FailureRow, Groups, group_by
from alexa_props.tables import Column, Table, plain, to_html, to_text

__all__ = ["ReportTables", "summary"]

_MOST_LINES: Final = 50
"""Lines of each table."""
_MOST_CODES: Final = 5
"""Codes in the line of a summary."""
_MOST_STEPS: Final = 3
"""Steps of a device."""


def summary(
    counts: Mapping[str, int],
    *,
    noun: str,
    skipped: int,
    elapsed: float,
    stopped: str | None,
    failures: Sequence[FailureRow] = (),
    codes: Groups | None = None,
) -> str:
    """Return a line about a run.

    Args:
        counts: Outcomes by status.
        noun: What an item is: "room" or "item".
        skipped: Items without an outcome.
        elapsed: Seconds that it took.
        stopped: Why it ended early.
        failures: A row per failed device.
        codes: The failures by code, if the line is to name the most frequent ones.

    """
    parts = [f"{count:,} {status}" for status, count in counts.items()]
    if skipped:
        parts.append(f"{skipped:,} skipped")
    text = f"{_count(sum(counts.values()), noun)}: {', '.join(parts)}, in {elapsed:,.1f} s"
    if failures:
        text += f"; not done: {_extent(failures, noun)}"
    if codes:
        # Devices, and items that failed as a whole.
        frequent = [f"{code} ({len({(row.key, row.endpoint_id) for row in same}):,})" for code, same in codes.items()]
        more = ", …" if len(frequent) > _MOST_CODES else ""
        text += f"; most frequent: {', '.join(frequent[:_MOST_CODES])}{more}"
    return text + (f"; stopped: {stopped}" if stopped else "")


@attrs.frozen(repr=False)
class ReportTables:
    """The tables of a report. Notebooks, `print` and `rich.print` show them."""

    _title: str
    _noun: str
    _rows: Sequence[FailureRow]
    """What the table of failures shows: a row per device, or per failure."""
    _failures: Sequence[FailureRow]
    """A row per failure, to count by code."""
    _ids: bool

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return "\n".join(self._lines(shutil.get_terminal_size().columns))

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{html.escape(self._title)}</strong></p>", *map(to_html, self._tables())]
        return "".join(parts)

    def __rich_console__(self, _: Any, options: Any) -> Iterator[Any]:
        # rich calls this, so it is installed. `Text`, because texts of the service are not markup. An id that is wider
        # than the console has to be folded: what exceeds a line would be cut.
        from rich.text import Text

        for number, line in enumerate(self._lines(options.max_width)):
            yield Text(line, style="bold" if number == 0 else "", overflow="fold")

    def _lines(self, width: int) -> Iterator[str]:
        yield plain(self._title)
        for table in self._tables():
            yield ""
            yield from to_text(table, width)

    def _tables(self) -> Iterator[Table]:
        if not self._rows:
            return
        yield self._counts("Failures by code", "code", "code", group_by(self._failures, "code"))
        properties = group_by(self._failures, "property_id")
        if set(properties) != {None}:
            yield self._counts("Failures by property", "property", "property_name", properties)
        shown = self._rows[:_MOST_LINES]
        mixed = any(row.status != "failed" for row in shown)
        columns = [
            Column(self._noun, [row.name or "" for row in shown]),
            Column("path", [row.path or row.property_name or row.property_id or "" for row in shown]),
            Column("device", [row.device or "" for row in shown]),
            Column("step", [_shortened(row.step or "") for row in shown]),
            Column("status", [row.status if mixed else "" for row in shown]),
            Column("code", [row.code for row in shown]),
            Column("description", [row.description for row in shown], is_optional=True),
        ]
        if self._ids:
            # Without a name, only the id says which item a device belongs to.
            keys = [row.key if row.name is None and row.endpoint_id is not None else "" for row in shown]
            columns += [
                Column(f"{self._noun} id", keys, is_id=True),
                Column("id", [row.endpoint_id or row.key for row in shown], is_id=True),
            ]
        yield Table(f"Not done: {_extent(self._rows, self._noun)}", columns, _more(self._rows))

    def _counts(self, title: str, column: str, name: str, groups: Groups) -> Table:
        first = list(groups.items())[:_MOST_LINES]
        counted = [_places(members) for _, members in first]
        columns = [
            Column(column, [getattr(members[0], name) or value or "none" for value, members in first]),
            Column("devices", [f"{devices:,}" if devices else "" for devices, _, _ in counted]),
            Column(f"{self._noun}s", [f"{items:,}" for _, items, _ in counted]),
        ]
        return Table(title, columns, _more(groups))


def _places(rows: Iterable[FailureRow]) -> tuple[int, int, int]:
    """Return the numbers of devices, of items, and of items that failed as a whole."""
    rows = list(rows)
    devices = {(row.key, row.endpoint_id) for row in rows if row.endpoint_id is not None}
    whole = {row.key for row in rows if row.endpoint_id is None}
    return len(devices), len({row.key for row in rows}), len(whole)


def _extent(rows: Iterable[FailureRow], noun: str) -> str:
    """Return how many devices and items failed: "3 devices in 2 rooms, 1 whole room"."""
    rows = list(rows)
    in_items = len({row.key for row in rows if row.endpoint_id is not None})
    devices, _, whole = _places(rows)
    parts = [f"{_count(devices, 'device')} in {_count(in_items, noun)}"] if devices else []
    if whole:
        parts.append(_count(whole, f"whole {noun}" if devices else noun))
    return ", ".join(parts)


def _shortened(steps: str) -> str:
    """Return the first of many steps that were joined, and how many there are besides."""
    listed = steps.split(", ")
    more = len(listed) - _MOST_STEPS
    return f"{', '.join(listed[:_MOST_STEPS])} and {more} more" if more > 1 else steps


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _more(lines: Sequence[Any] | Groups) -> str:
    more = len(lines) - _MOST_LINES
    return f"and {more:,} more" if more > 0 else ""
