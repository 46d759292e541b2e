"""Tables for people: as text whose lines fit a terminal, and as HTML whose columns fit a notebook. Ids stay whole."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

__all__ = ["Column", "Table", "fits_html", "plain", "to_html", "to_lines", "to_text", "width_of"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""Control sequences, line breaks, and marks of direction."""
_GAP: Final = "  "
_LONGEST_WORD: Final = 24
"""Characters of a word that a narrow column does not break."""
_LEAST: Final = 4
"""Characters of the narrowest column."""
_ID: Final = "text-align:left;white-space:nowrap;font-family:monospace;font-size:11px"
_CELL: Final = "text-align:left;overflow-wrap:break-word"
_WIDTH: Final = 820
"""Pixels of a table in the cell of a notebook. The others are estimates for JupyterLab."""
_PADDING: Final = 14
_CHARACTER: Final = 8.2
_ID_CHARACTER: Final = 6.7


def plain(text: str) -> str:
    """Return a text without line breaks and without control sequences of a terminal."""
    return _CONTROL.sub(" ", text)


@attrs.frozen
class Column:
    """A column: its title, and a cell for each row."""

    title: str
    cells: Sequence[str]
    is_id: bool = False
    """Ids are neither wrapped nor cut."""
    is_optional: bool = False
    """Long text that is left out if the lines are too narrow for it. In HTML it is shown when the mouse points at the
    column before."""


@attrs.frozen
class Table:
    """A table with a title."""

    title: str
    columns: Sequence[Column]
    more: str = ""
    """A line below it, such as how many rows are left out."""


def to_text(table: Table, width: int) -> Iterator[str]:
    """Yield the lines of `to_lines` without their styles."""
    return (line for line, _ in to_lines(table, width))


def to_lines(table: Table, width: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of a table, each with its style of rich. Only ids that are wider make a line wider than `width`.

    Ids are beside the names if that takes fewer lines than below them. Below, rows about the same thing share its ids.
    Optional columns are left out first.
    """
    every = [_printable(column) for column in table.columns if any(column.cells)]
    kept = [column for column in every if not column.is_optional]
    for columns in (every, kept):
        if _width(_natural(columns)) <= width:
            yield from _lines(table, columns, [], width)
            return
    ids = [column for column in kept if column.is_id]
    names = [column for column in kept if not column.is_id]
    layouts = [(names, ids)]
    if _width([_least(column, _LONGEST_WORD) for column in kept]) <= width:
        layouts.insert(0, (kept, []))
    yield from min((list(_lines(table, *layout, width)) for layout in layouts), key=len)


def to_html(table: Table) -> str:
    """Return a table as HTML. If there is no room for the ids in a line, they are in lines below their rows."""
    columns: list[tuple[Column, Sequence[str]]] = []
    for column in table.columns:
        if column.is_optional and columns:
            columns[-1] = columns[-1][0], column.cells
        elif any(column.cells):
            columns.append((column, [""] * len(column.cells)))
    below: list[Column] = []
    beside = [each for each in columns if not each[0].is_id]
    if beside and not fits_html([column for column, _ in columns]):
        below = [column for column, _ in columns if column.is_id]
        columns = beside
    head = "".join(f'<th style="text-align:left">{_breakable(column.title)}</th>' for column, _ in columns)
    cells = ([_cell(column, *each) for each in zip(column.cells, hints, strict=True)] for column, hints in columns)
    lines = [f"<tr>{line}</tr>" for line in map("".join, zip(*cells, strict=True))]
    for column in below:
        ids = (f'<tr><td colspan="{len(columns)}" style="{_ID}">{html.escape(each)}</td></tr>' for each in column.cells)
        lines = [line + (own if cell else "") for line, own, cell in zip(lines, ids, column.cells, strict=True)]
    body = f"<tr>{head}</tr>" + "".join(lines)
    more = f"<p>{html.escape(table.more)}</p>" if table.more else ""
    caption = f'<caption style="text-align:left">{html.escape(table.title)}</caption>' if table.title else ""
    return f'<div style="overflow-x:auto"><table style="margin-left:0">{caption}{body}</table></div>{more}'


def fits_html(columns: Iterable[Column]) -> bool:
    """Return whether columns fit into the cell of a notebook, if text is broken between its words."""
    return sum(map(_pixels, columns)) <= _WIDTH


def _pixels(column: Column) -> float:
    if column.is_id:
        return _PADDING + _ID_CHARACTER * _natural([column])[0]
    words = (word for text in (column.title, *column.cells) for word in text.replace("_", "_ ").split())
    return _PADDING + _CHARACTER * max(map(width_of, words), default=0)


def _cell(column: Column, text: str, hint: str) -> str:
    title = f' title="{html.escape(hint)}"' if hint else ""
    shown = html.escape(text) if column.is_id else _breakable(text)
    return f'<td style="{_ID if column.is_id else _CELL}"{title}>{shown}</td>'


def _breakable(text: str) -> str:
    """Return a text as HTML that may be broken within names of columns and codes too."""
    return html.escape(text).replace("_", "_<wbr>")


def _printable(column: Column) -> Column:
    return attrs.evolve(column, cells=[plain(cell) for cell in column.cells])


def _natural(columns: Iterable[Column]) -> list[int]:
    return [max(map(width_of, (column.title, *column.cells))) for column in columns]


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(table: Table, columns: Sequence[Column], ids: Sequence[Column], width: int) -> Iterator[tuple[str, str]]:
    if table.title:
        yield table.title, "bold"
    widths = _fitted(columns, width)
    for line in _row([column.title.upper() for column in columns], widths):
        yield line, "bold"
    below = list(zip(*(column.cells for column in ids), strict=True))
    for number in range(len(table.columns[0].cells)):
        for line in _row([column.cells[number] for column in columns], widths):
            yield line, ""
        if below and below[number : number + 1] != below[number + 1 : number + 2]:
            for line in _beside([each for each in below[number] if each], width):
                yield f"{_GAP}{line}", "dim"
    if table.more:
        yield table.more, ""


def _beside(ids: Sequence[str], width: int) -> Sequence[str]:
    """Return ids in one line if it fits the width, else each in its own."""
    line = _GAP.join(ids)
    return [line] if ids and width_of(_GAP + line) <= width else ids


def _row(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, wrapped), default=0)):
        parts = (lines[number] if number < len(lines) else "" for lines in wrapped)
        padded = (part + " " * (width - width_of(part)) for part, width in zip(parts, widths, strict=True))
        yield _GAP.join(padded).rstrip()


def _fitted(columns: Sequence[Column], width: int) -> list[int]:
    """Return the widths of columns: the widest are narrowed first, and words are broken last."""
    widths = _natural(columns)
    for longest in (_LONGEST_WORD, _LEAST):
        least = [_least(column, longest) for column in columns]
        while _width(widths) > width:
            spare = [(size, -number) for number, size in enumerate(widths) if size > least[number]]
            if not spare:
                break
            widths[-max(spare)[1]] -= 1
    return widths


def _least(column: Column, longest: int) -> int:
    if column.is_id:
        return _natural([column])[0]
    words = (word for text in (column.title, *column.cells) for word in text.split())
    return max(_LEAST, *(min(width_of(word), longest) for word in words))


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken between words where that is possible."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if width_of(joined) <= width:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for character in word:
            if lines[-1] and width_of(lines[-1] + character) > width:
                lines.append("")
            lines[-1] += character
    return lines


def width_of(text: str) -> int:
    """Return the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(each) or unicodedata.category(each) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(each) in "WF"
        else 1
        for each in text
    )
