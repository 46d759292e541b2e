"""Rows of many rooms on standard output, below a progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alexa_props import fleet
from alexa_props.cli.output import Output
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Access
from alexa_props.cli.streams import OutputLost, write
from alexa_props.fleet import names

__all__ = ["FleetRows", "place_of"]


class FleetRows:
    """Prints rows as they arrive; tables and arrays are printed at the end.

    A lost output is not raised: the rooms in flight must still be waited for.
    """

    lost: OutputLost | None
    """Why nothing is printed any more; None until then."""
    is_table: bool
    """Whether the rows become a table for people."""
    is_whole: bool
    """Whether all members of a row are printed, not only its columns."""

    def __init__(self, columns: Sequence[str], access: Access) -> None:
        self._columns = columns
        self._access = access
        self._rows = Rows(columns, access)
        self.lost = None
        self.is_table = self._rows.is_table
        self.is_whole = access.format in (Output.JSON, Output.JSONL, Output.YAML)
        self._collected: list[Mapping[str, Any]] | None = [] if self.is_table or access.format is Output.JSON else None

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows."""
        if self._collected is not None:
            self._collected.extend(rows)
        elif self.lost is None:
            try:
                for row in rows:
                    self._rows.add(row)
                write()
            except OutputLost as error:
                self.lost = error

    def end(self, table: Sequence[str] | None = None) -> None:
        """End the rows: print a table of these columns, or of all. Without rows there is no table."""
        if self.lost is not None or (self.is_table and not self._collected):
            return
        try:
            with self._rows if table is None else Rows(self._columns, self._access, table=table) as rows:
                for row in self._collected or ():
                    rows.add(row)
        except OutputLost as error:
            self.lost = error


def place_of(room: fleet.Room) -> dict[str, str | None]:
    """Return the columns that say which room a row is about, but its id."""
    return {"room": room.name, "path": names.place_of(room).path}
