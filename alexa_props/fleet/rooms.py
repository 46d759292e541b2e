"""The rooms of a tree of units."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final, Self

from alexa_props.arguments import require_id
from alexa_props.concurrency import gather
from alexa_props.errors import DecodeError
from alexa_props.fleet.names import describe
from alexa_props.fleet.progress import count_listed, count_rooms
from alexa_props.paging import Pager
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.units import Unit

__all__ = ["Room", "walk_rooms"]

PAGE: Final = 50
"""The page size of Amazon's own tool."""
_NONE: Final[Mapping[str, tuple[Endpoint, ...]]] = {}
_BRANCHES: Final = 8
"""Branches that are listed concurrently. It also bounds the memory."""

_SHOWN: Final = 10
"""Units that an error message names."""


class Room(str):
    """A room: a string, its unit id, with what the tree of units says about it. Use it wherever a unit id is taken."""

    __slots__ = ("endpoints", "name", "parent_id", "path", "property_id", "property_name")

    name: str | None
    """None if it has no name."""
    parent_id: str | None
    """The unit above, such as a floor."""
    property_id: str | None
    """The property that it belongs to; None if `root` is below the property."""
    property_name: str | None
    """The name of the property."""
    path: tuple[str, ...]
    """Names of the units above, from below `root` down to the parent."""
    endpoints: tuple[Endpoint, ...]
    """The devices in the room; empty unless an `Inventory` has listed them."""

    def __new__(
        cls,
        unit_id: str,
        *,
        name: str | None = None,
        parent_id: str | None = None,
        property_id: str | None = None,
        property_name: str | None = None,
        path: tuple[str, ...] = (),
        endpoints: tuple[Endpoint, ...] = (),
    ) -> Self:
        """Return a room with this unit id."""
        room = super().__new__(cls, unit_id)
        room.name, room.parent_id, room.path, room.endpoints = name, parent_id, path, endpoints
        room.property_id, room.property_name = property_id, property_name
        return room

    def __repr__(self) -> str:
        # Messages quote it: it must be one line, whatever the names.
        return f"<{'' if _says_room(self.name) else 'Room '}{describe(self, str(self))}>"

    @property
    def id(self) -> str:
        """The unit id, as of a `Unit`: the room itself."""
        return str(self)

    def device_name(self, endpoint_id: str | None) -> str | None:
        """Return the name of a device in the room; None if it is unknown."""
        return next((each.friendly_name for each in self.endpoints if each.id == endpoint_id), None)


def _says_room(name: str | None) -> bool:
    return name is not None and name.casefold().startswith("room")


async def walk_rooms(asp: SmartProperties, root: UnitId) -> AsyncGenerator[Room, None]:
    """Yield the rooms below a unit.

    Rooms are the units without units below them, except properties. If the unit itself has none below it, it is the
    only room. The children of the root are listed concurrently. Use it as the items of a run:
    `fleet.run(asp.alerts.delete_alarms, fleet.walk_rooms(asp, organization_id))`.

    Args:
        asp: The client.
        root: A unit, such as a property, or the organization.

    Raises:
        DecodeError: A unit is its own parent, or units form a ring.
        AlexaError: A list failed; see `alexa_props.errors`.

    """
    root = require_id("unit_id", root)
    count_listed(0)
    top = await asp.units.get(root)
    first = await asp.units.list(root, depth="all", expand="all", page_size=PAGE)
    if first.next_token is None:
        # All units fit in one page: the branches need no further calls.
        if not first.items and not is_organization(top):
            count_rooms(1)
            yield Room(top.id, name=top.name, parent_id=top.parent_id)
            return
        rooms = rooms_among(top, first.items, first.request_id)
        count_listed(len(first))
        count_rooms(len(rooms))
        for room in rooms:
            yield room
        return
    children = await asp.units.list(root, expand="all", page_size=PAGE)
    count_listed(len(children))
    if children.next_token is not None:
        # With very many branches, one list of all units takes fewer calls than one list per branch.
        rest = asp.units.list(root, depth="all", expand="all", page_size=PAGE).resume(first.next_token)
        more, _ = await _listed(rest)
        rooms = rooms_among(top, [*first.items, *more], first.request_id)
        count_rooms(len(rooms))
        for room in rooms:
            yield room
        return
    count = 0
    for start in range(0, len(children), _BRANCHES):
        branches = children.items[start : start + _BRANCHES]
        below = await gather(functools.partial(_below, asp, branch) for branch in branches)
        rooms = [
            room
            for branch, (units, request_id) in zip(branches, below, strict=True)
            for room in rooms_among(top, [branch, *units], request_id)
        ]
        count += len(rooms)
        if start + _BRANCHES >= len(children):
            count_rooms(count)
        for room in rooms:
            yield room


