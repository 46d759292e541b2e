"""The units and endpoints of Smart Properties, made from a seed."""

from __future__ import annotations

import base64
import heapq
import math
import random
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal

import attrs

from alexa_props.simulator.device_settings import SETUP_MODE
from alexa_props.simulator.device_state import (
    DeviceState,
    Notification,
    initial_notifications,
    initial_state,
)
from alexa_props.simulator.responses import Json

__all__ = [
    "MOST_REMINDERS",
    "AlertKind",
    "Endpoint",
    "Station",
    "Tree",
    "Unit",
    "identifier",
    "mac_address",
    "make_tree",
    "serial_number",
]

AlertKind = Literal["alarms", "timers", "reminders"]
ALERT_KINDS: tuple[AlertKind, ...] = ("alarms", "timers", "reminders")

MOST_REMINDERS = 250
"""The documented number of reminders on a device."""

_REMINDER: Json = {
    "trigger": {
        "type": "SCHEDULED_ABSOLUTE",
        "scheduledTime": "2030-01-01T09:00:00.000",
        "timeZoneId": "America/Los_Angeles",
    },
    "alertInfo": {"spokenInfo": {"content": [{"locale": "en-US", "text": "This is your reminder."}]}},
}
_ROOM_LEVEL = 3
_ROOMS_PER_FLOOR = 20
_MODELS = ("Echo Show 8 (3rd Gen)", "Echo Dot (5th Gen)", "Echo Show 5 (3rd Gen)", "Echo Pop")
_PROPERTY_NAMES = ("Seaside", "Hôtel du Lac", "Grand Park", "Old Town", "Riverside", "Zürichberg")
# Every fifth room has no station: the setting exists without a value.
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
    """An organization (level 0), a property (1), a floor (2), a room (3) or something below."""

    id: str
    name: str
    parent_id: str | None
    level: int
    children: list[Unit] = attrs.field(factory=list, repr=False)
    endpoints: list[Endpoint] = attrs.field(factory=list, repr=False)
    station: Station | None = None
    position: int = 0
    """Its position among all units in a list, which never changes."""
    effective_from: float = -math.inf
    """When what depends on a new unit exists too, on the monotonic clock; those of the seed are complete."""
    _notifications: list[Notification] | None = attrs.field(default=None, repr=False, alias="notifications")

    @property
    def is_new(self) -> bool:
        """Whether a call created it."""
        return self.effective_from > -math.inf

    @property
    def notifications(self) -> list[Notification]:
        """Those that were sent to it; made on first use, since most units are never asked."""
        if self._notifications is None:
            self._notifications = initial_notifications(self.id)
        return self._notifications


@attrs.define(eq=False)
class Endpoint:
    """A device in a room, or in the account's default unit if it is in no other."""

    id: str
    name: str
    model: str
    serial_number: str
    mac_address: str
    software_version: str
    unit_id: str | None
    alerts: dict[AlertKind, int] = attrs.field(factory=dict)
    """How many alarms and timers it has, and how many reminders until `reminders` has them."""
    _reminders: dict[str, Json] | None = attrs.field(init=False, default=None, repr=False)
    _reminders_added: int = attrs.field(init=False, default=0, repr=False)
    position: int = 0
    """Its position among all endpoints in a list, which never changes."""
    is_rebooting: bool = False
    """Whether it is on its way to another unit, and offline."""
    _state: DeviceState | None = attrs.field(init=False, default=None, repr=False)

    @property
    def reminders(self) -> dict[str, Json]:
        """Its reminders by id; made on first use, since most devices are never asked."""
        if self._reminders is None:
            self._reminders = {}
            for _ in range(self.alerts.pop("reminders", 0)):
                self.add_reminder(_REMINDER)
        return self._reminders

    def add_reminder(self, reminder: Json) -> str:
        """Store a reminder and return its new id."""
        self._reminders_added += 1
        rng = random.Random(f"{self.id}/reminders/{self._reminders_added}")  # noqa: S311 - must be repeatable
        reminder_id = f"amzn1.alexa.reminder.did.{identifier(rng)}"
        self.reminders[reminder_id] = reminder
        return reminder_id

    def has_reminder(self, reminder_id: str) -> bool:
        """Return whether it has a reminder that was made already."""
        return self._reminders is not None and reminder_id in self._reminders

    def count(self, kind: AlertKind) -> int:
        """Return how many alarms, timers or reminders it has."""
        has_list = kind == "reminders" and self._reminders is not None
        return len(self.reminders) if has_list else self.alerts.get(kind, 0)

    def set_count(self, kind: AlertKind, count: int) -> None:
        """Set how many alarms, timers or reminders it has. Reminders are replaced by made-up ones."""
        if kind == "reminders":
            self._reminders = None
        self.alerts[kind] = count

    @property
    def state(self) -> DeviceState:
        """What the device stores; made on first use, since most devices are never asked."""
        if self._state is None:
            self._state = initial_state(self.id)
        return self._state

    def wipe(self) -> None:
        """Remove settings, alerts and everything else that it stores, except for its Wi-Fi networks."""
        self._state = self.state.wiped()
        for kind in ALERT_KINDS:
            self.set_count(kind, 0)

    @property
    def settings(self) -> Mapping[str, Json]:
        """The settings that have a value. A device in a unit has no privileges of setup mode."""
        return {SETUP_MODE: ["ALL_SETTINGS"] if self.unit_id is None else [], **self.state.settings}


