"""The units and devices of an organization, by name."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self

import attrs

from alexa_props.arguments import Identified, require_id
from alexa_props.errors import AmbiguousName, NameNotFound
from alexa_props.fleet.rooms import Room
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.units import Unit

__all__ = ["Inventory"]

_UNITS: Final = 50
_QUERY: Final = 50
_SHOWN: Final = 5
_WORD: Final = re.compile(r"\w+")


@attrs.frozen(eq=False, repr=False)
class Inventory:
    """The units below a root, and their devices. It is a snapshot: `load` it again to see changes."""

    root: Unit
    """The unit that everything is below, such as the organization."""
    units: tuple[Unit, ...]
    """All units below the root, parents before their children."""
    devices: tuple[Endpoint, ...]
    """The devices in these units; empty unless they were loaded."""
    taken: dt.datetime
    """When the reading began."""
    has_endpoints: bool = True
    """Whether the devices were read."""

    @classmethod
    async def load(
        cls,
        asp: SmartProperties,
        root: UnitId,
        *,
        endpoints: bool = True,
        progress: Callable[[int, int], object] | None = None,
    ) -> Inventory:
        """Read the units below a root, and the devices in them.

        Args:
            asp: The client.
            root: A unit, such as a property, or the organization.
            endpoints: Whether to read the devices and their connectivity too.
            progress: Called with the number of units and of devices that were read so far.
        """
        taken = dt.datetime.now(dt.UTC)
        top = await asp.units.get(require_id("unit_id", root))
        units = [unit async for unit in asp.units.list(top, depth="all", expand="all", page_size=_UNITS)]
        devices: list[Endpoint] = []
        if endpoints:
            places = [top.id, *(unit.id for unit in units)]
            for start in range(0, len(places), _QUERY):
                query = asp.endpoints.query(
                    unit_ids=places[start : start + _QUERY], expand=("all", "feature:connectivity")
                )
                devices += [device async for device in query]
                if progress is not None:
                    progress(len(units), len(devices))
        return cls(top, tuple(units), tuple(devices), taken, endpoints)

    def find(self, text: str) -> Room | Unit | Endpoint:
        """Return what has this name, path, number, serial number or id: a room, another unit, or a device.

        A path is names separated by slashes, such as "Seaside/Floor 3/Room 320"; it may leave out units. A number such
        as "320" finds "Room 320".

        Raises:
            NameNotFound: There is none. The error suggests similar names.
            AmbiguousName: There are several. The error lists their paths.
        """
        return self._one(text, self._matches(text))

    def room(self, text: str) -> Room:
        """Return a room by its name, path, number or id. Raises as `find` does."""
        found = self._one(text, [each for each in self._matches(text) if isinstance(each, Room)])
        assert isinstance(found, Room)  # noqa: S101 - filtered above
        return found

    def unit(self, text: str) -> Room | Unit:
        """Return a room or another unit by its name, path, number or id. Raises as `find` does."""
        found = self._one(text, [each for each in self._matches(text) if not isinstance(each, Endpoint)])
        assert not isinstance(found, Endpoint)  # noqa: S101 - filtered above
        return found

    def endpoint(self, text: str) -> Endpoint:
        """Return a device by its name, path, serial number or id. Raises as `find` does."""
        found = self._one(text, [each for each in self._matches(text) if isinstance(each, Endpoint)])
        assert isinstance(found, Endpoint)  # noqa: S101 - filtered above
        return found

    def search(self, text: str) -> list[Room | Unit | Endpoint]:
        """Return everything whose name, path, serial number or id contains a text, whatever its case."""
        wanted = text.casefold()
        return [each for each in self._all() if wanted in f"{self.path_of(each)}\n{_keys(each)}".casefold()]

    def rooms(self, under: UnitId | None = None) -> list[Room]:
        """Return the rooms, or those below a unit: the units without units below them, except properties."""
        parents = {unit.parent_id for unit in self.units}
        return [
            self._room(unit)
            for unit in self.units
            if unit.id not in parents and unit.level != 1 and self._is_under(unit, under)
        ]

    def endpoints(
        self,
        *,
        under: UnitId | None = None,
        offline: bool | None = None,
        serial: str | None = None,
        model: str | None = None,
    ) -> list[Endpoint]:
        """Return the devices that match all filters."""
        return [
            device
            for device in self.devices
            if (under is None or any(self._is_under(self._unit(ref.id), under) for ref in device.associated_units))
            and (offline is None or (device.reachability != "OK") == offline)
            and (serial is None or serial.casefold() == (device.serial_number or "").casefold())
            and (model is None or model.casefold() in (device.model or "").casefold())
        ]

    def room_of(self, endpoint: EndpointId) -> Room | None:
        """Return the room that a device is in; None if it is in none of this inventory."""
        wanted = require_id("endpoint_id", endpoint)
        device = next((each for each in self.devices if each.id == wanted), None)
        rooms = {str(room): room for room in self.rooms()}
        return next((rooms[ref.id] for ref in device.associated_units if ref.id in rooms), None) if device else None

    def path_of(self, place: Room | Unit | Endpoint) -> str:
        """Return the names from below the root down to a unit or a device, separated by slashes."""
        if isinstance(place, Endpoint):
            unit = next((self._unit(ref.id) for ref in place.associated_units), None)
            above = [] if unit is None else self._names(unit)
            return "/".join([*above, place.friendly_name or place.serial_number or place.id])
        return "/".join(self._names(self._unit(place.id)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the inventory to a file, which `load_file` reads."""
        raise NotImplementedError

    @classmethod
    def load_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read an inventory that `save` wrote."""
        raise NotImplementedError

    # Private.

    def _all(self) -> list[Room | Unit | Endpoint]:
        rooms = {str(room): room for room in self.rooms()}
        return [*(rooms.get(unit.id, unit) for unit in (self.root, *self.units)), *self.devices]

    def _matches(self, text: str) -> list[Room | Unit | Endpoint]:
        wanted = [part.strip().casefold() for part in text.split("/")]
        every = self._all()
        exact = [each for each in every if text in (each.id, getattr(each, "serial_number", None))]
        if exact:
            return exact
        paths = [(each, [part.casefold() for part in self.path_of(each).split("/")]) for each in every]
        for same in (lambda name, part: name == part, lambda name, part: part in _WORD.findall(name)):
            found = [each for each, path in paths if _ends_with(path, wanted, same)]
            if found:
                return found
        return []

    def _one(self, text: str, found: Sequence[Room | Unit | Endpoint]) -> Room | Unit | Endpoint:
        if len(found) == 1:
            return found[0]
        if found:
            paths = [self.path_of(each) for each in found]
            raise AmbiguousName(
                f"{text!r} may be any of {', '.join(paths[:_SHOWN])}: name one of them", text=text, candidates=paths
            )
        near = difflib.get_close_matches(text, [self.path_of(each).split("/")[-1] for each in self._all()], _SHOWN)
        raise NameNotFound(
            f"there is no {text!r} in {self.root.name}" + (f": did you mean {', '.join(near)}?" if near else ""),
            text=text,
            suggestions=near,
        )

    def _unit(self, unit_id: str) -> Unit:
        return next(unit for unit in (self.root, *self.units) if unit.id == unit_id)

    def _above(self, unit: Unit) -> Iterable[Unit]:
        known = {each.id: each for each in self.units}
        while unit.parent_id in known:
            unit = known[unit.parent_id]
            yield unit

    def _names(self, unit: Unit) -> list[str]:
        return [each.name or each.id for each in reversed([unit, *self._above(unit)])]

    def _is_under(self, unit: Unit, under: UnitId | None) -> bool:
        return under is None or require_id("unit_id", under) in (
            unit.id,
            self.root.id,
            *(each.id for each in self._above(unit)),
        )

    def _room(self, unit: Unit) -> Room:
        above = list(self._above(unit))
        top = above[-1] if above else unit
        inside: dict[str, list[Endpoint]] = defaultdict(list)
        for device in self.devices:
            for ref in device.associated_units:
                inside[ref.id].append(device)
        return Room(
            unit.id,
            name=unit.name,
            parent_id=unit.parent_id,
            property_id=top.id,
            property_name=top.name,
            path=tuple(each.name or each.id for each in reversed(above)),
            endpoints=tuple(inside[unit.id]),
        )


def _keys(each: Identified | Room) -> str:
    return "\n".join(filter(None, (getattr(each, "id", None), getattr(each, "serial_number", None))))


def _ends_with(path: Sequence[str], wanted: Sequence[str], same: Callable[[str, str], bool]) -> bool:
    """Return whether the last name of a path is the last one wanted, and the others are above it, in order."""
    if not path or not same(path[-1], wanted[-1]):
        return False
    above = iter(reversed(path[:-1]))
    return all(any(same(name, part) for name in above) for part in reversed(wanted[:-1]))
