"""The rows of a list of rooms: their columns, and the error that names a wrong one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import typer

__all__ = ["COLUMNS", "ROOM_COLUMNS", "Row", "Source", "heading_key"]

ROOM_COLUMNS: Final = ("unit_id", "path", "room", "serial")
"""The columns that can name a room, the most certain first."""
COLUMNS: Final = {
    # `FleetReport.to_csv` writes "key".
    "unit_id": ("unitid", "roomid", "id", "key"),
    # Of a room, or with a column that names the room, of what is above it.
    "path": ("path", "where", "roompath", "unitpath"),
    "room": ("room", "roomnumber", "roomno", "number", "roomname", "unit", "unitname", "name"),
    "serial": ("serialnumber", "serial", "serialno", "dsn"),
    "property": ("property", "propertyname", "hotel", "building"),
    "floor": ("floor", "floorname"),
    "parent_id": ("parentid",),
    "property_id": ("propertyid",),
    "level": ("level",),
    "kind": ("kind",),
}
"""The columns that are read, each with its possible headings as `heading_key` returns them, the best first."""


@attrs.frozen
class Row:
    """A row of a list."""

    line: int
    """The number of its first line."""
    number: int
    """Its number among the rows."""
    cells: Mapping[str, str | None]
    """Its cells by column."""

    @property
    def of_a_tree(self) -> bool:
        """Whether it is part of a tree of units, as `alexa-props units` prints it."""
        return "level" in self.cells and "parent_id" in self.cells


@attrs.frozen
class Source:
    """The file that a list is read from, and what was left out of the list."""

    name: str
    """A file, or "standard input"."""
    left_out: Counter[str] = attrs.field(factory=Counter, init=False)
    """The number of lines or units of each kind that were left out."""

    def error(self, line: int, what: str) -> typer.BadParameter:
        """Return the error of a line."""
        return typer.BadParameter(f"{self.name}, line {line}: {what}")

    def columns(self, line: int, headings: Sequence[str]) -> dict[str, int]:
        """Return the place of each known column among headings."""
        keys = [heading_key(heading) for heading in headings]
        columns = {}
        for column, known in COLUMNS.items():
            key = next((key for key in known if key in keys), None)
            if key is None:
                continue
            if keys.count(key) > 1:
                raise self.error(line, f"two columns are called {headings[keys.index(key)]!r:.40}: rename one of them")
            columns[column] = keys.index(key)
        return columns


def heading_key(heading: str) -> str:
    """Return a heading without blanks and punctuation, in lower case."""
    return re.sub(r"[\W_]+", "", heading).casefold()
