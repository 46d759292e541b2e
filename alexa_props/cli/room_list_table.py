"""A list of rooms as a table: CSV, tab-separated lines that commands print, or one id per line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

import attrs

from alexa_props.cli import tabs
from alexa_props.cli.room_list_rows import Row, Source, heading_key
from alexa_props.spreadsheet import unguard

__all__ = ["Table"]

_UNITS: Final = ("unit_id", "name", "level", "parent_id")
"""The columns that `alexa-props units` prints in a pipe."""
_OUTCOMES: Final = ("unit_id", "status", "endpoint_id", "code", "description")
"""The columns that `alexa-props fleet run` prints in a pipe."""
_STATUSES: Final = ("done", "failed", "unknown")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.?)', re.IGNORECASE)
"""A first line for spreadsheets. Stripping the line has removed a tab."""
_EDGES: Final = " \t\r\n\x00\xa0\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Blanks and invisible characters around a cell: copied from a page, or left over from joining files."""
_NEEDS_HEADING: Final = "a table of several columns needs a heading, with a column unit_id"


@attrs.frozen
class _Layout:
    """The columns of a table."""

    columns: Mapping[str, int]
    """The place of each known column."""
    width: int
    """The number of columns."""
    heading: list[str] | None = None
    of_a_tree: bool = False
    """Whether `alexa-props units` printed it."""


class Table:
    """The rows of CSV, of tab-separated lines, or of one id per line."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._separator: str | None = None
        self._layout: _Layout | None = None
        self._number = 0

    def rows(self, text: str) -> Iterator[Row]:
        """Yield the rows in order."""
        lines = enumerate(io.StringIO(text, newline=""), start=1)
        for line, first in lines:
            if self._is_left_out(line, first):
                continue
            if self._separator is None:
                self._separator = _separator(first)
            cells = self._cells(line, first, lines)
            if not any(cells):
                self._source.left_out["blank lines"] += 1
                continue
            if self._layout is None:
                self._layout = self._first_row(line, cells)
                if self._layout.heading:
                    continue
            elif cells == self._layout.heading:
                self._source.left_out["repeated headings"] += 1
                continue
            self._number += 1
            yield self._row(line, cells, self._layout)

    def _is_left_out(self, line: int, first: str) -> bool:
        shown = first.strip(_EDGES)
        if line == 1 and (declared := _SEPARATOR_LINE.fullmatch(shown.removesuffix('"'))):
            self._separator = separator = declared[1] or "\t"
            if separator not in ",;\t|":
                raise self._source.error(
                    line, f"sep={declared[1]} must name a comma, a semicolon, a vertical bar or a tab"
                )
            return True
        if not shown:
            self._source.left_out["blank lines"] += 1
            return True
        if not shown.startswith("#"):
            return False
        # "#5 Suite,amzn1…" is a row, "# of the west wing" is a comment.
        layout = self._layout
        if layout and layout.columns["unit_id"] > 0 and first.count(self._separator or ",") >= layout.width - 1:
            row = self._number + 1
            raise self._source.error(
                line, f"row {row} starts with #: remove it if it is a comment, else put quotes around the cell"
            )
        self._source.left_out["comments"] += 1
        return True

    def _cells(self, line: int, first: str, lines: Iterator[tuple[int, str]]) -> list[str]:
        """Return the cells of a row, which may span several lines."""
        if self._separator == "\t":
            return [cell.strip(_EDGES) for cell in tabs.split(first)]
        separator, row = self._separator or ",", self._number + 1
        # A reader per row takes only the lines of that row, so that comments are told from cells.
        reader = csv.reader(chain([first], (text for _, text in lines)), delimiter=separator, strict=True)
        try:
            cells = next(reader)
        except csv.Error as error:
            reason = str(error)
            if "unexpected end" in reason:
                reason = 'a quote (") is not closed; double a quote inside a quoted cell'
            raise self._source.error(line, f"row {row} cannot be read: {reason}") from None
        below = (part for cell in cells for part in cell.splitlines()[1:])
        if len(cells) > 1 and any(part.count(separator) >= len(cells) - 1 for part in below):
            raise self._source.error(
                line,
                f"row {row} has a cell in quotes that holds whole rows: close the quote, or remove its line breaks",
            )
        return [unguard(cell).strip(_EDGES) for cell in cells]

    def _first_row(self, line: int, cells: list[str]) -> _Layout:
        """Return the layout that the first row implies."""
        columns = self._source.columns(line, cells)
        if "unit_id" in columns:
            return _Layout(columns, len(cells), heading=cells)
        if len(cells) == 1:
            return _Layout({"unit_id": 0}, 1)
        if self._separator == "\t" and len(cells) == len(_UNITS) and (cells[2].isdecimal() or not cells[2]):
            return _Layout({name: place for place, name in enumerate(_UNITS)}, len(cells), of_a_tree=True)
        if self._separator == "\t" and len(cells) == len(_OUTCOMES) and cells[1] in _STATUSES:
            return _Layout({"unit_id": 0}, len(cells))
        raise self._source.error(line, _NEEDS_HEADING)

    def _row(self, line: int, cells: list[str], layout: _Layout) -> Row:
        row, place = self._number, layout.columns["unit_id"]
        # Spreadsheets omit separators at the end of a row; commands print them all.
        short = self._separator == "\t" and len(cells) < layout.width
        if short or any(cells[layout.width :]):
            raise self._source.error(line, f"row {row} has {len(cells)} cells, but the first row has {layout.width}")
        if layout.width == 1 and ";" in cells[0]:
            raise self._source.error(line, f"row {row} holds a semicolon; {_NEEDS_HEADING}")
        found = {name: cells[at] for name, at in layout.columns.items() if at < len(cells)}
        if layout.heading and heading_key(layout.heading[place]) == "room" and found.get("unit_id", "").isdecimal():
            raise self._source.error(
                line,
                f"row {row} has a room number in the column {layout.heading[place]!r}, not the id of a unit; "
                f"{_NEEDS_HEADING}",
            )
        return Row(line, row, found, of_a_tree=layout.of_a_tree)


def _separator(first: str) -> str:
    """Return what separates the cells, by the first row. A tab takes precedence: only commands print tabs."""
    if "\t" in first:
        return "\t"
    try:
        # Spreadsheets write semicolons in some countries.
        return max(",;", key=lambda each: len(next(csv.reader([first], delimiter=each))))
    except csv.Error:
        return ","  # reading the row reports what is wrong with it