def is_walk(items: object) -> bool:
    """Return whether these items are the rooms of `walk_rooms`, all of them and no others."""
    return getattr(items, "ag_code", None) is walk_rooms.__code__


def is_organization(unit: Unit) -> bool:
    return unit.level == 0 or (unit.level is None and unit.parent_id is None)


async def _below(asp: SmartProperties, branch: Unit) -> tuple[list[Unit], str | None]:
    """Return the units below a branch, and the request id of their first page."""
    return await _listed(asp.units.list(branch.id, depth="all", expand="all", page_size=PAGE))


async def _listed(pager: Pager[Unit]) -> tuple[list[Unit], str | None]:
    units: list[Unit] = []
    request_ids: list[str | None] = []
    async for page in pager.pages():
        units += page.items
        request_ids.append(page.request_id)
        count_listed(len(page.items))
    return units, request_ids[0]


def refuse_rings(top: Unit, units: Sequence[Unit], request_id: str | None = None) -> None:
    """Raise if units form a ring: climbing from one would never end, and a ring without a leaf hides its rooms."""
    parents = {unit.id: unit.parent_id for unit in units}
    climbed: set[str] = set()
    for unit in units:
        path: dict[str, None] = {}
        step: str | None = unit.id
        while step in parents and step not in climbed:
            if step in path:
                ring = list(path)[list(path).index(step) :]
                what = "is its own parent" if len(ring) == 1 else "form a ring, each below the next"
                shown = ", ".join(map(repr, ring[:_SHOWN])) + (", …" if len(ring) > _SHOWN else "")
                raise DecodeError(
                    f"units.list({top.id!r}): {shown} {what}, so their rooms are unknown "
                    f"(request id {request_id}): list the units there with units.list, and ask Amazon to correct them",
                    operation="units.list",
                    request_id=request_id,
                )
            path[step] = None
            step = parents[step]
        climbed.update(path)


def rooms_among(
    top: Unit, units: Sequence[Unit], request_id: str | None = None, inside: Mapping[str, tuple[Endpoint, ...]] = _NONE
) -> list[Room]:
    """Return the rooms among the units below `top`: those that are no other unit's parent, and no property.

    Args:
        top: A unit above all of them.
        units: All units below it, or below one of its branches, and the branch.
        request_id: Request id of the list, for messages.
        inside: The devices in each unit, by its id.

    Raises:
        DecodeError: Units form a ring.

    """
    refuse_rings(top, units, request_id)
    known = {unit.id: unit for unit in units}
    parents = {unit.parent_id for unit in units}
    # Below the organization, the topmost unit is the property.
    from_organization = is_organization(top)
    root = top if top.level in (1, None) else None
    # Rooms of one floor share their path.
    above_of: dict[str | None, tuple[Unit | None, tuple[str, ...]]] = {}
    rooms = []
    for unit in units:
        # A property without rooms is not a room.
        if unit.id in parents or unit.level == 1:
            continue
        if unit.parent_id not in above_of:
            above_of[unit.parent_id] = _above(unit, known)
        topmost, path = above_of[unit.parent_id]
        prop = (topmost or unit) if from_organization else root
        rooms.append(
            Room(
                unit.id,
                name=unit.name,
                parent_id=unit.parent_id,
                property_id=prop.id if prop else None,
                property_name=prop.name if prop else None,
                path=path,
                endpoints=inside.get(unit.id, ()),
            )
        )
    return rooms


def _above(unit: Unit, known: Mapping[str, Unit]) -> tuple[Unit | None, tuple[str, ...]]:
    """Return the topmost known unit above one, None if there is none, and the names of all of them."""
    above: list[Unit] = []
    step = known.get(unit.parent_id or "")
    while step is not None:
        above.append(step)
        step = known.get(step.parent_id or "")
    return above[-1] if above else None, tuple(each.name or each.id for each in reversed(above))
