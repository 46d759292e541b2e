"""The formats of rows on standard output."""

from __future__ import annotations

import csv
import datetime as dt
import enum
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from alexa_props.cli import tabs
from alexa_props.cli.streams import printable
from alexa_props.spreadsheet import guard
from alexa_props.tables import Column, Table, to_lines

__all__ = ["WHOLE", "Encoder", "Output", "table_lines", "text_of"]


class Output(enum.StrEnum):
    """A format of rows."""

    TABLE = "table"
    CSV = "csv"
    """With a heading, safe to open in a spreadsheet."""
    TSV = "tsv"
    """Without a heading, with None as an empty column; see `tabs`."""
    JSON = "json"
    """One array."""
    JSONL = "jsonl"
    """An object per line."""
    YAML = "yaml"


WHOLE: Final = (Output.JSON, Output.JSONL, Output.YAML)
"""The formats that have all members of a row, not only the columns."""


class Encoder:
    """Rows as a text in a format that is not a table, piece by piece."""

    def __init__(self, form: Output, columns: Sequence[str]) -> None:
        self._form = form
        self._columns = columns
        self._is_first = True

    def row(self, row: Mapping[str, Any]) -> str:
        """Return the text of a row, with what comes before it."""
        is_first, self._is_first = self._is_first, False
        if self._form is Output.CSV:
            heading = _csv_line(self._columns) if is_first else ""
            return heading + _csv_line([guard(text_of(row.get(column))) for column in self._columns])
        if self._form is Output.JSON:
            return ("[\n  " if is_first else ",\n  ") + _json(row, indent=2).replace("\n", "\n  ")
        if self._form is Output.JSONL:
            return _json(row) + "\n"
        if self._form is Output.YAML:
            return _yaml_item(row)
        return tabs.join(text_of(row.get(column)) for column in self._columns) + "\n"

    def end(self) -> str:
        """Return what comes after the last row."""
        if self._form is Output.JSON:
            return "[]\n" if self._is_first else "\n]\n"
        if not self._is_first:
            return ""
        return {Output.CSV: _csv_line(self._columns), Output.YAML: "[]\n"}.get(self._form, "")


def _csv_line(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _json(row: Mapping[str, Any], indent: int | None = None) -> str:
    return json.dumps(row, default=text_of, indent=indent)


def _yaml_item(row: Mapping[str, Any]) -> str:
    import yaml  # type: ignore[import-untyped]  # only this format needs it

    text: str = yaml.safe_dump([json.loads(_json(row))], allow_unicode=True, sort_keys=False)
    return text


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


def text_of(value: Any) -> str:
    """Return a cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
