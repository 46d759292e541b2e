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
from alexa_props.cli.streams import printable, write, writing
from alexa_props.paging import Pager

__all__ = ["AsJson", "Rows"]

T = TypeVar("T", bound=attrs.AttrsInstance)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines: one object per row, with all fields.")]


class Rows:
    """Print the rows of a command; use it as a context manager.

    On a terminal the rows become a table when the context ends, even if it ends early. Elsewhere each row is a line,
    printed by the end of its page: tab-separated columns as in `tabs`, or the whole row as a JSON object. None is an
    empty column.

    Args:
        columns: The keys of a row that tables and tab-separated lines show.
        as_json: Whether to print JSON lines.

    """

    def __init__(self, columns: Sequence[str], *, as_json: bool) -> None:
        self._columns = columns
        self._as_json = as_json
        self._table: list[Mapping[str, Any]] | None = [] if sys.stdout.isatty() and not as_json else None
        self._spinner = ExitStack()
        self._show_progress: Callable[[str], None] = _ignore

    def __enter__(self) -> Self:
        if self._table is not None and sys.stderr.isatty():
            from rich.console import Console  # here and below: most commands do without a terminal

            status = self._spinner.enter_context(Console(stderr=True).status("…"))
            self._show_progress = status.update
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._spinner.close()
        if self._table is not None and (self._table or kind is None):
            self._print(self._table)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        if self._table is not None:
            self._table.append(row)
            self._show_progress(f"{len(self._table):,} …")
        else:
            with writing():
                sys.stdout.write(self._line(row) + "\n")

    async def add_all(self, pager: Pager[T], row: Callable[[T], Mapping[str, Any]] | None = None) -> int:
        """Add every item of a list, page by page, and return their number.

        Args:
            pager: The list.
            row: Makes a row from an item; None takes the item's attributes.

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
            # Folded, not truncated: ids are there to be copied.
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            # `Text`, not a string: rich would read brackets as markup.
            table.add_row(*(Text(printable(_text(row.get(column)))) for column in self._columns))
        with writing():
            Console().print(table if rows else "none")


def _ignore(_: str) -> None:
    """Show no progress."""


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
