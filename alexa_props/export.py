"""Rows of a report for other tools: DataFrames, JSON lines and CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from alexa_props.errors import ConfigurationError
from alexa_props.spreadsheet import guard

__all__ = ["Target", "to_csv", "to_dataframe", "to_jsonl", "write"]

Target: TypeAlias = "str | os.PathLike[str] | TextIO | None"


def to_dataframe(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, type], *, nullable: bool = False) -> Any:
    """Return a DataFrame of pandas, or of polars if pandas is not installed.

    Args:
        rows: The rows.
        columns: Their keys, and the types of the values: str, int, float, bool, datetime, or list for several texts.
        nullable: Whether numbers and booleans may be missing.

    Raises:
        ConfigurationError: Neither is installed.

    """
    # Extras, and slow to import.
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ImportError:
        pass
    else:
        # What pandas infers depends on the rows: an empty report would have other types.
        types: dict[Any, Any] = {str: "string", list: object, dt.datetime: "datetime64[us, UTC]"}
        if nullable:
            types |= {int: "Int64", float: "Float64", bool: "boolean"}
        return pd.DataFrame(rows, columns=list(columns)).astype(
            {name: types.get(kind, kind) for name, kind in columns.items()}
        )
    try:
        import polars as pl
    except ImportError:
        raise ConfigurationError(
            'a DataFrame needs pandas or polars, and neither is installed: pip install "alexa-props[notebook]"'
        ) from None
    kinds: dict[Any, Any] = {list: pl.List(pl.String), dt.datetime: pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema={name: kinds.get(kind, kind) for name, kind in columns.items()})


def to_jsonl(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Return the rows as lines of JSON, in ASCII."""
    return (json.dumps(row, default=_iso) + "\n" for row in rows)


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """Return the rows as CSV with a header, safe to open in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def write(method: str, target: Target, parts: Iterable[str], encoding: str = "utf-8") -> str | None:
    """Write a text to a path or an open file. Return it if the target is None.

    Raises:
        ConfigurationError: `target` is none of these.
        OSError: The file cannot be written.

    """
    if target is None:
        return "".join(parts)
    if isinstance(target, str | os.PathLike):
        # An id may contain a lone surrogate. The lines have their ends already.
        with Path(target).open("w", encoding=encoding, errors="backslashreplace", newline="") as file:
            file.writelines(parts)
    elif callable(getattr(target, "write", None)):
        for part in parts:
            target.write(part)
    else:
        raise ConfigurationError(f"{method}: target must be a path, an open text file or None, not {target!r:.80}")
    return None


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(value)
    elif isinstance(value, dt.datetime):
        value = _iso(value)
    return guard(value) if isinstance(value, str) else value


def _iso(value: object) -> str:
    """Return a time as text."""
    if not isinstance(value, dt.datetime):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return value.isoformat()
