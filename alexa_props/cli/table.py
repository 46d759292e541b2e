"""Rows as a table on a terminal: names in columns, ids whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from alexa_props.cli.output import text_of
from alexa_props.cli.streams import printable

__all__ = ["is_id_column", "table_lines", "width_of"]

_GAP: Final = 2
_NARROW: Final = 8
"""The narrowest width of a column, unless the terminal is too narrow for that."""
_NARROWEST: Final = 2
"""The narrowest width of a column in a narrow terminal."""


def is_id_column(name: str) -> bool:
    """Return whether a column holds ids, which are never folded or cut."""
    return name == "id" or name.endswith(("_id", "_arn"))


def table_lines(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], width: int, *, ids: bool
) -> Iterator[tuple[str, str]]:
    """Yield the lines of a table, each with its style of rich.

    Ids are the last columns if that fits the width. If not, they are on a separate line below their row, where they can
    be copied, and columns without a value are left out.
    """
    names = [column for column in columns if not is_id_column(column)]
    keys = [column for column in columns if is_id_column(column)] if ids else []
    if not _fits([*names, *keys], rows, width):
        names = [name for name in names if any(text_of(row.get(name)) for row in rows)]
    cells = [[printable(text_of(row.get(column))) for column in (*names, *keys)] for row in rows]
    heading = [column.replace("_", " ") for column in (*names, *keys)]
    widths = [max(map(width_of, column)) for column in zip(heading, *cells, strict=True)]
    count = len(names)
    below = bool(keys) and sum(widths) + _GAP * (len(widths) - 1) > width
    shown = widths[:count] if below else widths
    lines = [heading, *cells]
    _shrink(shown, list(zip(*lines, strict=True))[:count], width)
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        style = "bold" if line is heading else ""
        for text in _folded(line[: len(shown)], shown):
            yield text, style
        # Rows with the same ids have them below the last one.
        if below and (following is None or line[count:] != following[count:]) and any(line[count:]):
            for text in _beside(list(filter(None, line[count:])), width):
                yield f"  {text}", "bold dim" if style else "dim"


def _beside(ids: Sequence[str], width: int) -> Sequence[str]:
    """Return ids in one line if it fits the width, else each in its own."""
    line = "  ".join(ids)
    return [line] if width_of(line) + _GAP <= width else ids


def _fits(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], width: int) -> bool:
    taken = [max(width_of(text_of(row.get(column))) for row in ({column: column}, *rows)) for column in columns]
    return sum(taken) + _GAP * (len(columns) - 1) <= width


def _shrink(widths: list[int], cells: Sequence[Sequence[str]], width: int) -> None:
    """Narrow the widest columns until all fit. Words are broken only if that is not enough without.

    Args:
        widths: The widths to change. Those after the cells, of ids, stay.
        cells: The cells of each column that may be narrowed.
        width: The width of the terminal.

    """
    words = [max(width_of(word) for cell in column for word in (cell.split() or [""])) for column in cells]
    for least in (words, [_NARROW] * len(cells), [_NARROWEST] * len(cells)):
        while sum(widths) + _GAP * (len(widths) - 1) > width:
            wide = [place for place in range(len(cells)) if widths[place] > least[place]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1


def _folded(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of a row whose cells are folded to their widths, by words where possible."""
    parts = [list(_fold(cell, width)) for cell, width in zip(cells, widths, strict=True)]
    for place in range(max(map(len, parts), default=0)):
        line = [part[place] if place < len(part) else "" for part in parts]
        padded = (text + " " * (width - width_of(text)) for text, width in zip(line, widths, strict=True))
        yield (" " * _GAP).join(padded).rstrip()


def _fold(text: str, width: int) -> Iterator[str]:
    from rich.text import Text  # only tables need it

    if width_of(text) <= width:
        yield text
        return
    from rich.console import Console

    for line in Text(text).wrap(Console(width=width), width):
        yield line.plain.rstrip()


def width_of(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    from rich.cells import cell_len

    return cell_len(text)
