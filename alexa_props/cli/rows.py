"""Rows on standard output: a table for people, and formats for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs

from alexa_props.cli.output import WHOLE, Encoder, Output, table_lines
from alexa_props.cli.shared import Display
from alexa_props.cli.streams import write, writing

if TYPE_CHECKING:
    from alexa_props.paging import Pager

__all__ = ["Rows"]

T = TypeVar("T", bound=attrs.AttrsInstance)


class Rows:
    """Print the rows of a command; use it as a context manager.

    A table is printed when the context ends, even if it ends early. All other formats print each row by the end of its
    page. JSON and YAML have all members of a row.

    Args:
        columns: The keys of a row that TSV and CSV have: names first, ids last.
        display: The format.
        table: The keys that a table shows; None for all columns.

    """

    count: int
    """The number of rows so far."""

    def __init__(self, columns: Sequence[str], display: Display, *, table: Sequence[str] | None = None) -> None:
        self._table = columns if table is None else table
        self._ids = not display.no_ids
        self._format = display.format or (Output.TABLE if sys.stdout.isatty() else Output.TSV)
        self._encoder = Encoder(self._format, columns)
        self._collected: list[Mapping[str, Any]] = []
        self._spinner = ExitStack()
        self._show_progress: Callable[[str], None] = _ignore
        self.count = 0

    @property
    def is_table(self) -> bool:
        """Whether the rows become a table for people."""
        return self._format is Output.TABLE

    @property
    def is_whole(self) -> bool:
        """Whether all members of a row are printed, not only its columns."""
        return self._format in WHOLE

    def __enter__(self) -> Self:
        if self.is_table and sys.stderr.isatty():
            from rich.console import Console  # most commands do without a terminal

            status = self._spinner.enter_context(Console(stderr=True).status("…"))
            self._show_progress = status.update
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._spinner.close()
        if self.count or kind is None:
            self.end()

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self.count += 1
        if self.is_table:
            self._collected.append(row)
            self._show_progress(f"{self.count:,} …")
            return
        with writing():
            sys.stdout.write(self._encoder.row(row))

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
                if not self.is_table:
                    write()
                count += len(page.items)
        return count

    def end(self, table: Sequence[str] | None = None) -> None:
        """Print what comes at the end: a table, of these columns if some are given. Outside a context only."""
        if not self.is_table:
            write(self._encoder.end())
            return
        from rich.console import Console
        from rich.text import Text

        console = Console()
        with writing():
            if not self.count:
                console.print("none")
                return
            for line, style in table_lines(table or self._table, self._collected, console.width, ids=self._ids):
                # `Text`, not a string: rich would read brackets as markup. A long id is not folded.
                console.print(Text(line, style), soft_wrap=True)


def _ignore(_: str) -> None:
    """Show no progress."""
