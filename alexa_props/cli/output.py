"""The formats of rows on standard output, other than tables."""

from __future__ import annotations

import csv
import datetime as dt
import enum
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from alexa_props.cli import tabs
from alexa_props.spreadsheet import guard

__all__ = ["Output", "csv_line", "document", "json_array", "row_text", "text_of"]


class Output(enum.StrEnum):
    """A format of rows."""

    TABLE = "table"
    CSV = "csv"
    """With a heading, safe to open in a spreadsheet."""
    TSV = "tsv"
    """Without a heading; see `tabs`."""
    JSON = "json"
    """One array."""
    JSONL = "jsonl"
    """An object per line."""
    YAML = "yaml"


def tsv_line(columns: Sequence[str], row: Mapping[str, Any]) -> str:
    """Return a row as tab-separated columns. None is an empty column."""
    return tabs.join(text_of(row.get(column)) for column in columns) + "\n"


def csv_line(columns: Sequence[str], row: Mapping[str, Any] | None = None) -> str:
    """Return a row as CSV; without a row, the heading."""
    text = io.StringIO(newline="")
    cells = columns if row is None else [guard(text_of(row.get(column))) for column in columns]
    csv.writer(text).writerow(cells)
    return text.getvalue()


def json_line(row: Mapping[str, Any]) -> str:
    """Return a whole row as an object on one line."""
    return json.dumps(row, default=text_of) + "\n"


def json_array(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return whole rows as an array of objects."""
    return json.dumps(rows, default=text_of, indent=2) + "\n"


def yaml_item(row: Mapping[str, Any]) -> str:
    """Return a whole row as an item of a YAML list."""
    import yaml  # type: ignore[import-untyped]  # only this format needs it

    plain = json.loads(json_line(row))
    text: str = yaml.safe_dump([plain], allow_unicode=True, sort_keys=False)
    return text


def document(form: Output, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the parts of a whole text in a format that is not a table."""
    if form is Output.JSON:
        yield json_array(list(rows))
        return
    if form is Output.CSV:
        yield csv_line(columns)
    empty = True
    for row in rows:
        empty = False
        yield row_text(form, columns, row)
    if empty and form is Output.YAML:
        yield "[]\n"


def row_text(form: Output, columns: Sequence[str], row: Mapping[str, Any]) -> str:
    """Return a row in a format that prints row by row: csv, tsv, jsonl or yaml."""
    if form is Output.JSONL:
        return json_line(row)
    if form is Output.YAML:
        return yaml_item(row)
    return (csv_line if form is Output.CSV else tsv_line)(columns, row)


def text_of(value: Any) -> str:
    """Return a cell as text."""
    if value is None:
        return ""
    if isinstance(value, bool | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
