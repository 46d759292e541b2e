"""The rooms that `fleet run --from` reads: a spreadsheet's CSV, JSON, ids one a line, and what commands print.

Nothing is skipped silently: a row that cannot be understood is an error that names it, and what is left out on purpose
is counted.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import attrs
import typer

from alexa_props.cli import tabs
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import Room
from alexa_props.fleet.spreadsheet import unguard
from alexa_props.settings import require_id

__all__ = ["RoomList", "read_rooms"]

_IDS: Final = ("unitid", "roomid", "id", "unit", "key", "room")
"""Headings of the column of ids, the best first. `FleetReport.to_csv` writes "key"."""
_OTHERS: Final = {
    "name": ("name", "unitname", "roomname"),
    "parent_id": ("parentid",),
    "property_id": ("propertyid",),
    "property_name": ("propertyname",),
    "level": ("level",),
}
_UNITS: Final = ("unit_id", "name", "level", "parent_id")
"""What `alexa-props units` prints in a pipe."""
_OUTCOMES: Final = ("unit_id", "status", "endpoint_id", "code", "description")
"""What `alexa-props fleet run` prints in a pipe."""
_STATUSES: Final = ("done", "failed", "unknown")
_SEPARATED_BY: Final = re.compile(r'"?sep=(.?)', re.IGNORECASE)
"""A first line for spreadsheets. Of a tab nothing is left, for ends of lines are stripped."""
_EDGES: Final = " \t\r\n\x00\xa0\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Blanks, and what does not show at all, around a cell: copied from a page, or left where files were joined."""
_STRING: Final = r'"(?:[^"\\\x00-\x1f]|\\.)*"'
_OBJECT: Final = rf"\{{\s*(?:\}}|{_STRING}\s*:)"
_JSON: Final = re.compile(rf"\s*(?:{_OBJECT}|\[\s*(?:\]|{_OBJECT}|{_STRING}\s*[],]))")
"""How JSON starts, as opposed to an id that starts with a brace."""
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_SAVE_AS: Final = 'save it as "CSV UTF-8"'


@attrs.frozen
class RoomList:
    """The rooms of a list, and what was left out of it.

    Attributes:
        source: a file, or "standard input".
        rooms: each once, in the order of the list.
        left_out: how many lines or units of each kind were left out, by what they are called.

    """

    source: str
    rooms: list[Room]
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        """One line."""
        found = f"{len(self.rooms):,} room{'' if len(self.rooms) == 1 else 's'} read from {self.source}"
        parts = [f"{kind}: {count:,}" for kind, count in self.left_out.items()]
        left_out = f"; left out: {', '.join(parts)}" if parts else ""
        return found + left_out + ("" if self.rooms else "; nothing to do")


@attrs.frozen
class _Row:
    """A row: the number of its first line, which row it is, its cells by column, and whether it came from `units`."""

    line: int
    number: int
    cells: Mapping[str, str | None]
    of_a_tree: bool = False


@attrs.frozen
class _Layout:
    """The columns of a table: where each is, how many there are, the heading, and whether it came from `units`."""

    columns: Mapping[str, int]
    width: int
    heading: list[str] | None = None
    of_a_tree: bool = False


@attrs.frozen
class _List:
    """One list: where it comes from, and what was left out of it."""

    source: str
    left_out: Counter[str] = attrs.field(factory=Counter, init=False)

    def wrong(self, line: int, what: str) -> typer.BadParameter:
        """The error of a line."""
        return typer.BadParameter(f"{self.source}, line {line}: {what}")

    def columns(self, line: int, names: Sequence[str]) -> dict[str, int]:
        """Where each column that is known is among names: without regard to case, blanks, "_" and "-"."""
        plain = [_plain(name) for name in names]
        columns = {}
        for column, headings in {"unit_id": _IDS, **_OTHERS}.items():
            known = next((heading for heading in headings if heading in plain), None)
            if known is None:
                continue
            if plain.count(known) > 1:
                raise self.wrong(line, f"two columns are called {names[plain.index(known)]!r:.40}")
            columns[column] = plain.index(known)
        return columns

    def rooms(self, rows: Sequence[_Row]) -> RoomList:
        """The rooms of the rows."""
        # A tree lists floors beside rooms. As for `--under`, a room is what has no units below it.
        above = {row.cells.get("parent_id") for row in rows if row.of_a_tree}
        rooms: dict[str, Room] = {}
        for row in rows:
            unit_id = self._id(row)
            if row.of_a_tree and unit_id in above:
                self.left_out["units above others of the list"] += 1
            elif unit_id in rooms:
                self.left_out["duplicates"] += 1
            else:
                details = {name: row.cells.get(name) or None for name in _OTHERS if name != "level"}
                rooms[unit_id] = Room(unit_id, **details)  # type: ignore[arg-type]
        return RoomList(self.source, list(rooms.values()), self.left_out)

    def _id(self, row: _Row) -> str:
        unit_id = row.cells.get("unit_id")
        if not unit_id:
            raise self.wrong(row.line, f"row {row.number} has no unit_id")
        if not unit_id.isprintable():
            raise self.wrong(row.line, f"row {row.number}: {unit_id!a:.80} holds a character that does not show")
        try:
            return require_id("unit_id", unit_id)
        except ConfigurationError as error:
            raise self.wrong(row.line, f"row {row.number}: {error}") from None