@attrs.define(eq=False)
class Tree:
    """The organization, indexed by everything that a request may name."""

    organization: Unit
    units: dict[str, Unit] = attrs.field(factory=dict)
    """All units by id, parents before their children."""
    rooms: list[Unit] = attrs.field(factory=list)
    endpoints: dict[str, Endpoint] = attrs.field(factory=dict)
    """All endpoints by id."""
    fleet: list[Endpoint] = attrs.field(factory=list)
    """All endpoints in their order, as are those of units."""
    unassigned: list[Endpoint] = attrs.field(factory=list)
    """The endpoints in no unit."""
    by_serial_number: dict[str, Endpoint] = attrs.field(factory=dict)
    by_mac_address: dict[str, Endpoint] = attrs.field(factory=dict)
    """Endpoints by MAC address, in upper case."""
    first_room_names: tuple[str, ...] = ()
    """The names of the rooms before any change."""
    _descendants: dict[tuple[str, int | None], list[Unit]] = attrs.field(init=False, factory=dict)
    _positions: int = attrs.field(init=False, default=0)
    _renewed: int = attrs.field(init=False, default=0)
    _effects: list[tuple[float, int, Callable[[], object]]] = attrs.field(init=False, factory=list)
    _scheduled: int = attrs.field(init=False, default=0)

    @property
    def first_rooms(self) -> list[Unit]:
        """The rooms that the seed made, for what handlers have at first."""
        return [room for room in self.rooms if not room.is_new]

    def schedule(self, time: float, effect: Callable[[], object]) -> None:
        """Change something at a time on the monotonic clock; `settle` does it."""
        self._scheduled += 1
        heapq.heappush(self._effects, (time, self._scheduled, effect))

    def settle(self, clock: Callable[[], float]) -> None:
        """Make all changes whose time has come."""
        while self._effects and self._effects[0][0] <= clock():
            _, _, effect = heapq.heappop(self._effects)
            effect()

    def descendants(self, parent: Unit, depth: int | None) -> list[Unit]:
        """Return the units below another one by level, then those created later; None means all levels."""
        key = (parent.id, depth)
        if key not in self._descendants:
            found: list[Unit] = []
            queue = deque(parent.children)
            while queue:
                unit = queue.popleft()
                if depth is not None and unit.level > parent.level + depth:
                    break
                found.append(unit)
                queue.extend(unit.children)
            found.sort(key=lambda unit: unit.position)
            # For the next pages, until a unit is created or deleted.
            self._descendants[key] = found
        return self._descendants[key]

    def add_unit(self, unit: Unit) -> Unit:
        """Add a unit below its parent."""
        self.units[unit.id] = unit
        if unit.parent_id is not None:
            self.units[unit.parent_id].children.append(unit)
        return unit

    def finish(self) -> None:
        """Number the units once all that the seed makes have been added."""
        for position, unit in enumerate(self.descendants(self.organization, None), 1):
            unit.position = self._positions = position
        self.first_room_names = tuple(room.name for room in self.rooms)

    def create_unit(self, parent: Unit, name: str, effective_from: float) -> Unit:
        """Create a unit below another one, without notifications."""
        self._positions += 1
        rng = random.Random(f"{self.organization.id}/created/{self._positions}")  # noqa: S311 - must be repeatable
        unit = Unit(
            id=f"amzn1.alexa.unit.did.{identifier(rng)}",
            name=name,
            parent_id=parent.id,
            level=parent.level + 1,
            position=self._positions,
            effective_from=effective_from,
            notifications=[],
        )
        if unit.level == _ROOM_LEVEL:
            self.rooms.append(unit)
        self._descendants.clear()
        return self.add_unit(unit)

    def delete_unit(self, unit: Unit) -> None:
        """Delete a unit with none below it. Its endpoints are in no unit then."""
        del self.units[unit.id]
        if unit.parent_id is not None:
            self.units[unit.parent_id].children.remove(unit)
        if unit.level == _ROOM_LEVEL:
            self.rooms.remove(unit)
        for endpoint in unit.endpoints:
            endpoint.unit_id = None
            insort(self.unassigned, endpoint, key=_position)
        self._descendants.clear()

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Add an endpoint to its unit."""
        endpoint.position = self.fleet[-1].position + 1 if self.fleet else 1
        self.endpoints[endpoint.id] = endpoint
        self.fleet.append(endpoint)
        self.by_serial_number[endpoint.serial_number] = endpoint
        self.by_mac_address[endpoint.mac_address] = endpoint
        self._place(endpoint.unit_id).append(endpoint)

    def _place(self, unit_id: str | None) -> list[Endpoint]:
        return self.unassigned if unit_id is None else self.units[unit_id].endpoints

    def new_endpoint_id(self) -> str:
        """Return an id for an endpoint that gets another one."""
        self._renewed += 1
        rng = random.Random(f"{self.organization.id}/renewed/{self._renewed}")  # noqa: S311 - must be repeatable
        return f"amzn1.alexa.endpoint.did.{identifier(rng)}"

    def move_endpoint(self, endpoint: Endpoint, unit_id: str | None, endpoint_id: str) -> None:
        """Move an endpoint to a unit, or to none, under its id or another one. Its place in lists stays."""
        _remove(self._place(endpoint.unit_id), endpoint)
        del self.endpoints[endpoint.id]
        endpoint.id, endpoint.unit_id = endpoint_id, unit_id
        self.endpoints[endpoint_id] = endpoint
        insort(self._place(unit_id), endpoint, key=_position)

    def remove_endpoint(self, endpoint: Endpoint) -> None:
        """Remove an endpoint from the account."""
        del self.endpoints[endpoint.id]
        _remove(self.fleet, endpoint)
        _remove(self._place(endpoint.unit_id), endpoint)
        for index, key in (
            (self.by_serial_number, endpoint.serial_number),
            (self.by_mac_address, endpoint.mac_address),
        ):
            # In a large fleet two devices may have the same MAC address.
            if index.get(key) is endpoint:
                del index[key]


def _position(endpoint: Endpoint) -> int:
    return endpoint.position


def _remove(endpoints: list[Endpoint], endpoint: Endpoint) -> None:
    """Remove an endpoint from a list in the order of positions, without searching all of it."""
    del endpoints[bisect_left(endpoints, endpoint.position, key=_position)]


def identifier(rng: random.Random) -> str:
    """Return 26 capital letters and digits, like the end of the service's ids."""
    return "A" + base64.b32encode(rng.randbytes(16)).decode()[:25]


