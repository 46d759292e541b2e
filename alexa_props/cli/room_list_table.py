"""A list of rooms as a table: CSV, tab-separated lines that commands print, or one room per line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import attrs

from alexa_props.cli import tabs
from alexa_props.cli.names import is_device_id, is_id
from alexa_props.cli.room_list_rows import ROOM_COLUMNS, Row, Source
from alexa_props.spreadsheet import unguard

__all__ = ["Table"]

_PRINTED: Final[Sequence[tuple[tuple[str | None, ...], str, Callable[[str], object]]]] = (
    # `units`
    (("room", "level", "unit_id", "parent_id"), "level", lambda cell: cell.isdecimal() or not cell),
    # `fleet run`
    (
        ("room", "path", None, None, "status", None, None, "unit_id", None),
        "status",
        lambda cell: cell in ("done", "failed", "unknown"),
    ),
    # `export`
    (
        ("room", "property", "path", None, None, None, None, None, "property_id", "unit_id", None),
        "property_id",
        is_id,
    ),
    # `find`
    (("room", "kind", "path", None, "unit_id"), "kind", lambda cell: cell in ("room", "unit", "device")),
)
"""The columns that commands print in a pipe (None: not read), one of them, and what its cells have in common."""
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.?)', re.IGNORECASE)
"""A first line for spreadsheets. Stripping the line has removed a tab."""
_EDGES: Final = " \t\r\n\x00\xa0\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Blanks and invisible characters around a cell: copied from a page, or left over from joining files."""
_NEEDS_HEADING: Final = "a table of several columns needs a heading, with a column room or unit_id"


@attrs.frozen
class _Layout:
    """The columns of a table."""

    columns: Mapping[str, int]
    """The place of each known column."""
    width: int
    """The number of columns."""
    heading: list[str] | None = None

    @property
    def place(self) -> int:
        """The place of the column that names the room."""
        return next(self.columns[column] for column in ROOM_COLUMNS if column in self.columns)


class Table:
    """The rows of CSV, of tab-separated lines, or of one room per line."""

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
        if self._has_id(first):
            return False
        if layout and layout.place > 0 and first.count(self._separator or ",") >= layout.width - 1:
            row = self._number + 1
            raise self._source.error(
                line, f"row {row} starts with #: remove it if it is a comment, else put quotes around the cell"
            )
        self._source.left_out["comments"] += 1
        return True

    def _has_id(self, first: str) -> bool:
        """Return whether a line has an id where the rows of the table have theirs."""
        if (self._separator or _separator(first)) == "\t":
            cells = tabs.split(first)
            columns = self._layout.columns if self._layout else _columns_of_output(cells)
        else:
            cells = next(csv.reader([first], delimiter=self._separator or ","))
            columns = self._layout.columns if self._layout else None
        place = (columns or {}).get("unit_id", len(cells))
        return place < len(cells) and is_id(cells[place])

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
        # First, since a name may be "Room". A heading holds no ids.
        printed = _columns_of_output(cells) if self._separator == "\t" else None
        if printed is not None:
            return _Layout(printed, len(cells))
        columns = self._source.columns(line, cells)
        if not columns.keys().isdisjoint(ROOM_COLUMNS):
            return _Layout(columns, len(cells), heading=cells)
        if len(cells) == 1:
            return _Layout({"room": 0}, 1)
        raise self._source.error(line, _NEEDS_HEADING)

    def _row(self, line: int, cells: list[str], layout: _Layout) -> Row:
        row = self._number
        # Spreadsheets omit separators at the end of a row; commands print them all.
        short = self._separator == "\t" and len(cells) < layout.width
        if short or any(cells[layout.width :]):
            raise self._source.error(line, f"row {row} has {len(cells)} cells, but the first row has {layout.width}")
        if layout.width == 1 and ";" in cells[0]:
            raise self._source.error(line, f"row {row} holds a semicolon; {_NEEDS_HEADING}")
        found = {name: cells[at] for name, at in layout.columns.items() if at < len(cells)}
        return Row(line, row, found)


def _columns_of_output(cells: list[str]) -> dict[str, int] | None:
    """Return the columns of a line that a command has printed; None if none has."""
    for known, typical, fits in _PRINTED:
        columns = {name: place for place, name in enumerate(known) if name is not None}
        if len(cells) == len(known) and is_id(cells[columns["unit_id"]]) and fits(cells[columns[typical]]):
            return columns
    # Other commands print the id of one unit, or else of one device.
    ids = [place for place, cell in enumerate(cells) if is_id(cell)]
    units = [place for place in ids if not is_device_id(cells[place])]
    found = units or ids
    return {"unit_id": found[0]} if len(found) == 1 else None


def _separator(first: str) -> str:
    """Return what separates the cells, by the first row. A tab takes precedence: only commands print tabs."""
    if "\t" in first:
        return "\t"
    try:
        # Spreadsheets write semicolons in some countries.
        return max(",;", key=lambda each: len(next(csv.reader([first], delimiter=each))))
    except csv.Error:
        return ","  # reading the row reports what is wrong with it