def _json_rows(of: _List, text: str) -> Iterator[_Row]:
    """The objects, or strings, of JSON lines, of a list, or of values that are spread over several lines."""
    decoder, line, at, number = json.JSONDecoder(object_pairs_hook=_members), 1, 0, 0
    while True:
        start = _end_of_blanks(text, at)
        line, at = line + text.count("\n", at, start), start
        if at == len(text):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except _DuplicateError as error:
            raise of.wrong(line, f"after row {number}: a JSON object has {str(error)!r:.80} twice") from None
        except (ValueError, RecursionError):
            raise of.wrong(line, f"the JSON after row {number} is damaged or cut off") from None
        for each in value if isinstance(value, list) else [value]:
            number += 1
            yield _json_row(of, line, number, each)
        line, at = line + text.count("\n", at, end), end


class _DuplicateError(Exception):
    """A member of an object is given twice: which one is meant, nothing says."""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateError(next(name for name in names if names.count(name) > 1))
    return members


def _json_row(of: _List, line: int, number: int, value: object) -> _Row:
    if isinstance(value, str):
        return _Row(line, number, {"unit_id": value})
    if not isinstance(value, dict):
        raise of.wrong(line, f"row {number} is not a JSON object")
    names = list(value)
    cells = {column: value[names[place]] for column, place in of.columns(line, names).items()}
    texts = {column: cell for column, cell in cells.items() if isinstance(cell, str)}
    return _Row(line, number, texts, of_a_tree="level" in value and "parent_id" in value)


