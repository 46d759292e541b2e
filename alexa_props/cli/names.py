"""Resolving names, paths, room numbers and serial numbers to units and devices."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final, Literal, TypeAlias, cast

from alexa_props import Inventory, SmartProperties
from alexa_props.cli import completion
from alexa_props.cli.confirmation import are_confirmed, units_above
from alexa_props.cli.inventory_cache import InventoryCache, age_of
from alexa_props.cli.places import has_any
from alexa_props.cli.spelling import is_number_in, is_spelled
from alexa_props.cli.streams import note
from alexa_props.cli.unresolved import Unresolved
from alexa_props.errors import (
    AlexaError,
    AmbiguousName,
    ConfigurationError,
    NameNotFound,
    NamesNotFound,
)
from alexa_props.fleet import Room
from alexa_props.fleet.names import place_of
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["Names", "is_device_id", "is_id"]

_Kind: TypeAlias = Literal["room", "unit", "endpoint"] | None

_MOST_AGE: Final = 24 * 3600
"""Seconds after which names are read again."""
_OLD: Final = 3600
"""Seconds after which the age of names is reported."""
_SERIAL: Final = re.compile(r"(?=.*\d)[A-Z0-9]{10,20}")


def is_id(text: str) -> bool:
    """Return whether a text is an id, and no name: it starts as Amazon's ids do, or it is a wildcard."""
    return text.startswith(("amzn1.", "~"))


def is_device_id(text: str) -> bool:
    """Return whether a text is the id of a device, not of a unit."""
    return text.startswith("amzn1.alexa.endpoint.")


