"""Units as a tree on a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from alexa_props.cli.streams import printable
from alexa_props.tables import width_of

if TYPE_CHECKING:
    from alexa_props import Inventory
    from alexa_props.smart_properties.units import Unit

__all__ = ["tree_lines"]

_GAP: Final = 2


def tree_lines(inventory: Inventory, depth: int | None, width: int, *, ids: bool) -> Iterator[tuple[str, str]]:
    """Yield the lines of a tree, each with its style of rich: names, numbers of rooms and devices, ids.

    Ids are in a separate column if that fits the width. If not, each is on a line below its unit.

    Args:
        inventory: The units.
        depth: The levels below the root; None for all.
        width: Columns of the terminal.
        ids: Whether to show ids.

    """
    lines = list(_lines(inventory, depth))
    counts = _counts(inventory)
    names = max(width_of(branch + printable(unit.name or unit.id)) for branch, _, unit in lines)
    numbers = max(width_of(counts[unit.id]) for _, _, unit in lines)
    beside = ids and names + numbers + max(len(unit.id) for _, _, unit in lines) + 2 * _GAP <= width
    for branch, below, unit in lines:
        name = branch + printable(unit.name or unit.id)
        text = f"{name}{' ' * (names - width_of(name) + _GAP)}{counts[unit.id]}"
        if beside:
            text += " " * (numbers - width_of(counts[unit.id]) + _GAP) + printable(unit.id)
        yield text.rstrip(), ""
        if ids and not beside:
            yield f"{below}  {printable(unit.id)}", "dim"


def _lines(inventory: Inventory, depth: int | None) -> Iterator[tuple[str, str, Unit]]:
    """Yield each unit, with the lines of the tree before its name and below it."""
    children: dict[str | None, list[Unit]] = defaultdict(list)
    known = {inventory.root.id, *(unit.id for unit in inventory.units)}
    for unit in inventory.units:
        children[unit.parent_id if unit.parent_id in known else inventory.root.id].append(unit)
    ahead = [("", "", inventory.root, 0)]
    while ahead:
        branch, indent, unit, level = ahead.pop()
        shown = children[unit.id] if depth is None or level < depth else []
        yield branch, f"{indent}{'│' if shown else ' '}", unit
        for place, child in reversed(list(enumerate(shown, 1))):
            last = place == len(shown)
            ahead.append((f"{indent}{'└─' if last else '├─'} ", f"{indent}{' ' if last else '│'}  ", child, level + 1))


def _counts(inventory: Inventory) -> dict[str, str]:
    """Return, by unit, the numbers of rooms and devices below it, as text."""
    above = {unit.id: unit.parent_id for unit in inventory.units}
    rooms, devices = Counter[str](), Counter[str]()
    for room in inventory.rooms():
        # A room that is the root is not below anything.
        if room.id in above:
            _add(rooms, above[room.id] or inventory.root.id, above)
    for device in inventory.devices:
        _add(devices, next((ref.id for ref in device.associated_units if ref.id in above), inventory.root.id), above)
    shown = {}
    for unit in (inventory.root, *inventory.units):
        parts = [_number(rooms[unit.id], "room")] if rooms[unit.id] else []
        if inventory.has_endpoints:
            parts.append(_number(devices[unit.id], "device"))
        shown[unit.id] = ", ".join(parts)
    return shown


def _add(counts: Counter[str], unit_id: str, above: dict[str, str | None]) -> None:
    """Count one in a unit and in all units above it."""
    step: str | None = unit_id
    # An inventory has no rings.
    while step is not None:
        counts[step] += 1
        step = above.get(step)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
