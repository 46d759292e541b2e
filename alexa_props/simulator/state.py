"""The property tree of Smart Properties: units, the endpoints in them, and what is set there, all from a seed."""

from __future__ import annotations

import base64
import random
from collections import deque
from collections.abc import Mapping
from typing import Literal

import attrs

from alexa_props.simulator.device_settings import SETUP_MODE
from alexa_props.simulator.device_state import NOTIFICATION_KINDS, Kept, NotificationKind, left_in, left_on
from alexa_props.simulator.responses import Json

__all__ = ["ALERT_KINDS", "AlertKind", "Endpoint", "Station", "Tree", "Unit", "make_tree"]

AlertKind = Literal["alarms", "timers", "reminders"]
ALERT_KINDS: tuple[AlertKind, ...] = ("alarms", "timers", "reminders")

_ROOM_LEVEL = 3
_ROOMS_A_FLOOR = 20
_MODELS = ("Echo Show 8 (3rd Gen)", "Echo Dot (5th Gen)", "Echo Show 5 (3rd Gen)", "Echo Pop")
_PROPERTY_NAMES = ("Seaside", "Hôtel du Lac", "Grand Park", "Old Town", "Riverside", "Zürichberg")
# Every fifth room has no station: the setting is there, but it has no value.
_STATIONS = (
    ("I_HEART_RADIO", "4802"),
    ("I_HEART_RADIO", "4426"),
    ("TUNEIN", "s16492"),
    ("I_HEART_RADIO", "6377"),
    None,
)


@attrs.frozen
class Station:
    """A default music station."""

    provider_id: str
    station_id: str


@attrs.define(eq=False)
class Unit:
    """An organization (level 0), a property (1), a floor (2), a room (3) or something below.

    Attributes:
        place: Where it stands among all units in a listing; it keeps this number for good.
    """

    id: str
    name: str
    parent_id: str | None
    level: int
    children: list[Unit] = attrs.field(factory=list, repr=False)
    endpoints: list[Endpoint] = attrs.field(factory=list, repr=False)
    station: Station | None = None
    place: int = 0
    _notifications: dict[NotificationKind, int] | None = attrs.field(default=None, repr=False, alias="notifications")

    @property
    def notifications(self) -> dict[NotificationKind, int]:
        """How many there are of each kind; made when first asked for, since most units are never asked."""
        if self._notifications is None:
            self._notifications = left_in(self.id)
        return self._notifications


@attrs.define(eq=False)
class Endpoint:
    """A device in a room, or in the account's default unit while it is in no other."""

    id: str
    name: str
    model: str
    serial_number: str
    mac_address: str
    software_version: str
    unit_id: str | None
    alerts: dict[AlertKind, int] = attrs.field(factory=dict)
    _kept: Kept | None = attrs.field(init=False, default=None, repr=False)

    @property
    def kept(self) -> Kept:
        """What the device keeps; made when first asked for, since most devices are never asked."""
        if self._kept is None:
            self._kept = left_on(self.id)
        return self._kept

    @property
    def settings(self) -> Mapping[str, Json]:
        """The settings that have a value. A device in a unit has no privileges of the setup mode."""
        return {SETUP_MODE: ["ALL_SETTINGS"] if self.unit_id is None else [], **self.kept.settings}


