"""The formats of rows on standard output, other than tables."""

from __future__ import annotations

import csv
import datetime as dt
import enum
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from alexa_props.cli import tabs
from alexa_props.spreadsheet import guard

__all__ = ["Output", "csv_line", "json_array", "json_line", "text_of", "tsv_line", "yaml_item"]


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


def text_of(value: Any) -> str:
    """Return a cell as text."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
