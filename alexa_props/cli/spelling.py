"""How exactly a text names a unit or a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from alexa_props import Inventory
from alexa_props.fleet import Room
from alexa_props.inventory.names import has_digit, parts_of, without_zeros, words_of
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["is_full_path", "is_number_in", "is_spelled"]

_Thing: TypeAlias = Room | Unit | Endpoint


def is_spelled(text: str, thing: _Thing, inventory: Inventory) -> bool:
    """Return whether a text that means a thing is whole: its name, or a path of names, which may leave out units.

    Case, accents and blanks do not matter.
    """
    # A single word that is not the name of a device is its serial number or MAC address.
    is_serial = isinstance(thing, Endpoint) and len(parts_of(text)) == 1
    return is_serial or _leads(text, _names_of(thing, inventory), lambda part, name: part == name)


def is_full_path(text: str, thing: _Thing, inventory: Inventory) -> bool:
    """Return whether a text names all units above a thing, from the property or from the root down."""
    path, parts = parts_of(inventory.path_of(thing)), parts_of(text)
    return parts in (path, _names_of(thing, inventory))


def is_number_in(text: str, thing: _Thing, inventory: Inventory) -> bool:
    """Return whether a text is a path of names, and of numbers in names, such as "320" in "Room 320"."""
    return _leads(text, _names_of(thing, inventory), _is_name_or_number)


def _names_of(thing: _Thing, inventory: Inventory) -> list[str]:
    """Return the names from the root down to a unit or a device, folded."""
    return [*parts_of(inventory.root.name or inventory.root.id), *parts_of(inventory.path_of(thing))]


def _leads(text: str, names: Sequence[str], fits: Callable[[str, str], bool]) -> bool:
    parts = parts_of(text)
    above = iter(names[:-1])
    return fits(parts[-1], names[-1]) and all(any(fits(part, name) for name in above) for part in parts[:-1])


def _is_name_or_number(part: str, name: str) -> bool:
    return part == name or (has_digit(part) and without_zeros(part) in map(without_zeros, words_of(name)))
