"""The rooms that the rows of a list name. All rows are looked up before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import typer

from alexa_props import Inventory
from alexa_props.cli.names import Names
from alexa_props.cli.room_list import Entry, RoomList
from alexa_props.errors import AmbiguousName, ConfigurationError, NameNotFound, NamesNotFound
from alexa_props.fleet import Room
from alexa_props.inventory.names import fold, parts_of

__all__ = ["FoundRooms", "find_rooms"]

_SHOWN: Final = 20
"""Rows that an error message lists."""
_SERIAL_LENGTH: Final = 10
"""Characters that a serial number has at least."""


@attrs.frozen
class FoundRooms:
    """The rooms of a list."""

    source: str
    """A file, or "standard input"."""
    rooms: Sequence[Room]
    """Each room once, in the order of the list."""
    left_out: Mapping[str, int]
    """The number of lines or units of each kind that were left out."""
    by_number: Mapping[str, Room] = attrs.field(factory=dict)
    """Rooms by what the list has instead of their names, such as "320"."""
    renamed: Mapping[str, Room] = attrs.field(factory=dict)
    """Rooms by the other name that the list has beside their id: perhaps its columns were mixed up."""

    def __str__(self) -> str:
        """Return a summary in one line."""
        found = f"{len(self.rooms):,} room{'' if len(self.rooms) == 1 else 's'} read from {self.source}"
        parts = [f"{kind}: {count:,}" for kind, count in self.left_out.items()]
        left_out = f"; left out: {', '.join(parts)}" if parts else ""
        numbers = f"; not by name: {len(self.by_number):,}, such as {_first(self.by_number)}" if self.by_number else ""
        renamed = (
            f"; by id, with another name: {len(self.renamed):,}, such as {_first(self.renamed)}" if self.renamed else ""
        )
        return found + numbers + renamed + left_out + ("" if self.rooms else "; nothing to do")


async def find_rooms(lists: Sequence[RoomList], names: Names) -> list[FoundRooms]:
    """Return the rooms of each list. Ids are taken unchanged, and need no call.

    Raises:
        typer.BadParameter: Rows name no room, or several. The message lists the first of them, of all lists.

    """
    problems: list[str] = []
    found = [await _found(listed, names, problems) for listed in lists]
    if problems:
        rows = "1 row names" if len(problems) == 1 else f"{len(problems):,} rows name"
        more = [f"and {len(problems) - _SHOWN:,} more"] if problems[_SHOWN:] else []
        lines = "".join(f"\n  {line}" for line in [*problems[:_SHOWN], *more])
        raise typer.BadParameter(f"{rows} no room, or several, so nothing was sent:{lines}")
    return found


async def _found(listed: RoomList, names: Names, problems: list[str]) -> FoundRooms:
    looked_up = await _look_up(listed.entries, names)
    rooms: dict[str, Room] = {}
    by_number: dict[str, Room] = {}
    renamed: dict[str, Room] = {}
    left_out = Counter(listed.left_out)
    for entry in listed.entries:
        room = looked_up.get(entry.text)
        if room is None:
            continue  # others name none
        if not isinstance(room, Room):
            problems.append(f"{listed.source}, line {entry.line}: {room}")
        elif room in rooms:
            left_out["duplicates"] += 1
        else:
            rooms[room] = room
            if entry.room is None and parts_of(entry.text)[-1:] != parts_of(room.name or "")[-1:]:
                by_number[entry.text] = room
            elif entry.room is not None and entry.room.name and fold(entry.room.name) != fold(room.name or ""):
                renamed[entry.room.name] = room
    return FoundRooms(listed.source, list(rooms.values()), left_out, by_number, renamed)


def _first(rooms: Mapping[str, Room]) -> str:
    text, room = next(iter(rooms.items()))
    return f"{text!r:.80} for {' / '.join((*room.path, room.name or room))}"


async def _look_up(entries: Sequence[Entry], names: Names) -> dict[str, Room | str]:
    """Return by the text of each entry a room, or why there is none."""
    found: dict[str, Room | str] = {}
    for room in (entry.room for entry in entries if entry.room is not None):
        known = names.known(room)
        # The list may have names that no inventory has.
        found[room] = known if isinstance(known, Room) and known.name else room
    named = [entry.text for entry in entries if entry.room is None and not entry.of_device]
    devices = [entry.text for entry in entries if entry.of_device]
    unknown = await _add_rooms(named, names, found)
    if serials := [text for text in unknown if _may_be_serial(text)]:
        devices += serials
        unknown |= await _add_rooms([text for text in named if text not in serials], names, found)
    if unknown:
        inventory = await names.inventory()
        found |= {text: str(problem) for text, problem in unknown.items()}
        # Only those that are shown: another search takes time.
        found |= {text: _reason(unknown[text], inventory) for text in list(unknown)[:_SHOWN]}
    if devices:
        # Devices are moved.
        inventory = await names.read_below(None, endpoints=True)
        rooms = {text: inventory.room_of(text) for text in devices}
        found |= {text: room or found.get(text, f"no room has a device {text!r:.80}") for text, room in rooms.items()}
    return found


async def _add_rooms(
    texts: Sequence[str], names: Names, found: dict[str, Room | str]
) -> dict[str, NameNotFound | AmbiguousName]:
    """Add the rooms that texts name. If some name none, none are added, and the problems are returned by text."""
    if not texts:
        return {}
    try:
        found |= zip(texts, await names.rooms(texts), strict=True)
    except NamesNotFound as error:
        return {problem.text: problem for problem in error.problems}
    except (NameNotFound, AmbiguousName) as problem:
        return {problem.text: problem}
    return {}


def _reason(problem: NameNotFound | AmbiguousName, inventory: Inventory) -> str:
    if isinstance(problem, AmbiguousName):
        return f"{problem}, by path or with a column property"
    try:
        unit = inventory.unit(problem.text)
    except ConfigurationError:
        return str(problem)
    if isinstance(unit, Room):
        return str(problem)  # a part of its name
    return f"{problem.text!r} is not a room, but has rooms below it: name these, or use --under"


def _may_be_serial(text: str) -> bool:
    return len(text) >= _SERIAL_LENGTH and text.isalnum() and any(map(str.isdigit, text))
