"""The rooms that `fleet run --from` reads: a spreadsheet's CSV, JSON, one room per line, or the output of a command.

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

from alexa_props.cli.names import is_device_id, is_id
from alexa_props.cli.room_list_json import json_rows, looks_like_json
from alexa_props.cli.room_list_rows import ROOM_COLUMNS, Row, Source
from alexa_props.cli.room_list_table import Table
from alexa_props.fleet import Room

__all__ = ["Entry", "RoomList", "read_rooms"]

_SAVE_AS: Final = 'save it as "CSV UTF-8"'


@attrs.frozen
class Entry:
    """A room of a list: its id, or what else names it."""

    line: int
    """The number of its line."""
    text: str
    """An id, a path, a name, a room number or a serial number."""
    room: Room | None = None
    """The room, if the text is the id of a unit."""
    of_device: bool = False
    """Whether the text is an id or a serial number of a device in the room."""


@attrs.frozen
class RoomList:
    """The rooms of a list, and what was left out of it."""

    source: str
    """A file, or "standard input"."""
    entries: Sequence[Entry]
    """In the order of the list, without repeated ids."""
    left_out: Mapping[str, int]
    """The number of lines or units of each kind that were left out."""


def read_rooms(source: str) -> RoomList:
    """Read a list of rooms from a file, or from standard input if the source is "-".

    Raises:
        typer.BadParameter: It cannot be read, or is not a list of rooms. The message names the file and the row.

    """
    of = Source("standard input" if source == "-" else source)
    text = _text(of.name, _content(of.name, source))
    return _entries(of, list(json_rows(of, text) if looks_like_json(text) else Table(of).rows(text)))


def _entries(source: Source, rows: Sequence[Row]) -> RoomList:
    # A tree lists floors beside rooms. As with `--under`, a room is a unit that has no units below it.
    tree = {row.cells.get("unit_id"): row for row in rows if row.of_a_tree}
    parents = {row.cells.get("parent_id") for row in tree.values()}
    entries: dict[str, Entry] = {}
    for row in rows:
        entry = _entry(source, row, tree)
        if row.of_a_tree and (entry.text in parents or row.cells.get("level") in ("0", "1")):
            source.left_out["parent units"] += 1
        elif row.cells.get("kind") == "unit":
            source.left_out["units that are not rooms"] += 1
        elif entry.text in entries:
            source.left_out["duplicates"] += 1
        else:
            entries[entry.text] = entry
    return RoomList(source.name, list(entries.values()), source.left_out)


def _entry(source: Source, row: Row, tree: Mapping[str | None, Row]) -> Entry:
    cells = {column: cell or "" for column, cell in row.cells.items()}
    own_id, _, name, serial = (cells.get(column, "") for column in ROOM_COLUMNS)
    path = _path(cells, name or own_id)
    above = path[:-1] or _above_in(tree, row)
    text = own_id if is_id(own_id) or (own_id and name) else "/".join((*above, *path[-1:])) or serial
    if not text:
        raise source.error(row.line, f"row {row.number} names no room")
    if not text.isprintable():
        raise source.error(row.line, f"row {row.number}: {text!a:.80} holds an invisible character: remove it")
    if not is_id(text) or is_device_id(text):
        return Entry(row.line, text, of_device=is_device_id(text) or text == serial)
    room = Room(
        text,
        name=name if name and name != text else None,
        parent_id=cells.get("parent_id") or None,
        property_id=cells.get("property_id") or None,
        property_name=above[0] if above and (cells.get("path") or cells.get("property") or row.of_a_tree) else None,
        path=tuple(above),
    )
    return Entry(row.line, text, room)


def _path(cells: Mapping[str, str], name: str) -> list[str]:
    """Return the names from the property down to a room. A column path has them, or only those above the room."""
    above, path = cells.get("property", ""), cells.get("path", "")
    names = [each.strip() for each in path.split(" / " if " / " in path else "/")] if path else [cells.get("floor", "")]
    if above and names[0] != above:
        names.insert(0, above)
    if names[-1] != name:
        names.append(name)
    return list(filter(None, names))


def _above_in(tree: Mapping[str | None, Row], row: Row) -> tuple[str, ...]:
    """Return the names of the units above a unit in a tree, from the property down."""
    names: list[str] = []
    parent = tree.get(row.cells.get("parent_id"))
    while parent is not None and parent.cells.get("level") != "0" and len(names) < len(tree):
        names.insert(0, parent.cells.get("room") or "")
        parent = tree.get(parent.cells.get("parent_id"))
    return tuple(filter(None, names))


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
