"""Units and devices in the order of the tree, so that all that is below a unit is one range."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from alexa_props.inventory.names import label_of, natural
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["ONLINE", "Tree", "device_label", "make_tree", "unit_label"]

ONLINE: Final = "OK"
"""The reachability of a device that is online. No other value is documented."""


def unit_label(unit: Unit) -> str:
    """Return the name of a unit in paths."""
    return label_of(unit.name, unit.id)


def device_label(device: Endpoint) -> str:
    """Return the name of a device in paths: its serial number if it has no name."""
    return label_of(device.friendly_name, label_of(device.serial_number, device.id))


@attrs.frozen(eq=False)
class Tree:
    """Units, numbered from 0, the root, and devices, which continue the numbers."""

    units: Sequence[Unit]
    """The root and everything below it, each before what is below it."""
    parents: Sequence[int]
    """The number of the unit above; -1 of the root."""
    ends: Sequence[int]
    """The number after the last unit below each unit."""
    devices: Sequence[Endpoint]
    """The devices, in the order of the units that they are in."""
    places: Sequence[int]
    """The number of the unit of each device: the first of its units that is in the tree, or else the root."""
    starts: Sequence[int]
    """How many devices come before those of each unit, and how many there are in all."""

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return len(self.units) + len(self.devices)

    def inside(self, unit: int) -> tuple[range, range]:
        """Return the numbers of the units below a unit, and of the devices in it and below it."""
        end, offset = self.ends[unit], len(self.units)
        return range(unit + 1, end), range(offset + self.starts[unit], offset + self.starts[end])

    def devices_in(self, unit: int) -> Sequence[Endpoint]:
        """Return the devices in a unit, not those in units below it."""
        return self.devices[self.starts[unit] : self.starts[unit + 1]]

    def place_of(self, number: int) -> int:
        """Return the unit that a unit or a device is in."""
        offset = len(self.units)
        return self.parents[number] if number < offset else self.places[number - offset]

    def labels(self, number: int) -> list[str]:
        """Return the names from below the root down to a unit or a device. Of the root itself: its name."""
        offset = len(self.units)
        found: list[str] = []
        if number >= offset:
            found.append(device_label(self.devices[number - offset]))
            number = self.places[number - offset]
        elif number == 0:
            return [unit_label(self.units[0])]
        while number > 0:
            found.append(unit_label(self.units[number]))
            number = self.parents[number]
        return found[::-1]

    def path(self, number: int) -> str:
        """Return the names of `labels`, separated by slashes."""
        return "/".join(self.labels(number))


def make_tree(root: Unit, units: Iterable[Unit], devices: Iterable[Endpoint], *, sort: bool = False) -> Tree:
    """Return a tree. Units whose parent is unknown are directly below the root.

    Args:
        root: The unit above all others.
        units: The units below it, in any order.
        devices: The devices in them.
        sort: Whether to sort units and devices of one unit by name. Otherwise they keep their order.

    """
    known = {unit.id: unit for unit in units if unit.id != root.id}
    below: dict[str, list[Unit]] = defaultdict(list)
    for unit in known.values():
        below[unit.parent_id if unit.parent_id in known and unit.parent_id != unit.id else root.id].append(unit)
    if sort:
        for siblings in below.values():
            siblings.sort(key=lambda unit: (natural(unit_label(unit)), unit.id))
    ordered, parents, ends = _numbered(root, below)
    # Rings, which `load` refuses, are below nothing.
    reached = {unit.id for unit in ordered}
    for unit in (each for each in known.values() if each.id not in reached):
        ordered.append(unit)
        parents.append(0)
        ends.append(len(ordered))
    ends[0] = len(ordered)
    return _with_devices(ordered, parents, ends, devices, sort=sort)


def _numbered(root: Unit, below: dict[str, list[Unit]]) -> tuple[list[Unit], list[int], list[int]]:
    ordered, parents, ends = list[Unit](), list[int](), list[int]()
    ahead: list[tuple[Unit, int] | int] = [(root, -1)]
    while ahead:
        step = ahead.pop()
        if isinstance(step, int):
            ends[step] = len(ordered)
            continue
        unit, parent = step
        number = len(ordered)
        ordered.append(unit)
        parents.append(parent)
        ends.append(number + 1)
        if children := below.get(unit.id):
            ahead.append(number)
            ahead.extend((child, number) for child in reversed(children))
    return ordered, parents, ends


def _with_devices(
    units: list[Unit], parents: list[int], ends: list[int], devices: Iterable[Endpoint], *, sort: bool
) -> Tree:
    numbers = {unit.id: number for number, unit in enumerate(units)}
    inside: list[list[Endpoint]] = [[] for _ in units]
    for device in devices:
        place = next((numbers[ref.id] for ref in device.associated_units if ref.id in numbers), 0)
        inside[place].append(device)
    starts, ordered, places = [0], list[Endpoint](), list[int]()
    for number, found in enumerate(inside):
        if sort:
            found.sort(key=lambda device: (natural(device_label(device)), device.id))
        ordered += found
        places += [number] * len(found)
        starts.append(len(ordered))
    return Tree(units, parents, ends, ordered, places, starts)
