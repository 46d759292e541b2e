"""Rows on standard output: a table for people, tab-separated lines for pipes, JSON lines for programs."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from typing import Annotated, Any, Self, TypeVar

import attrs
import typer

from alexa_props.cli import tabs
from alexa_props.cli.exit import plain, write, writing
from alexa_props.paging import Pager

__all__ = ["AsJson", "Rows"]

T = TypeVar("T", bound=attrs.AttrsInstance)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines, one object a row, with all that is known.")]


class Rows:
    """Rows of a command, to be used as a context.

    On a terminal they become a table when the context ends, also if it ends early. Elsewhere each is a line, at the
    latest when its page is complete: the columns between tabs as in `tabs`, or with `as_json` the whole row as a JSON
    object. None is an empty column.

    Args:
        columns: the members of a row that tables and tab-separated lines show.
        as_json: whether to print JSON lines.

    """

    def __init__(self, columns: Sequence[str], *, as_json: bool) -> None:
        self._columns = columns
        self._as_json = as_json
        self._table: list[Mapping[str, Any]] | None = [] if sys.stdout.isatty() and not as_json else None
        self._busy = ExitStack()
        self._tell: Callable[[str], None] = _nothing

    def __enter__(self) -> Self:
        if self._table is not None and sys.stderr.isatty():
            from rich.console import Console  # here and below: most commands are not for a terminal

            status = self._busy.enter_context(Console(stderr=True).status("…"))
            self._tell = status.update
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._busy.close()
        if self._table is not None and (self._table or kind is None):
            self._print(self._table)

    def add(self, row: Mapping[str, Any]) -> None:
        """One row more."""
        if self._table is not None:
            self._table.append(row)
            self._tell(f"{len(self._table):,} …")
        else:
            with writing():
                sys.stdout.write(self._line(row) + "\n")

    async def add_all(self, pager: Pager[T], row: Callable[[T], Mapping[str, Any]] | None = None) -> int:
        """Every item of a list, page by page; `row` makes a row of an item, and None takes its attributes.

        Returns:
            How many there were.

        """
        count = 0
        async with aclosing(pager.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    self.add(attrs.asdict(item) if row is None else row(item))
                if self._table is None:
                    write()
                count += len(page.items)
        return count

    def _line(self, row: Mapping[str, Any]) -> str:
        if self._as_json:
            return json.dumps(row, default=_text)
        return tabs.join(_text(row.get(column)) for column in self._columns)

    def _print(self, rows: Sequence[Mapping[str, Any]]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in self._columns:
            # Folded, not cut off: an id is there to be copied.
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            # Texts, not strings: what is in brackets is nobody's markup.
            table.add_row(*(Text(plain(_text(row.get(column)))) for column in self._columns))
        with writing():
            Console().print(table if rows else "none")


def _nothing(_: str) -> None:
    """Tell nobody how far it is."""


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
