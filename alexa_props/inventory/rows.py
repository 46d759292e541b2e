"""The rows of an inventory: one per device, and one per room without devices."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from alexa_props.fleet.rooms import Room
from alexa_props.inventory.tree import Tree, unit_label
from alexa_props.smart_properties.endpoints import Endpoint

__all__ = ["COLUMNS", "rows", "to_html"]

COLUMNS: Final[dict[str, type]] = dict.fromkeys(
    (
        *("room", "where", "property", "device", "model", "serial_number", "reachability", "time_of_sample"),
        *("unit_id", "endpoint_id"),
    ),
    str,
)
"""Columns of a row, and their types."""
_MOST_LINES: Final = 50
"""Lines of a table in HTML."""


def rows(tree: Tree, rooms: Mapping[int, Room]) -> Iterator[dict[str, Any]]:
    """Yield the rows in the order of the tree."""
    for number, unit in enumerate(tree.units):
        room, devices = rooms.get(number), tree.devices_in(number)
        if room is None and not devices:
            continue
        names = tree.labels(number)
        place = {
            "room": None if room is None else room.name or room.id,
            "where": " / ".join(names if room is None else names[:-1]) or None,
            "property": _property(tree, number) if room is None else room.property_name,
        }
        for device in devices or (None,):
            yield {**place, **_device(device), "unit_id": unit.id, "endpoint_id": device and device.id}


def to_html(title: str, lines: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return a title and a table as HTML. It scrolls sideways if it is wide: an id must be whole to be copied."""
    shown = [name for name in columns if any(line[name] is not None for line in lines)]
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in shown)
    body = [
        "".join(f"<td>{html.escape('' if line[name] is None else str(line[name]))}</td>" for name in shown)
        for line in lines[:_MOST_LINES]
    ]
    table = "".join(f"<tr>{line}</tr>" for line in (head, *body)) if lines else ""
    more = len(lines) - _MOST_LINES
    return (
        f"<p><strong>{html.escape(title)}</strong></p>"
        '<div style="max-width:100%;overflow-x:auto">'
        f'<table style="white-space:nowrap">{table}</table></div>' + (f"<p>and {more:,} more</p>" if more > 0 else "")
    )


def _device(device: Endpoint | None) -> dict[str, Any]:
    if device is None:
        return dict.fromkeys(("device", "model", "serial_number", "reachability", "time_of_sample"))
    sampled = _time_of_sample(device)
    return {
        "device": device.friendly_name,
        "model": device.model,
        "serial_number": device.serial_number,
        "reachability": device.reachability,
        "time_of_sample": sampled,
    }


def _time_of_sample(device: Endpoint) -> str | None:
    """Return when the device reported its reachability."""
    for feature in device.features:
        for each in feature.properties if feature.name == "connectivity" else ():
            if each.name == "reachability" and each.time_of_sample is not None:
                return each.time_of_sample.isoformat().replace("+00:00", "Z")
    return None


def _property(tree: Tree, number: int) -> str | None:
    """Return the name of the property that a unit, which is no room, is in or is."""
    while number >= 0 and tree.units[number].level != 1:
        number = tree.parents[number]
    return None if number < 0 else unit_label(tree.units[number])
