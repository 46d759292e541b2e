"""Names of items and devices in reports."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, Final, Protocol

import attrs

from alexa_props.tables import plain

__all__ = ["NO_NAMES", "KnownNames", "Names", "Place", "describe", "device_name", "place_of"]

_NAMES: Final = ("name", "friendly_name", "device_name")
_SEPARATOR: Final = " / "


class Names(Protocol):
    """A source of names for ids, such as an `Inventory`. A lookup that finds nothing raises a `LookupError`."""

    def unit(self, text: str, /) -> Any:
        """Return a unit by its id."""

    def endpoint(self, text: str, /) -> Any:
        """Return a device by its id."""

    def room_of(self, endpoint: Any, /) -> Any:
        """Return the room of a device, or None."""


@attrs.frozen
class Place:
    """The name and the place of an item. Unknown members are None."""

    name: str | None = None
    path: str | None = None
    """The names above it, such as "Seaside 1 / Floor 3"."""
    property_id: str | None = None
    property_name: str | None = None
    is_room: bool = False

    def or_else(self, other: Place) -> Place:
        """Return the place, with missing members from another one."""
        return Place(
            self.name or other.name,
            self.path or other.path,
            self.property_id or other.property_id,
            self.property_name or other.property_name,
            self.is_room or other.is_room,
        )


@attrs.frozen
class KnownNames:
    """Names that were looked up for the ids of a report."""

    places: Mapping[str, Place] = attrs.field(factory=dict)
    """By the key of an item."""
    devices: Mapping[str, str] = attrs.field(factory=dict)
    """By endpoint id."""

    @classmethod
    def look_up(cls, names: Names, keys: Iterable[str], endpoint_ids: Iterable[str]) -> KnownNames:
        """Return the known names of these ids."""
        places = {key: _look_up(names, key) for key in keys}
        devices = {each: _found(names.endpoint, each) for each in endpoint_ids}
        return cls(
            {key: place for key, place in places.items() if place is not None},
            {each: name for each, device in devices.items() if (name := _name(device)) is not None},
        )

    @classmethod
    def merge(cls, several: Iterable[KnownNames]) -> KnownNames:
        """Return the names of several reports."""
        places: dict[str, Place] = {}
        devices: dict[str, str] = {}
        for each in several:
            places.update(each.places)
            devices.update(each.devices)
        return cls(places, devices)

    def of_keys(self, keys: Container[str]) -> KnownNames:
        """Return the names without those of other items."""
        return KnownNames({key: place for key, place in self.places.items() if key in keys}, self.devices)


NO_NAMES: Final = KnownNames()


def place_of(item: object) -> Place:
    """Return the name and the place that an item has."""
    property_id, property_name = (getattr(item, name, None) for name in ("property_id", "property_name"))
    return Place(
        _name(item),
        _path(item),
        None if property_id is None else str(property_id),
        None if property_name is None else str(property_name),
        callable(getattr(item, "device_name", None)),
    )


def _path(item: object) -> str | None:
    """Return the names above an item, from the property down: "Seaside 1 / Floor 3"; None if it does not say."""
    path, top = getattr(item, "path", None), getattr(item, "property_name", None)
    above = [str(each) for each in path] if isinstance(path, tuple) else []
    # A list of rooms that begins at the property does not repeat it in each path.
    is_property = isinstance(item, str) and getattr(item, "property_id", None) == item
    if isinstance(top, str) and top and above[:1] != [top] and not is_property:
        above.insert(0, top)
    return _SEPARATOR.join(above) or None


def device_name(item: object, endpoint_id: str | None) -> str | None:
    """Return the name of a device of an item, if the item knows its devices as a `Room` does."""
    look_up = getattr(item, "device_name", None)
    found = look_up(endpoint_id) if endpoint_id is not None and callable(look_up) else None
    return found if isinstance(found, str) else None


def describe(item: object, own_id: str) -> str:
    """Return name, place and whole id of an item for people, in a line."""
    place = place_of(item)
    return plain(", ".join(filter(None, (place.name, place.path, own_id))))


def _name(item: object) -> str | None:
    found = (getattr(item, name, None) for name in _NAMES)
    return next((each for each in found if isinstance(each, str) and each), None)


def _look_up(names: Names, key: str) -> Place | None:
    unit = _found(names.unit, key)
    if unit is not None:
        return place_of(unit)
    device = _found(names.endpoint, key)
    room = None if device is None else _found(names.room_of, key)
    if room is None:
        return None if device is None else Place(_name(device))
    place = place_of(room)
    return attrs.evolve(
        place, is_room=False, name=_name(device), path=_SEPARATOR.join(filter(None, (place.path, place.name)))
    )


def _found(look_up: Any, text: str) -> Any:
    try:
        return look_up(text)
    except (LookupError, ValueError):
        return None
