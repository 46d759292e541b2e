"""Confirming that cached names still mean what they meant."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from alexa_props import Inventory, SmartProperties
from alexa_props.cli.inventory_cache import age_of
from alexa_props.cli.spelling import is_full_path
from alexa_props.concurrency import gather
from alexa_props.errors import Forbidden, NotFound
from alexa_props.fleet import Room
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["are_confirmed", "units_above"]

_Thing: TypeAlias = Room | Unit | Endpoint

_FRESH: Final = 300
"""Seconds after which a change trusts only full paths: the units that they name are confirmed one by one."""
_UNITS: Final = 50
"""Units that a call reads."""
_FEW: Final = 5
"""Units that are confirmed one by one in any inventory: enough for a room and the units above it."""


async def are_confirmed(
    asp: SmartProperties, texts: Sequence[str], found: Sequence[_Thing], inventory: Inventory, *, changes: bool
) -> bool:
    """Return whether the service still has these things, and the units above them, with the same names and places.

    False also if reading all names takes fewer calls.

    Args:
        asp: The client.
        texts: What was looked up.
        found: What each text means in the inventory.
        inventory: The cached inventory.
        changes: Whether the things will be changed.

    """
    if changes and age_of(inventory).total_seconds() > _FRESH:
        # Another unit may fit as well by now, or better. Devices have serial numbers for that.
        units = ((text, each) for text, each in zip(texts, found, strict=True) if not isinstance(each, Endpoint))
        if not all(is_full_path(text, each, inventory) for text, each in units):
            return False
    things = {each.id: each for each in found}
    known = {unit.id: unit for unit in inventory.units}
    for each in found:
        for unit in units_above(each, known):
            if unit.id != inventory.root.id:
                things.setdefault(unit.id, unit)
    if len(things) > _FEW + len(known) // _UNITS:
        return False
    return all(await gather(functools.partial(_is_confirmed, asp, each) for each in things.values()))


def units_above(thing: _Thing, known: Mapping[str, Unit]) -> list[Unit]:
    """Return the units above a unit or a device, the nearest first."""
    parent = next((ref.id for ref in thing.associated_units), None) if isinstance(thing, Endpoint) else thing.parent_id
    above: list[Unit] = []
    while parent is not None and parent in known and len(above) < len(known):
        above.append(known[parent])
        parent = above[-1].parent_id
    return above


async def _is_confirmed(asp: SmartProperties, known: _Thing) -> bool:
    try:
        if isinstance(known, Endpoint):
            device = await asp.endpoints.get(known, expand="all")
            present: tuple[object, ...] = (device.serial_number, device.friendly_name, device.associated_units)
            return present == (known.serial_number, known.friendly_name, known.associated_units)
        unit = await asp.units.get(known)
    except (NotFound, Forbidden):
        return False
    return (unit.name, unit.parent_id) == (known.name, known.parent_id)
