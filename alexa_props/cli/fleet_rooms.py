"""The rooms of a fleet command: those below a unit or of a list, without excluded ones, or a sample of them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

import attrs

from alexa_props import Inventory, SmartProperties
from alexa_props.cli.names import is_id
from alexa_props.cli.progress_lines import progress_lines
from alexa_props.cli.room_list import RoomList
from alexa_props.cli.room_lookup import find_rooms
from alexa_props.cli.session import Session
from alexa_props.cli.streams import note
from alexa_props.errors import AlexaError
from alexa_props.fleet import Room
from alexa_props.fleet.progress import listing
from alexa_props.smart_properties.units import Unit

__all__ = ["Choice", "choose_rooms"]


@attrs.frozen(kw_only=True)
class Choice:
    """Which rooms the options name."""

    under: str | None
    """The unit that they are below; None if they are listed."""
    listed: RoomList | None
    excluded: RoomList | None
    sample: int | None


async def choose_rooms(opened: Session, choice: Choice, title: str) -> list[Room]:
    """Return the rooms. Those below a unit are read from the service: there may be new ones.

    Args:
        opened: The client, and the names of units.
        choice: The options.
        title: The title of the progress.

    Raises:
        typer.BadParameter: Rows of a list name no room, or several.
        ConfigurationError: The unit that the rooms are below is unknown or ambiguous.

    """
    lists = [each for each in (choice.listed, choice.excluded) if each is not None]
    found = await find_rooms(lists, opened.names)
    rooms = await _rooms_below(opened, choice.under, title) if choice.under is not None else list(found[0].rooms)
    if choice.listed is not None:
        note(str(found[0]))
    if choice.excluded is not None:
        excluded = set(found[-1].rooms)
        left = [room for room in rooms if room not in excluded]
        nothing = "" if left or not rooms else "; nothing to do"
        note(f"{found[-1].source}: {len(rooms) - len(left):,} of {len(excluded):,} rooms are left out{nothing}")
        rooms = left
    if choice.sample is not None:
        chosen = sample_of(rooms, choice.sample)
        note(f"a sample of {len(chosen):,} of {len(rooms):,} rooms")
        rooms = chosen
    return rooms


def sample_of(rooms: Sequence[Room], size: int) -> list[Room]:
    """Return a sample that is spread over properties and floors: always the same one of the same rooms."""
    tree: defaultdict[str, defaultdict[str, list[Room]]] = defaultdict(lambda: defaultdict(list))
    for room in rooms:
        tree[room.property_id or room.property_name or ""][room.parent_id or "/".join(room.path)].append(room)
    # The first room of the first floor of each property, then of the second floors; then the second rooms.
    ranked = [
        ((room_rank, floor_rank), room)
        for floors in tree.values()
        for floor_rank, floor in enumerate(floors.values())
        for room_rank, room in enumerate(floor)
    ]
    chosen = {room for _, room in sorted(ranked, key=lambda each: each[0])[:size]}
    return [room for room in rooms if room in chosen]


async def _rooms_below(opened: Session, text: str, title: str) -> list[Room]:
    started = dt.datetime.now(dt.UTC)
    unit = await opened.names.unit(text)
    if not is_id(text) and (known := await opened.names.inventory()).taken >= started:
        rooms = known.rooms(unit)
    else:
        with progress_lines(), listing(title) as show:
            inventory = await Inventory.load(opened.asp, unit, endpoints=False, progress=show)
        rooms = inventory.rooms()
        if above := await _above(opened.asp, inventory.root):
            rooms = [_placed(room, above) for room in rooms]
    if not rooms:
        note(f"there are no rooms below {unit.name or unit.id}")
    return rooms


async def _above(asp: SmartProperties, root: Unit) -> list[Unit]:
    """Return the units from the property down to a unit below it. Empty if the unit is not below a property."""
    units = [root]
    try:
        while units[0].parent_id is not None and (units[0].level or 0) > 1:
            units.insert(0, await asp.units.get(units[0].parent_id))
    except AlexaError:
        return []  # the account may not read them; they are only shown
    return units if units[0].level == 1 and len(units) > 1 else []


def _placed(room: Room, above: Sequence[Unit]) -> Room:
    """Return a room that also has the names of the units above the root of an inventory."""
    names = [unit.name or unit.id for unit in above if unit.id != room]
    return Room(
        room,
        name=room.name,
        parent_id=room.parent_id,
        property_id=above[0].id,
        property_name=above[0].name,
        path=(*names, *room.path),
        endpoints=room.endpoints,
    )
