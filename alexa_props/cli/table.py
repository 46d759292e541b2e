"""Rows as a table for people, which looks as those of reports do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alexa_props.cli.output import text_of
from alexa_props.cli.streams import printable
from alexa_props.tables import Column, Table, to_lines

__all__ = ["table_lines"]


def table_lines(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], width: int, *, ids: bool
) -> Iterator[tuple[str, str]]:
    """Yield the lines of a table, each with its style of rich. Columns without a value are left out."""
    shown = [
        Column(name.replace("_", " "), [printable(text_of(row.get(name))) for row in rows], is_id=_is_id(name))
        for name in columns
        if ids or not _is_id(name)
    ]
    return to_lines(Table("", shown), width)


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith(("_id", "_arn"))
