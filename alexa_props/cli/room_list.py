"""The rooms that `fleet run --from` reads: a spreadsheet's CSV, JSON, one id per line, or the output of a command.

Nothing is skipped silently: a row that cannot be understood is an error that names it, and rows that are left out on
purpose are counted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import typer

from alexa_props.arguments import require_id
from alexa_props.cli.room_list_json import json_rows, looks_like_json
from alexa_props.cli.room_list_rows import COLUMNS, Row, Source
from alexa_props.cli.room_list_table import Table
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import Room

__all__ = ["RoomList", "read_rooms"]

_DETAILS: Final = [column for column in COLUMNS if column not in ("unit_id", "level")]
_SAVE_AS: Final = 'save it as "CSV UTF-8"'


@attrs.frozen
class RoomList:
    """The rooms of a list, and what was left out of it."""

    source: str
    """A file, or "standard input"."""
    rooms: list[Room]
    """Each room once, in the order of the list."""
    left_out: Mapping[str, int]
    """The number of lines or units of each kind that were left out."""

    def __str__(self) -> str:
        """Return a summary in one line."""
        found = f"{len(self.rooms):,} room{'' if len(self.rooms) == 1 else 's'} read from {self.source}"
        parts = [f"{kind}: {count:,}" for kind, count in self.left_out.items()]
        left_out = f"; left out: {', '.join(parts)}" if parts else ""
        return found + left_out + ("" if self.rooms else "; nothing to do")


def read_rooms(source: str) -> RoomList:
    """Read a list of rooms from a file, or from standard input if the source is "-".

    Raises:
        typer.BadParameter: It cannot be read, or is not a list of rooms. The message names the file and the row.

    """
    of = Source("standard input" if source == "-" else source)
    text = _text(of.name, _content(of.name, source))
    return _rooms(of, list(json_rows(of, text) if looks_like_json(text) else Table(of).rows(text)))


def _rooms(source: Source, rows: Sequence[Row]) -> RoomList:
    # A tree lists floors beside rooms. As with `--under`, a room is a unit that has no units below it.
    parents = {row.cells.get("parent_id") for row in rows if row.of_a_tree}
    rooms: dict[str, Room] = {}
    for row in rows:
        unit_id = _unit_id(source, row)
        if row.of_a_tree and unit_id in parents:
            source.left_out["parent units"] += 1
        elif unit_id in rooms:
            source.left_out["duplicates"] += 1
        else:
            details = {column: row.cells.get(column) or None for column in _DETAILS}
            rooms[unit_id] = Room(unit_id, **details)  # type: ignore[arg-type]
    return RoomList(source.name, list(rooms.values()), source.left_out)


def _unit_id(source: Source, row: Row) -> str:
    unit_id = row.cells.get("unit_id")
    if not unit_id:
        raise source.error(row.line, f"row {row.number} has no unit_id")
    if not unit_id.isprintable():
        raise source.error(row.line, f"row {row.number}: {unit_id!a:.80} holds an invisible character: remove it")
    try:
        return require_id("unit_id", unit_id)
    except ConfigurationError as error:
        raise source.error(row.line, f"row {row.number}: {error}") from None


def _content(name: str, source: str) -> bytes:
    if source == "-" and sys.stdin is None:
        raise typer.BadParameter("cannot read the rooms: standard input is closed")
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{name} cannot be read: {error}") from None


def _text(name: str, content: bytes) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise typer.BadParameter(f"{name} cannot be read: it is a workbook, not a text file: {_SAVE_AS}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:2]:
        raise typer.BadParameter(f"{name} cannot be read: it is in UTF-16: {_SAVE_AS}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise typer.BadParameter(
            f"{name} cannot be read: line {line} is not in UTF-8, but perhaps in Windows-1252: {_SAVE_AS}"
        ) from None
