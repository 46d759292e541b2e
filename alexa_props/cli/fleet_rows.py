"""Rows of many rooms on standard output, below a progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from alexa_props import fleet
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Access
from alexa_props.cli.streams import OutputLost, write
from alexa_props.fleet import names

__all__ = ["FleetRows", "place_of"]


class FleetRows:
    """Prints rows as they arrive; tables are printed at the end.

    A lost output is not raised: the rooms in flight must still be waited for.
    """

    lost: OutputLost | None
    """Why nothing is printed any more; None until then."""

    def __init__(self, columns: Sequence[str], access: Access) -> None:
        self._rows = Rows(columns, access)
        self.lost = None
        self.is_table = self._rows.is_table
        self.is_whole = self._rows.is_whole

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows."""
        with self._unless_lost():
            for row in rows:
                self._rows.add(row)
            write()

    def end(self, table: Sequence[str] | None = None) -> None:
        """Print what is printed at the end: of a table, these columns, or all. There is no table without rows."""
        if self._rows.count or not self.is_table:
            with self._unless_lost():
                self._rows.end(table)

    @contextmanager
    def _unless_lost(self) -> Iterator[None]:
        try:
            yield
        except OutputLost as error:
            self.lost = self.lost or error


def place_of(room: fleet.Room) -> dict[str, str | None]:
    """Return the columns that say which room a row is about, but its id."""
    return {"room": room.name, "path": names.place_of(room).path}
