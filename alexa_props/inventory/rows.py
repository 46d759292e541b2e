"""The rows of an inventory: one per device, and one per room without devices."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from alexa_props import tables
from alexa_props.fleet.rooms import Room
from alexa_props.inventory.tree import Tree
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["COLUMNS", "SHOWN", "rows", "time_of_sample", "to_html"]

_SEPARATOR: Final = " / "
COLUMNS: Final[dict[str, type]] = {
    **dict.fromkeys(("room", "property_name", "path", "device", "model", "serial_number", "reachability"), str),
    "time_of_sample": dt.datetime,
    **dict.fromkeys(("property_id", "unit_id", "endpoint_id"), str),
}
"""Columns of a row, and their types. Places are called as in reports, and as the attributes of a `Room`."""
SHOWN: Final = ("room", "path", "device", "model", "serial_number", "reachability")
"""The columns that a notebook shows, besides an id."""
_MOST_LINES: Final = 50
"""Lines of a table in HTML."""


def rows(tree: Tree, rooms: Mapping[int, Room]) -> Iterator[dict[str, Any]]:
    """Yield the rows in the order of the tree."""
    for number, unit in enumerate(tree.units):
        room, devices = rooms.get(number), tree.devices_in(number)
        if room is None and not devices:
            continue
        path = tree.labels(number)
        name = property_name = property_id = None
        if room is not None:
            path, name = path[:-1], room.name or room.id
            property_name, property_id = room.property_name, room.property_id
        elif (top := _property(tree, number)) is not None:
            property_name, property_id = top.name, top.id
        for device in devices or (None,):
            yield {
                "room": name,
                "property_name": property_name,
                "path": _SEPARATOR.join(path) or None,
                "device": device and device.friendly_name,
                "model": device and device.model,
                "serial_number": device and device.serial_number,
                "reachability": device and device.reachability,
                "time_of_sample": device and time_of_sample(device),
                "property_id": property_id,
                "unit_id": unit.id,
                "endpoint_id": device and device.id,
            }


def to_html(title: str, lines: Sequence[Mapping[str, Any]], columns: Sequence[str], ids: Sequence[str]) -> str:
    """Return a title and a table as HTML.

    Args:
        title: The title.
        lines: The rows, of which the first ones are shown.
        columns: The columns to show.
        ids: The columns of ids: the first that a row has is shown.

    """
    first = lines[:_MOST_LINES]
    shown = [
        # Beside the id there is no room for it: it is shown when the mouse points at the name of the device.
        tables.Column(name, [str(line[name] or "") for line in first], is_optional=name == "model")
        for name in columns
    ]
    own = [next((line[name] for name in ids if line[name]), "") for line in first]
    more = f"and {len(lines) - _MOST_LINES:,} more" if len(lines) > _MOST_LINES else ""
    table = tables.Table("", [*shown, tables.Column("id", own, is_id=True)], more)
    return f"<p><strong>{html.escape(title)}</strong></p>" + (tables.to_html(table) if lines else "")


def time_of_sample(device: Endpoint) -> dt.datetime | None:
    """Return when the device reported its reachability."""
    for feature in device.features:
        for each in feature.properties if feature.name == "connectivity" else ():
            if each.name == "reachability" and each.time_of_sample is not None:
                return each.time_of_sample
    return None


def _property(tree: Tree, number: int) -> Unit | None:
    """Return the property that a unit, which is no room, is in or is."""
    while number >= 0 and tree.units[number].level != 1:
        number = tree.parents[number]
    return None if number < 0 else tree.units[number]
