"""The rows of a list of rooms: their columns, and the error that names a wrong one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import typer

__all__ = ["COLUMNS", "Row", "Source", "heading_key"]

_IDS: Final = ("unitid", "roomid", "id", "unit", "key", "room")
"""Headings of the column of ids, the best first. `FleetReport.to_csv` writes "key"."""
COLUMNS: Final = {
    "unit_id": _IDS,
    "name": ("name", "unitname", "roomname"),
    "parent_id": ("parentid",),
    "property_id": ("propertyid",),
    "property_name": ("propertyname",),
    "level": ("level",),
}
"""The columns that are read, each with its possible headings as `heading_key` returns them."""


@attrs.frozen
class Row:
    """A row of a list."""

    line: int
    """The number of its first line."""
    number: int
    """Its number among the rows."""
    cells: Mapping[str, str | None]
    """Its cells by column."""
    of_a_tree: bool = False
    """Whether it is part of a tree of units, as `alexa-props units` prints it."""


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
