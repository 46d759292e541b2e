"""A report for people: one line, tables in a notebook, and tables in a terminal."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.report.rows import FailureRow, Groups, group_by

__all__ = ["plain", "summary", "to_html", "to_rich"]

_MOST_LINES: Final = 50
"""Lines of each table."""
_MOST_CODES: Final = 5
"""Codes in the line of a summary."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def plain(text: str) -> str:
    """Return a text without line breaks and without control sequences of a terminal."""
    return _CONTROL.sub(" ", text)


def summary(
    counts: Mapping[str, int],
    *,
    skipped: int,
    elapsed: float,
    stopped: str | None,
    failures: Sequence[FailureRow] = (),
) -> str:
    """Return a line about a run; with `failures`, it names their most frequent codes."""
    parts = [f"{count:,} {status}" for status, count in counts.items()]
    if skipped:
        parts.append(f"{skipped:,} skipped")
    items = sum(counts.values())
    text = f"{items:,} item{'' if items == 1 else 's'}: {', '.join(parts)}, in {elapsed:,.1f} s"
    frequent = [f"{code} ({len(members):,})" for code, members in group_by(failures, "code").items()]
    if frequent:
        more = ", …" if len(frequent) > _MOST_CODES else ""
        text += f"; most frequent: {', '.join(frequent[:_MOST_CODES])}{more}"
    return text + (f"; stopped: {stopped}" if stopped else "")


def to_html(title: str, failures: Sequence[FailureRow]) -> str:
    """Return a title and tables of failures as HTML."""
    parts = [f"<p><strong>{html.escape(title)}</strong></p>"]
    for table in _tables(failures):
        cells = ["".join(f"<th>{html.escape(name)}</th>" for name in table.header)]
        cells += ["".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in table.lines]
        body = "".join(f"<tr>{line}</tr>" for line in cells)
        parts.append(f"<table><caption>{table.title}</caption>{body}</table>")
        parts += [f"<p>{table.more}</p>"] if table.more else []
    return "".join(parts)


def to_rich(title: str, failures: Sequence[FailureRow]) -> Any:
    """Return a title and tables of failures for a console of rich.

    Raises:
        ConfigurationError: rich is not installed.

    """
    try:
        from rich.console import Group  # an extra, and slow to import
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        raise ConfigurationError('a rich table needs rich: pip install "alexa-props[cli]"') from None
    # `Text`, because texts of the service are not markup; `plain`, because they must not control the terminal.
    parts: list[Any] = [Text(plain(title), style="bold")]
    for shown in _tables(failures):
        table = Table(*shown.header, title=shown.title, caption=shown.more or None)
        for line in shown.lines:
            table.add_row(*(Text(plain(cell)) for cell in line))
        parts.append(table)
    return Group(*parts)


@attrs.frozen
class _Table:
    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    more: str
    """How many lines are left out; empty if none are."""


def _tables(rows: Sequence[FailureRow]) -> Iterator[_Table]:
    if not rows:
        return
    yield _counts("Failures by code", "code", "code", group_by(rows, "code"))
    properties = group_by(rows, "property_id")
    if set(properties) != {None}:
        yield _counts("Failures by property", "property", "property_name", properties)
    shown = rows[:_MOST_LINES]
    columns = {
        "key": [row.key for row in shown],
        "property": [row.property_name or row.property_id or "" for row in shown],
        **{
            name.removesuffix("_id"): [getattr(row, name) or "" for row in shown]
            for name in ("endpoint_id", "step", "status", "code", "description")
        },
    }
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    yield _Table("Failures", list(columns), list(zip(*columns.values(), strict=True)), _more(rows))


def _counts(title: str, column: str, name: str, groups: Groups) -> _Table:
    lines = [
        (getattr(members[0], name) or value or "none", f"{len(members):,}")
        for value, members in list(groups.items())[:_MOST_LINES]
    ]
    return _Table(title, (column, "failures"), lines, _more(groups))


def _more(lines: Sequence[Any] | Groups) -> str:
    more = len(lines) - _MOST_LINES
    return f"and {more:,} more" if more > 0 else ""
