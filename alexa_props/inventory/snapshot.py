"""The inventory: units and devices as they were at one moment."""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TextIO, overload

import attrs

from alexa_props import export
from alexa_props.arguments import require_id
from alexa_props.concurrency import is_async
from alexa_props.errors import ConfigurationError, DecodeError, NameNotFound
from alexa_props.fleet.rooms import Room, is_organization, refuse_rings, rooms_among
from alexa_props.inventory import file, loading
from alexa_props.inventory.diff import InventoryDiff, compare
from alexa_props.inventory.lookup import Kind, Lookup, Thing, require_name
from alexa_props.inventory.names import fold
from alexa_props.inventory.rows import COLUMNS, SHOWN, rows, to_html
from alexa_props.inventory.tree import ONLINE, Tree, make_tree
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.units import Unit
from alexa_props.tables import plain

__all__ = ["Inventory"]


@attrs.frozen(slots=False, repr=False, eq=True, unsafe_hash=False)
class Inventory:
    """The units below a root, and the devices in them, by name.

        inventory = await Inventory.load(asp, organization_id)
        room = inventory.find("Seaside/Floor 3/Room 320")
        await asp.alerts.delete_alarms(room)
        for device in inventory.endpoints(under="Seaside", offline=True):
            print(inventory.path_of(device), device.serial_number)

    It is a snapshot: load it again to see changes, and compare the two with `diff`. It cannot be changed.

    Rooms are the units without units below them, except properties. `len` is their number.
    """

    root: Unit
    """The unit that everything is below, such as the organization."""
    units: tuple[Unit, ...]
    """All units below the root. `load` sorts them by name, parents before their children."""
    devices: tuple[Endpoint, ...]
    """The devices in these units; empty unless they were loaded. `load` sorts them by unit and name."""
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

        Branches of the tree are read concurrently, and devices while units are still being listed: about one call per
        50 units and one per 10 devices. Calls of priority "interactive" overtake these.

        What changes meanwhile may be missing. A unit that is deleted is left out, with all below it. A device that is
        moved is where it was seen last.

        Args:
            asp: The client.
            root: A unit, such as a property, or the organization.
            endpoints: Whether to read the devices and their connectivity too.
            progress: Called with the number of units and of devices that were read so far, after each page.

        Raises:
            DecodeError: A unit is its own parent, or units form a ring.
            AlexaError: A call failed; see `alexa_props.errors`.
        """
        root = require_id("unit_id", root)
        if progress is not None and (not callable(progress) or is_async(progress)):
            raise ConfigurationError(
                f"progress must be a function of two numbers that is not async, or None, not {progress!r:.80}"
            )
        taken = dt.datetime.now(dt.UTC)
        top, units, devices = await loading.read(asp, root, endpoints=endpoints, progress=progress)
        tree = make_tree(top, units, devices, sort=True)
        return cls(top, tuple(tree.units[1:]), tuple(tree.devices), taken, endpoints)

    def find(self, text: str | Thing | UnitRef) -> Thing:
        """Return what has this name, path, number, serial number, MAC address or id: a room, another unit, or a device.

        A path is names separated by slashes, such as "Seaside/Floor 3/Room 320"; it may leave out units. Case and
        accents do not matter, but exact spelling comes first. If nothing has the name, a single word such as "320"
        finds "Room 320", also "0320". A text without a number finds names that it is part of. If a room and a device in
        it have the same name, the room is meant.

        A room, a unit or a device, also of another inventory, is looked up by id; a device also by serial number.

        Raises:
            NameNotFound: There is none. The error suggests similar names.
            AmbiguousName: There are several. The error lists their paths.
            ConfigurationError: It is empty, or something else than these.
        """
        return self._lookup.find(text, None)

    def room(self, text: str | Unit | UnitRef) -> Room:
        """Return a room. For the argument and what it raises see `find`."""
        found = self._lookup.find(text, "room")
        assert isinstance(found, Room)  # noqa: S101 - only rooms were accepted
        return found

    def unit(self, text: str | Unit | UnitRef) -> Room | Unit:
        """Return a room or another unit. For the argument and what it raises see `find`."""
        found = self._lookup.find(text, "unit")
        assert not isinstance(found, Endpoint)  # noqa: S101 - only units were accepted
        return found

    def endpoint(self, text: str | Endpoint) -> Endpoint:
        """Return a device. For the argument and what it raises see `find`."""
        found = self._lookup.find(text, "endpoint")
        assert isinstance(found, Endpoint)  # noqa: S101 - only devices were accepted
        return found

    @overload
    def resolve(self, texts: Iterable[str | Thing], *, kind: None = None) -> list[Thing]: ...

    @overload
    def resolve(self, texts: Iterable[str | Thing], *, kind: Literal["room"]) -> list[Room]: ...

    @overload
    def resolve(self, texts: Iterable[str | Thing], *, kind: Literal["unit"]) -> list[Room | Unit]: ...

    @overload
    def resolve(self, texts: Iterable[str | Thing], *, kind: Literal["endpoint"]) -> list[Endpoint]: ...

    def resolve(self, texts: Iterable[str | Thing], *, kind: Kind | None = None) -> Sequence[Thing]:
        """Return what each text means, as `find` does, or `room`, `unit` or `endpoint`.

        Raises:
            NamesNotFound: Some of them mean nothing, or several things. The error lists all of these.
            ConfigurationError: `texts` is not a list.
        """
        if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
            raise ConfigurationError(f"texts must be a list, not {texts!r:.80}")
        if kind not in (None, "room", "unit", "endpoint"):
            raise ConfigurationError(f'kind must be "room", "unit", "endpoint" or None, not {kind!r:.80}')
        return self._lookup.find_all(texts, kind)

    def search(self, text: str) -> list[Thing]:
        """Return everything whose name, path, serial number, MAC address or id contains a text.

        Case and accents do not matter. What begins with the text comes first, and units come before devices.
        """
        wanted = fold(require_name(text))
        found = [number for number in range(self._tree.size) if wanted in self._lookup.index.searchable(number)]
        found.sort(key=lambda number: not fold(self._tree.labels(number)[-1]).startswith(wanted))
        return [self._lookup.thing(number) for number in found]

    def rooms(self, under: UnitId | None = None) -> list[Room]:
        """Return the rooms, or those below a unit, in the order of the tree.

        Args:
            under: A unit or its name, path or id. A room is below itself. Raises as `find` does.
        """
        if under is None:
            return list(self._rooms.values())
        top = self._lookup.number(self.unit(under))
        return [room for number, room in self._rooms.items() if top <= number < self._tree.ends[top]]

    def endpoints(
        self,
        *,
        under: UnitId | None = None,
        offline: bool | None = None,
        serial: str | None = None,
        model: str | None = None,
    ) -> list[Endpoint]:
        """Return the devices that match all filters, in the order of the tree.

        Args:
            under: Only devices in this unit or below it: a unit or its name, path or id. Raises as `find` does.
            offline: True for devices that are offline, which is any reachability but "OK", and False for those that are
                online. Neither includes devices whose reachability is unknown.
            serial: Only devices with this serial number, whatever its case.
            model: Only devices whose model contains this text, whatever its case.

        Raises:
            ConfigurationError: The inventory was loaded without devices; or a filter has another type or is empty.
        """
        if offline is not None and not isinstance(offline, bool):
            raise ConfigurationError(f"offline must be True, False or None, not {offline!r:.80}")
        for name, text in (("serial", serial), ("model", model)):
            if text is not None and (not isinstance(text, str) or not text.strip()):
                raise ConfigurationError(f"{name} must be a text that is not empty, or None, not {text!r:.80}")
        if not self.has_endpoints:
            raise ConfigurationError(f"{self!r} was loaded without devices: use Inventory.load(…, endpoints=True)")
        tree = self._tree
        top = 0 if under is None else self._lookup.number(self.unit(under))
        found = tree.devices[tree.starts[top] : tree.starts[tree.ends[top]]]
        serials = None if serial is None else fold(serial)
        models = None if model is None else fold(model)
        return [
            device
            for device in found
            if (offline is None or (device.reachability is not None and (device.reachability != ONLINE) == offline))
            and (serials is None or serials == fold(device.serial_number or ""))
            and (models is None or models in fold(device.model or ""))
        ]

    def room_of(self, endpoint: EndpointId) -> Room | None:
        """Return the room that a device is in; None if it is in none of this inventory. For the argument see `find`."""
        place = self.place_of(endpoint)
        return place if isinstance(place, Room) else None

    def place_of(self, endpoint: EndpointId) -> Room | Unit | None:
        """Return the room or the other unit that a device is in; None if the device is not in this inventory."""
        try:
            device = self.endpoint(endpoint)
        except NameNotFound:
            return None
        found = self._lookup.thing(self._tree.place_of(self._lookup.number(device)))
        assert not isinstance(found, Endpoint)  # noqa: S101 - devices are in units
        return found

    def path_of(self, place: str | Thing | UnitRef) -> str:
        """Return the names from below the root down to a unit or a device, separated by slashes.

        `find` returns the unit or the device of such a path, unless another one has the same. The path of the root is
        its name. What has no name has its id there. For the argument and what it raises see `find`.
        """
        return self._tree.path(self._lookup.number(self.find(place)))

    def diff(self, other: Inventory) -> InventoryDiff:
        """Return what changed from this inventory to another, which was usually loaded later.

        A device is the same if it has the same serial number: its id may change when it is moved. Devices are compared
        if both inventories have them.
        """
        if not isinstance(other, Inventory):
            raise ConfigurationError(f"other must be an Inventory, not {other!r:.80}")
        return compare(
            self._tree,
            other._tree,
            rooms=frozenset(map(str, (*self.rooms(), *other.rooms()))),
            devices=self.has_endpoints and other.has_endpoints,
        )

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dict per device, and one per room without devices, in the order of the tree.

        All have the same keys in the same order: names first, ids last. `path` is what is above the room, as in
        reports: "Seaside / Floor 3". For a device in another unit, `room` is None, and the path ends with that unit.
        `time_of_sample` is when the device reported its reachability.
        """
        return list(rows(self._tree, self._rooms))

    def to_dataframe(self) -> Any:
        """Return the rows as a DataFrame of pandas, or of polars if pandas is not installed.

        Raises:
            ConfigurationError: Neither is installed.
        """
        return export.to_dataframe(self.to_rows(), COLUMNS)

    @overload
    def to_jsonl(self, target: None = None) -> str: ...

    @overload
    def to_jsonl(self, target: str | os.PathLike[str] | TextIO) -> None: ...

    def to_jsonl(self, target: export.Target = None) -> str | None:
        """Return or write the rows as JSON, one per line, in ASCII.

        Args:
            target: A path, which is overwritten, or an open text file. None returns the text.

        Raises:
            ConfigurationError: `target` is none of these.
            OSError: The file cannot be written.
        """
        return export.write("to_jsonl", target, export.to_jsonl(self.to_rows()))

    @overload
    def to_csv(self, target: None = None) -> str: ...

    @overload
    def to_csv(self, target: str | os.PathLike[str] | TextIO) -> None: ...

    def to_csv(self, target: export.Target = None) -> str | None:
        """Return or write the rows as CSV (RFC 4180, with a header), safe to open in a spreadsheet.

        Args:
            target: A path, which is overwritten in UTF-8 with the byte order mark that Excel needs; or an open text
                file. None returns the text.

        Raises:
            ConfigurationError: `target` is none of these.
            OSError: The file cannot be written.
        """
        return export.write("to_csv", target, [export.to_csv(self.to_rows(), COLUMNS)], encoding="utf-8-sig")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the inventory to a file, which `load_file` reads. Only its owner can read it.

        An existing file is replaced in one step.

        Raises:
            OSError: The file cannot be written.
        """
        file.write(path, file.Saved(self.root, self.taken, self.has_endpoints, self.units, self.devices))

    @classmethod
    def load_file(cls, path: str | os.PathLike[str]) -> Inventory:
        """Read an inventory that `save` wrote.

        Raises:
            ConfigurationError: The file is damaged, is no saved inventory, or is from a newer version.
            OSError: There is no such file, or it cannot be read.
        """
        saved = file.read(path)
        try:
            refuse_rings(saved.root, saved.units)
        except DecodeError as error:
            raise ConfigurationError(f"{path} is damaged: {error}") from None
        return cls(saved.root, saved.units, saved.devices, saved.taken, saved.has_endpoints)

    def __hash__(self) -> int:
        return hash((self.root.id, self.taken))

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    def __bool__(self) -> bool:
        # Also of an empty organization.
        return True

    def __repr__(self) -> str:
        return plain(f"<Inventory of {self._summary()}>")

    def _repr_html_(self) -> str:
        return to_html(f"Inventory of {self._summary()}", self.to_rows(), SHOWN, ("endpoint_id", "unit_id"))

    def __getstate__(self) -> dict[str, Any]:
        # What is looked up is made again when it is needed.
        return {name: vars(self)[name] for name in attrs.fields_dict(type(self))}

    # Private.

    @functools.cached_property
    def _tree(self) -> Tree:
        return make_tree(self.root, self.units, self.devices)

    @functools.cached_property
    def _rooms(self) -> dict[int, Room]:
        """The rooms by number, in the order of the tree."""
        tree = self._tree
        inside = {unit.id: tuple(tree.devices_in(number)) for number, unit in enumerate(tree.units)}
        if not self.units and not is_organization(self.root):
            top = self.root
            room = Room(top.id, name=top.name, parent_id=top.parent_id, endpoints=inside[top.id])
            return {0: room}
        numbers = {unit.id: number for number, unit in enumerate(tree.units)}
        return {numbers[room]: room for room in rooms_among(self.root, tree.units[1:], None, inside)}

    @functools.cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self._tree, self._rooms, has_devices=self.has_endpoints)

    def _summary(self) -> str:
        parts = [f"{len(self):,} room{'' if len(self) == 1 else 's'}"]
        if self.has_endpoints:
            count, offline = len(self.devices), len(self.endpoints(offline=True))
            parts.append(f"{count:,} device{'' if count == 1 else 's'} ({offline:,} offline)")
        return f"{self.root.name or self.root.id}: {', '.join(parts)}, {self.taken:%Y-%m-%d %H:%M %Z}"