class _Table:
    """The rows of lines with cells: CSV, tabs, or one id a line."""

    def __init__(self, of: _List) -> None:
        self._of = of
        self._separator: str | None = None
        self._layout: _Layout | None = None
        self._number = 0

    def rows(self, text: str) -> Iterator[_Row]:
        """All rows, in order."""
        lines = enumerate(io.StringIO(text, newline=""), start=1)
        for line, first in lines:
            if self._is_left_out(line, first):
                continue
            if self._separator is None:
                self._separator = _separator(first)
            cells = self._cells(line, first, lines)
            if not any(cells):
                self._of.left_out["blank lines"] += 1
                continue
            if self._layout is None:
                self._layout = self._first_row(line, cells)
                if self._layout.heading:
                    continue
            elif cells == self._layout.heading:
                self._of.left_out["repeated headings"] += 1
                continue
            self._number += 1
            yield self._row(line, cells, self._layout)

    def _is_left_out(self, line: int, first: str) -> bool:
        shown = first.strip(_EDGES)
        if line == 1 and (said := _SEPARATED_BY.fullmatch(shown.removesuffix('"'))):
            self._separator = separator = said[1] or "\t"
            if separator not in ",;\t|":
                raise self._of.wrong(line, f"sep={said[1]} must name a comma, a semicolon, a vertical bar or a tab")
            return True
        if not shown:
            self._of.left_out["blank lines"] += 1
            return True
        if not shown.startswith("#"):
            return False
        # "#5 Suite,amzn1…" is a row, "# of the west wing" is none.
        layout = self._layout
        if layout and layout.columns["unit_id"] > 0 and first.count(self._separator or ",") >= layout.width - 1:
            row = self._number + 1
            raise self._of.wrong(line, f"row {row} starts with #: remove a comment, put quotes around a cell")
        self._of.left_out["comments"] += 1
        return True

    def _cells(self, line: int, first: str, lines: Iterator[tuple[int, str]]) -> list[str]:
        """The cells of a row, which may go on over several lines."""
        if self._separator == "\t":
            return [cell.strip(_EDGES) for cell in tabs.split(first)]
        separator, row = self._separator or ",", self._number + 1
        # A reader for each row: it takes as many lines as the row has, so comments are known from cells.
        reader = csv.reader(chain([first], (text for _, text in lines)), delimiter=separator, strict=True)
        try:
            cells = next(reader)
        except csv.Error as error:
            why = str(error)
            if "unexpected end" in why:
                why = 'a quote (") is opened and not closed; a quote inside a quoted cell is written twice'
            raise self._of.wrong(line, f"row {row} cannot be read: {why}") from None
        below = (part for cell in cells for part in cell.splitlines()[1:])
        if len(cells) > 1 and any(part.count(separator) >= len(cells) - 1 for part in below):
            raise self._of.wrong(
                line,
                f"row {row} has a cell in quotes that holds whole rows: close the quote, or remove its line breaks",
            )
        return [unguard(cell).strip(_EDGES) for cell in cells]

    def _first_row(self, line: int, cells: list[str]) -> _Layout:
        """What the first row says about the columns."""
        columns = self._of.columns(line, cells)
        if "unit_id" in columns:
            return _Layout(columns, len(cells), heading=cells)
        if len(cells) == 1:
            return _Layout({"unit_id": 0}, 1)
        if self._separator == "\t" and len(cells) == len(_UNITS) and (cells[2].isdecimal() or not cells[2]):
            return _Layout({name: place for place, name in enumerate(_UNITS)}, len(cells), of_a_tree=True)
        if self._separator == "\t" and len(cells) == len(_OUTCOMES) and cells[1] in _STATUSES:
            return _Layout({"unit_id": 0}, len(cells))
        raise self._of.wrong(line, "several columns need a heading, and one of them is unit_id")

    def _row(self, line: int, cells: list[str], layout: _Layout) -> _Row:
        row, place = self._number, layout.columns["unit_id"]
        # Spreadsheets leave out separators at the end of a row; what commands print has them all.
        short = self._separator == "\t" and len(cells) < layout.width
        if short or any(cells[layout.width :]):
            raise self._of.wrong(line, f"row {row} has {len(cells)} cells where the first row has {layout.width}")
        if layout.width == 1 and ";" in cells[0]:
            raise self._of.wrong(line, f"row {row} holds a semicolon; several columns need a heading")
        found = {name: cells[at] for name, at in layout.columns.items() if at < len(cells)}
        if layout.heading and _plain(layout.heading[place]) == "room" and found.get("unit_id", "").isdecimal():
            raise self._of.wrong(
                line,
                f"row {row} has a room number in the column {layout.heading[place]!r}, not the id of a unit; "
                "several columns need a heading, and one of them is unit_id",
            )
        return _Row(line, row, found, of_a_tree=layout.of_a_tree)


def read_rooms(source: str) -> RoomList:
    """Read a list of rooms from a file, or from standard input for "-".

    Raises:
        typer.BadParameter: it cannot be read, or is not a list of rooms. The message names the file and the row.

    """
    name = "standard input" if source == "-" else source
    text, of = _text(name, _content(name, source)), _List(name)
    return of.rooms(list(_json_rows(of, text) if _JSON.match(text) else _Table(of).rows(text)))


def _content(name: str, source: str) -> bytes:
    if source == "-" and sys.stdin is None:
        raise typer.BadParameter("there is no standard input")
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{name} cannot be read: {error}") from None


def _text(name: str, content: bytes) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise typer.BadParameter(f"{name} cannot be read: it is a workbook, not a text file; {_SAVE_AS}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:2]:
        raise typer.BadParameter(f"{name} cannot be read: it is in UTF-16; {_SAVE_AS}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise typer.BadParameter(
            f"{name} cannot be read: line {line} is not in UTF-8, but perhaps in Windows-1252; {_SAVE_AS}"
        ) from None


def _separator(first: str) -> str:
    """What separates the cells of a list, by its first row: a tab if there is one, for only commands print those."""
    if "\t" in first:
        return "\t"
    try:
        # Spreadsheets of some countries write semicolons.
        return max(",;", key=lambda each: len(next(csv.reader([first], delimiter=each))))
    except csv.Error:
        return ","  # reading the row says what is wrong with it


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]+", "", heading).casefold()


def _end_of_blanks(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start