class Names:
    """Resolves names of units and devices, all of one organization.

    The inventory is read when it is first needed, and kept in the user's cache folder. What a cached name means is
    confirmed by the service before it is used, with the units above it: another room may have the name by now.

    A command that changes something takes whole names, paths and numbers: "Seaside" is not meant by "Seaside 2", which
    may be all that is left. Unless the names are fresh, only a full path is not looked up anew: another room may fit a
    name or a number as well by now, or better.

    Args:
        asp: The client.
        cache: The cached inventories, or the error to raise if the organization is unknown.
        choice: The options that choose the login, for completion.
        refresh: Whether to read the inventory again.
        changes: Whether the names are those of something that will be changed.

    """

    def __init__(
        self,
        asp: SmartProperties,
        cache: InventoryCache | ConfigurationError,
        *,
        choice: completion.Choice,
        refresh: bool,
        changes: bool = False,
    ) -> None:
        self._asp = asp
        self._cache = None if isinstance(cache, ConfigurationError) else cache
        self._unknown = cache if isinstance(cache, ConfigurationError) else None
        self._choice = choice
        self._refresh = refresh
        self._changes = changes
        self._inventory: Inventory | None = None
        self._is_cached = False
        self._old: dict[bool, Inventory | None] = {}

    async def inventory(self, *, endpoints: bool = False) -> Inventory:
        """Return the inventory of the organization, with its devices if wanted."""
        cache = self._known_cache()
        if self._inventory is not None and (self._inventory.has_endpoints or not endpoints):
            return self._inventory
        found = None if self._refresh else cache.read(endpoints=endpoints)
        if found is not None and 0 <= age_of(found).total_seconds() < _MOST_AGE:
            self._use(found, is_cached=True)
            return found
        return await self.read_below(None, endpoints=endpoints)

    @property
    def organization(self) -> str:
        """The id of the organization; raises `ConfigurationError` if it is unknown."""
        return self._known_cache().organization

    async def read_below(self, unit_id: str | None, *, endpoints: bool, progress: bool = True) -> Inventory:
        """Read a unit and everything below it now; None for the organization."""
        cache = self._known_cache() if unit_id is None else self._cache
        with _progress() if progress else nullcontext() as show:
            found = await Inventory.load(self._asp, unit_id or self.organization, endpoints=endpoints, progress=show)
        if cache is not None and found.root.id == cache.organization:
            cache.write(found)
            self._use(found, is_cached=False)
        return found

    async def rows_below(self, top: Room | Unit | None, *, progress: bool = True) -> tuple[list[dict[str, Any]], str]:
        """Read a unit and everything below it now; return the rows of `Inventory.to_rows`, and its name.

        Args:
            top: The unit; None for the organization.
            progress: Whether to show on a terminal how many names were read.

        """
        inventory = await self.read_below(None if top is None else top.id, endpoints=True, progress=progress)
        rows = inventory.to_rows()
        if top is not None and top.id != (self._cache and self._cache.organization):
            # The paths of the inventory begin below its root.
            described, in_property = self.describe(top), self._property_of(top)
            for row in rows:
                above = [described["path"], None if row["unit_id"] == top.id else described["room"]]
                row.update(in_property, path=" / ".join(filter(None, [*above, row["path"]])) or None)
        return rows, inventory.root.name or inventory.root.id

    async def search(self, text: str) -> list[dict[str, Any]]:
        """Return a row for everything whose name, serial number or id contains a text, the best match first."""
        inventory = await self.inventory(endpoints=True)
        found = inventory.search(text)
        if not found and self._is_cached:
            inventory = await self.read_below(None, endpoints=True)
            found = inventory.search(text)
        self._report_age(inventory)
        return [self._entry(each) for each in found]

    async def unit(self, text: str) -> Room | Unit:
        """Return the unit of a name, a path, a room number or an id. A device is not accepted."""
        (found,) = await self.units([text])
        return found

    async def units(self, texts: Sequence[str]) -> list[Room | Unit]:
        """Return the units of many names, paths, room numbers and ids, in order.

        Raises:
            NamesNotFound: Some are unknown or ambiguous. The error lists all of these.

        """
        if devices := [text for text in texts if is_device_id(text)]:
            raise Unresolved(f"{devices[0]} is the id of a device: name the unit")
        found: list[Any] = [self.known(text) if is_id(text) else None for text in texts]
        named = await self._find([text for text in texts if not is_id(text)], "unit")
        resolved = iter(named)
        places = [each or next(resolved) for each in found]
        for text, place in zip(texts, places, strict=True):
            self._report_meaning(text, place)
        return places

    async def rooms(self, texts: Sequence[str]) -> list[Room]:
        """Return the rooms of many names, paths and room numbers, in order. Raises as `units` does."""
        return await self._find(texts, "room")

    async def place(self, text: str) -> Room | Unit:
        """Return a unit as `unit` does. A device stands for the unit that it is in, which is reported."""
        found = await self._unit_or_device(text)
        if not isinstance(found, Endpoint):
            self._report_meaning(text, found)
            return found
        units = [ref.id for ref in found.associated_units]
        if not units:
            raise Unresolved(f"{text} is a device that is in no room")
        place = self.known(units[0])
        note(f"{text} is {found.friendly_name or 'a device'} in {self.title(place)}")
        return place

    async def room(self, text: str, *, instead: str) -> Room | Unit:
        """Return the unit that a change is about: a room, or another unit that has devices. For `text` see `place`.

        Args:
            text: A name, a path, a room number, a serial number or an id.
            instead: The command for all rooms below a unit, which follows it, such as "fleet run reset --under".

        Raises:
            Unresolved: It is a unit without devices, and has rooms below it; or a device in no unit.

        """
        place = await self.place(text)
        below = [] if isinstance(place, Room) or self._inventory is None else self._inventory.rooms(place)
        if below and not await has_any(self._asp.endpoints.list(unit_id=place, page_size=1)):
            rooms = "is one room" if len(below) == 1 else f"are {len(below):,} rooms"
            raise Unresolved(
                f"no device is directly in {place.name or place.id}, but there {rooms} below it: use "
                f"`alexa-props {instead} {shlex.quote(text)}`"
            )
        return place

    async def target(self, text: str) -> Room | Unit | Endpoint:
        """Return a unit or a device, by name, path, room number, serial number or id."""
        if is_id(text):
            return self.known(text) if ".unit." in text else self.known_device(text)
        try:
            found = await self._unit_or_device(text)
        except NameNotFound:
            (found,) = await self._find([text], None)
        if not isinstance(found, Endpoint):
            self._report_meaning(text, found)
        return found

    def describe(self, place: Room | Unit) -> dict[str, str | None]:
        """Return the members of a row about a unit: `room`, its name, and `path`, the names above; None if unknown."""
        if isinstance(place, Room):
            return {"room": place.name, "path": place_of(place).path}
        return {"room": place.name, "path": " / ".join(unit.name or unit.id for unit in self._above(place)) or None}

    async def describe_device(self, device: Endpoint) -> dict[str, str | None]:
        """Return the name and the path of the unit that a device is in, as `describe` does."""
        units = [ref.id for ref in device.associated_units]
        if not units:
            return {"room": None, "path": None}
        if self._cache is not None:
            await self.inventory()
        return self.describe(self.known(units[0]))

    def _entry(self, thing: Room | Unit | Endpoint) -> dict[str, Any]:
        serial_number = None
        if isinstance(thing, Endpoint):
            kind, name, serial_number = "device", thing.friendly_name, thing.serial_number
            units = [self.known(ref.id) for ref in thing.associated_units]
            path = " / ".join(filter(None, reversed(self.describe(units[0]).values()))) if units else None
        else:
            kind, (name, path) = "room" if isinstance(thing, Room) else "unit", self.describe(thing).values()
        return {"name": name, "kind": kind, "path": path or None, "serial_number": serial_number, "id": thing.id}

    def _property_of(self, place: Room | Unit) -> dict[str, str | None]:
        """Return the members of a row about the property that a unit is in; none if it is unknown."""
        if isinstance(place, Room):
            found = {"property_name": place.property_name, "property_id": place.property_id}
        else:
            top = next(iter(self._above(place)), place)
            found = {"property_name": top.name, "property_id": top.id}
        return found if found["property_id"] else {}

    def title(self, place: Room | Unit) -> str:
        """Return a unit for a sentence: "Room 320 (Seaside 1 / Floor 3)"."""
        shown = self.describe(place)
        return f"{shown['room'] or place.id}" + (f" ({shown['path']})" if shown["path"] else "")

    # How names are found.

    async def _find(self, texts: Sequence[str], kind: _Kind, *, again: bool = True) -> list[Any]:
        """Return what texts mean. Names that are not found, or whose meaning may have changed, are read again."""
        if not all(text.strip() for text in texts):
            raise Unresolved("a name is empty: give a name, a path, a room number, a serial number or an id")
        if not texts:
            return []
        endpoints = kind not in ("room", "unit")
        inventory = await self.inventory(endpoints=endpoints)
        try:
            found = self._resolve(texts, kind, inventory)
        except NamesNotFound as error:
            if not again or not self._is_cached:
                raise _alone(error) from None
        else:
            if not self._is_cached or await are_confirmed(self._asp, texts, found, inventory, changes=self._changes):
                self._report_age(inventory)
                return found
        await self.read_below(None, endpoints=endpoints)
        return await self._find(texts, kind)

    def _resolve(self, texts: Sequence[str], kind: _Kind, inventory: Inventory) -> list[Any]:
        """Return what texts mean in an inventory; for a change, a part of a name is not enough."""
        problems: list[NameNotFound | AmbiguousName] = []
        known = list(texts)
        try:
            found = list(inventory.resolve(known, kind=kind))
        except NamesNotFound as error:
            problems += error.problems
            unknown = {problem.text for problem in problems}
            known = [text for text in texts if text not in unknown]
            found = list(inventory.resolve(known, kind=kind))
        if self._changes:
            for text, thing in zip(known, found, strict=True):
                if not is_spelled(text, thing, inventory) and not is_number_in(text, thing, inventory):
                    problems.append(_only_a_part(text, thing, inventory))
        if problems:
            raise NamesNotFound(problems)
        return found

    async def _unit_or_device(self, text: str) -> Room | Unit | Endpoint:
        """Return a unit, or the device of a serial number. No devices are read for it: a large hotel has many."""
        if is_device_id(text):
            return await self._asp.endpoints.get(text, expand="all")
        if is_id(text):
            return self.known(text)
        try:
            (found,) = await self._find([text], "unit", again=False)
        except (NameNotFound, AmbiguousName):
            if device := await self._with_serial(text):
                return device
            (found,) = await self._find([text], "unit")
        return cast("Room | Unit", found)

    async def _with_serial(self, text: str) -> Endpoint | None:
        serial = text.strip().upper()
        if not _SERIAL.fullmatch(serial):
            return None
        page = await self._asp.endpoints.list(serial_number=serial, expand="all", page_size=2)
        return page.items[0] if len(page.items) == 1 else None

    # The inventory.

    def _use(self, inventory: Inventory, *, is_cached: bool) -> None:
        self._inventory, self._is_cached = inventory, is_cached
        completion.remember(self._choice, inventory)

    def _known_cache(self) -> InventoryCache:
        if self._cache is None:
            assert self._unknown is not None  # noqa: S101 - one of them is set
            raise self._unknown
        return self._cache

    def _report_meaning(self, text: str, place: Room | Unit) -> None:
        """Report what is about to be changed, if that is not evident from the text."""
        spelled, name = (" ".join(each.split()) for each in (text, place.name or ""))
        if self._changes and not is_id(text) and not spelled.endswith(name):
            note(f"{text} is {self.title(place)}")

    def _report_age(self, inventory: Inventory) -> None:
        hours = int(age_of(inventory).total_seconds() // _OLD)
        if self._is_cached and hours:
            note(f"names as of {hours} h ago; --refresh reads them again")

    # Names that need no call.

    def _cached(self, *, endpoints: bool = False) -> Inventory | None:
        """Return an inventory of any age: it only gives a name to an id."""
        if self._inventory is not None and (self._inventory.has_endpoints or not endpoints):
            return self._inventory
        if endpoints not in self._old:
            self._old[endpoints] = None if self._cache is None else self._cache.read(endpoints=endpoints)
        return self._old[endpoints]

    def known(self, unit_id: str) -> Room | Unit:
        """Return a unit by its id, with its name if an inventory of any age has it."""
        inventory = self._cached()
        try:
            return Room(unit_id) if inventory is None else inventory.unit(unit_id)
        except AlexaError:
            return Room(unit_id)

    def known_device(self, endpoint_id: str) -> Endpoint:
        """Return a device by its id, with its name if an inventory of any age has it."""
        inventory = self._cached(endpoints=True)
        try:
            return Endpoint(endpoint_id) if inventory is None else inventory.endpoint(endpoint_id)
        except AlexaError:
            return Endpoint(endpoint_id)

    def _above(self, unit: Unit) -> list[Unit]:
        """Return the known units above a unit, the topmost first."""
        inventory = self._cached()
        known = {} if inventory is None else {each.id: each for each in inventory.units}
        return units_above(unit, known)[::-1]


def _only_a_part(text: str, thing: Room | Unit | Endpoint, inventory: Inventory) -> NameNotFound:
    """Return the error of a text that is only a part of a name."""
    path = inventory.path_of(thing)
    root = inventory.root.name or inventory.root.id
    return NameNotFound(
        f"{text!r:.100} is not the whole name of anything in {root}: did you mean {path!r}?",
        text=text,
        suggestions=[path],
    )


def _alone(error: NamesNotFound) -> AlexaError:
    """Return the problem itself if there is only one."""
    return error.problems[0] if len(error.problems) == 1 else error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], object] | None]:
    """Show on a terminal how many names were read."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # most commands do without

    with Console(stderr=True).status("reading names") as status:
        yield lambda units, devices: status.update(
            f"reading names: {units:,} units" + (f", {devices:,} devices" if devices else "")
        )