@attrs.define(eq=False)
class Tree:
    """The organization, indexed by everything that a request may ask for.

    Attributes:
        organization: The root.
        units: All units by id, parents before their children.
        rooms: The rooms, in order.
        endpoints: All endpoints by id, in the order of the rooms that they were in at first; those that were in none
            come last.
        fleet: The same endpoints as a list.
        unassigned: The endpoints in no unit.
        by_serial_number: Endpoints by serial number.
        by_mac_address: Endpoints by MAC address, in upper case.
    """

    organization: Unit
    units: dict[str, Unit] = attrs.field(factory=dict)
    rooms: list[Unit] = attrs.field(factory=list)
    endpoints: dict[str, Endpoint] = attrs.field(factory=dict)
    fleet: list[Endpoint] = attrs.field(factory=list)
    unassigned: list[Endpoint] = attrs.field(factory=list)
    by_serial_number: dict[str, Endpoint] = attrs.field(factory=dict)
    by_mac_address: dict[str, Endpoint] = attrs.field(factory=dict)
    _below: dict[tuple[str, int | None], list[Unit]] = attrs.field(init=False, factory=dict)
    _places: int = attrs.field(init=False, default=0)

    def below(self, parent: Unit, depth: int | None) -> list[Unit]:
        """The units below another one, level by level, then those created since; None means all levels."""
        key = (parent.id, depth)
        if key not in self._below:
            found: list[Unit] = []
            queue = deque(parent.children)
            while queue:
                unit = queue.popleft()
                if depth is not None and unit.level > parent.level + depth:
                    break
                found.append(unit)
                queue.extend(unit.children)
            found.sort(key=lambda unit: unit.place)
            # Kept for the pages to come, until a unit comes or goes.
            self._below[key] = found
        return self._below[key]

    def add_unit(self, unit: Unit) -> Unit:
        """Hangs a unit below its parent."""
        self.units[unit.id] = unit
        if unit.parent_id is not None:
            self.units[unit.parent_id].children.append(unit)
        return unit

    def settle(self) -> None:
        """Gives every unit its place, once all of the first day are there."""
        for place, unit in enumerate(self.below(self.organization, None), 1):
            unit.place = self._places = place

    def create_unit(self, parent: Unit, name: str) -> Unit:
        """A new unit below another one: nobody has left anything in it."""
        self._places += 1
        rng = random.Random(f"{self.organization.id}/created/{self._places}")  # noqa: S311 - must be repeatable
        unit = Unit(
            id=f"amzn1.alexa.unit.did.{identifier(rng)}",
            name=name,
            parent_id=parent.id,
            level=parent.level + 1,
            place=self._places,
            notifications=dict.fromkeys(NOTIFICATION_KINDS, 0),
        )
        if unit.level == _ROOM_LEVEL:
            self.rooms.append(unit)
        self._below.clear()
        return self.add_unit(unit)

    def delete_unit(self, unit: Unit) -> None:
        """Takes a unit with none below it away; the endpoints in it are in no unit then."""
        del self.units[unit.id]
        if unit.parent_id is not None:
            self.units[unit.parent_id].children.remove(unit)
        if unit.level == _ROOM_LEVEL:
            self.rooms.remove(unit)
        for endpoint in unit.endpoints:
            endpoint.unit_id = None
        self.unassigned += unit.endpoints
        self._below.clear()

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Puts an endpoint into its unit."""
        self.endpoints[endpoint.id] = endpoint
        self.fleet.append(endpoint)
        self.by_serial_number[endpoint.serial_number] = endpoint
        self.by_mac_address[endpoint.mac_address] = endpoint
        (self.unassigned if endpoint.unit_id is None else self.units[endpoint.unit_id].endpoints).append(endpoint)


def identifier(rng: random.Random) -> str:
    """26 capital letters and digits, as at the end of the service's own ids."""
    return "A" + base64.b32encode(rng.randbytes(16)).decode()[:25]


def mac_address(rng: random.Random) -> str:
    """A MAC address in the manufacturer's range."""
    return "68:54:FD:" + rng.randbytes(3).hex(":").upper()


def serial_number(rng: random.Random) -> str:
    """A device serial number: no two are alike."""
    return "G0" + base64.b32encode(rng.randbytes(9)).decode()[:14]


def _endpoint(rng: random.Random, unit: Unit | None, number: int) -> Endpoint:
    model = _MODELS[number % len(_MODELS)]
    return Endpoint(
        id=f"amzn1.alexa.endpoint.did.{identifier(rng)}",
        name=f"{unit.name if unit else 'Spare'} Echo {number}",
        model=model,
        serial_number=serial_number(rng),
        mac_address=mac_address(rng),
        software_version=str(rng.randrange(9_000_000_000, 9_999_999_999)),
        unit_id=unit.id if unit else None,
        # Every kind is on every endpoint at first, so that any deletion has something to delete.
        alerts={kind: rng.randint(1, 3) for kind in ALERT_KINDS},
    )


def make_tree(seed: int, *, rooms: int, endpoints_per_room: int, properties: int, unassigned: int) -> Tree:
    """A tree: the same one for the same arguments.

    Args:
        seed: Where all ids come from.
        rooms: How many rooms, spread evenly over the properties, 20 a floor.
        endpoints_per_room: How many endpoints in each room.
        properties: How many properties.
        unassigned: How many endpoints in no unit.
    """
    rng = random.Random(f"{seed}/tree")  # noqa: S311 - must be repeatable, protects nothing

    def unit(name: str, parent: Unit | None) -> Unit:
        level = parent.level + 1 if parent else 0
        return Unit(f"amzn1.alexa.unit.did.{identifier(rng)}", name, parent.id if parent else None, level)

    organization = unit("Organization", None)
    tree = Tree(organization)
    tree.add_unit(organization)
    for index in range(properties):
        name = _PROPERTY_NAMES[index % len(_PROPERTY_NAMES)]
        hotel = tree.add_unit(unit(f"{name} {index + 1}", organization))
        share = rooms // properties + (index < rooms % properties)
        for start in range(0, share, _ROOMS_A_FLOOR):
            number = start // _ROOMS_A_FLOOR + 1
            floor = tree.add_unit(unit(f"Floor {number}", hotel))
            for door in range(1, min(_ROOMS_A_FLOOR, share - start) + 1):
                room = tree.add_unit(unit(f"Room {number}{door:02}", floor))
                station = _STATIONS[len(tree.rooms) % len(_STATIONS)]
                room.station = Station(*station) if station else None
                tree.rooms.append(room)
                for place in range(1, endpoints_per_room + 1):
                    tree.add_endpoint(_endpoint(rng, room, place))
    for place in range(1, unassigned + 1):
        tree.add_endpoint(_endpoint(rng, None, place))
    tree.settle()
    return tree