def mac_address(rng: random.Random) -> str:
    """Return a MAC address in the manufacturer's range."""
    return "68:54:FD:" + rng.randbytes(3).hex(":").upper()


def serial_number(rng: random.Random) -> str:
    """Return a serial number; they are unique."""
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
        # Every endpoint has alerts of every kind, so that any deletion has something to delete.
        alerts={kind: rng.randint(1, 3) for kind in ALERT_KINDS},
    )


def make_tree(seed: int, *, rooms: int, endpoints_per_room: int, properties: int, unassigned: int) -> Tree:
    """Return a tree: the same one for the same arguments.

    Args:
        seed: The source of all ids.
        rooms: How many rooms, spread evenly over the properties, 20 per floor.
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
        for start in range(0, share, _ROOMS_PER_FLOOR):
            number = start // _ROOMS_PER_FLOOR + 1
            floor = tree.add_unit(unit(f"Floor {number}", hotel))
            for door in range(1, min(_ROOMS_PER_FLOOR, share - start) + 1):
                room = tree.add_unit(unit(f"Room {number}{door:02}", floor))
                station = _STATIONS[len(tree.rooms) % len(_STATIONS)]
                room.station = Station(*station) if station else None
                tree.rooms.append(room)
                for place in range(1, endpoints_per_room + 1):
                    tree.add_endpoint(_endpoint(rng, room, place))
    for place in range(1, unassigned + 1):
        tree.add_endpoint(_endpoint(rng, None, place))
    tree.finish()
    return tree
