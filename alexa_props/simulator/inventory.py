"""Devices with 30 days of events, rooms and users of Alexa for Business, made from a seed."""

from __future__ import annotations

import bisect
import random
import uuid
from collections.abc import Sequence

import attrs

from alexa_props.simulator.tree import mac_address, serial_number

__all__ = ["Device", "Event", "Inventory", "Room", "User", "make_inventory"]

DAY = 86_400.0
SHOWN_DAYS = 30

# A little more than is shown, so that there is always an event that is too old.
_HISTORY_DAYS = 33
_ACCOUNT = "123456789012"
_DEVICE_TYPES = ("A1RABVCI4QCIKC", "A4ZP7ZC4PI6TO", "A3S5BH2HU6VAYF", "AB72C64C86AW2")
_DETAILS = {
    3: ("DEVICE_SOFTWARE_UPDATE_NEEDED", None),
    7: ("DEVICE_WAS_OFFLINE", None),
    11: ("INVALID_PASSWORD_STATE", "NETWORK_PROFILE"),
}
_ENROLLMENTS = ("REGISTERED", "REGISTERED", "DISASSOCIATING", "INITIALIZED", "PENDING", "REGISTERED", "DEREGISTERING")
_FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Eve", "Fatima", "Grace", "Hiro", "Inès", "José", "Kim")
_LAST_NAMES = ("Müller", "Lovelace", "Okafor", "Smith", "Tanaka", "García", "Novák")


@attrs.frozen
class Detail:
    """One detail of a device's status."""

    code: str
    feature: str | None = None


@attrs.frozen
class Room:
    """A room of Alexa for Business."""

    arn: str
    name: str


@attrs.frozen
class Event:
    """Something that happened to a device, at a time in epoch seconds."""

    type: str
    value: str
    timestamp: float


@attrs.define(eq=False)
class Device:
    """A shared device. `changed` is the time when it last went online or offline."""

    arn: str
    serial_number: str
    type: str
    name: str
    software_version: str
    mac_address: str
    room: Room | None
    status: str
    details: tuple[Detail, ...]
    network_profile: str | None
    created: float
    online: bool
    changed: float
    seed: str = attrs.field(repr=False)
    _events: dict[str | None, list[Event]] = attrs.field(init=False, factory=dict, repr=False)

    @property
    def connection_status(self) -> str:
        """ONLINE or OFFLINE."""
        return "ONLINE" if self.online else "OFFLINE"

    def connect(self, *, online: bool, at: float) -> bool:
        """Go online or offline, which is an event. Return False if nothing changed."""
        if online == self.online:
            return False
        events = self.history()
        # Never older than the previous event, even if the clock was set back: the list stays sorted.
        self.online, self.changed = online, max(at, round(self.changed + 0.001, 3))
        self._events = {None: [Event("CONNECTION_STATUS", self.connection_status, self.changed), *events]}
        return True

    def history(self, event_type: str | None = None) -> list[Event]:
        """Return all events of a type, or of all types, newest first."""
        if None not in self._events:
            self._events[None] = _history(self)
        if event_type not in self._events:
            self._events[event_type] = [event for event in self._events[None] if event.type == event_type]
        return self._events[event_type]

    def recent(self, event_type: str | None, now: float) -> list[Event]:
        """Return the events of the last 30 days, newest first."""
        events = self.history(event_type)
        newest = bisect.bisect_left(events, -now, key=lambda event: -event.timestamp)
        oldest = bisect.bisect_right(events, -(now - SHOWN_DAYS * DAY), key=lambda event: -event.timestamp)
        return events[newest:oldest]


def _history(device: Device) -> list[Event]:
    rng = random.Random(device.seed)  # noqa: S311 - must be repeatable, protects nothing
    number = rng.randint(40, 130)
    events = [Event("CONNECTION_STATUS", device.connection_status, device.changed)]
    when, online = device.changed, device.online
    for _ in range(number):
        when = round(when - rng.uniform(0.5, 1.5) * _HISTORY_DAYS * DAY / number, 3)
        online = not online
        events.append(Event("CONNECTION_STATUS", "ONLINE" if online else "OFFLINE", when))
        if online and rng.randrange(4) == 0:
            # That a device was offline is noticed a little after it is back.
            events.append(Event("DEVICE_STATUS", "WAS_OFFLINE", round(when + 0.25, 3)))
    return sorted(events, key=lambda event: -event.timestamp)


@attrs.frozen
class User:
    """A user. The id is a filter and sort key, but not part of a response."""

    id: str
    arn: str
    first_name: str
    last_name: str
    email: str
    enrollment_status: str
    enrollment_id: str


@attrs.define(eq=False)
class Inventory:
    """Devices by ARN and as a list, rooms and users. `version` counts changes that affect searches."""

    devices: dict[str, Device] = attrs.field(factory=dict)
    fleet: list[Device] = attrs.field(factory=list)
    rooms: list[Room] = attrs.field(factory=list)
    users: list[User] = attrs.field(factory=list)
    version: int = 0


def make_inventory(
    seed: int, *, rooms: Sequence[str], devices_per_room: int, least_devices: int, users: int, region: str, now: float
) -> Inventory:
    """Return an inventory: the same one for the same arguments.

    About one device in twelve is offline, one in twenty-five is in no room, and some have status details.

    Args:
        seed: The source of all ids.
        rooms: The names of the rooms.
        devices_per_room: How many devices in each room.
        least_devices: The least number of devices in total; further ones go to the rooms in turn.
        users: How many users.
        region: The region in the ARNs.
        now: The time at which histories end, in epoch seconds.
    """
    rng = random.Random(f"{seed}/inventory")  # noqa: S311 - must be repeatable, protects nothing

    def arn(kind: str) -> str:
        return f"arn:aws:a4b:{region}:{_ACCOUNT}:{kind}/{rng.randbytes(16).hex()}"

    inventory = Inventory(rooms=[Room(arn("room"), name) for name in rooms])
    profile = arn("network-profile")
    total = max(len(rooms) * devices_per_room, least_devices)
    for index in range(total):
        # Rooms are filled one by one, like those of Smart Properties, and then the remaining devices are spread.
        place = index // devices_per_room if devices_per_room else index
        room = inventory.rooms[place % len(rooms)] if rooms and index % 25 != 24 else None  # noqa: PLR2004
        detail = _DETAILS.get(index % 20)
        online = index % 12 != 5  # noqa: PLR2004
        back = detail is not None and detail[0] == "DEVICE_WAS_OFFLINE"
        device = Device(
            arn=arn("device"),
            serial_number=serial_number(rng),
            type=_DEVICE_TYPES[index % len(_DEVICE_TYPES)],
            name=f"{room.name if room else 'Spare'} Device {index + 1}",
            software_version=str(rng.randrange(600_000_000, 699_999_999)),
            mac_address=mac_address(rng),
            room=room,
            status="WAS_OFFLINE" if back else "PENDING" if index % 30 == 29 else "READY",  # noqa: PLR2004
            details=(Detail(*detail),) if detail else (),
            network_profile=profile if index % 3 == 0 else None,
            created=round(now - rng.uniform(100, 700) * DAY, 3),
            online=online,
            changed=round(now - rng.uniform(60, 0.4 * DAY), 3),
            seed=f"{seed}/events/{index}",
        )
        inventory.devices[device.arn] = device
        inventory.fleet.append(device)
    for index in range(users):
        user_id = str(uuid.UUID(bytes=rng.randbytes(16), version=4))
        first, last = _FIRST_NAMES[index % len(_FIRST_NAMES)], _LAST_NAMES[index % len(_LAST_NAMES)]
        inventory.users.append(
            User(
                id=user_id,
                arn=f"arn:aws:a4b:{region}:{_ACCOUNT}:user/{user_id}",
                first_name=first,
                last_name=last,
                email=f"user{index + 1}@example.com",
                enrollment_status=_ENROLLMENTS[index % len(_ENROLLMENTS)],
                enrollment_id=rng.randbytes(12).hex(),
            )
        )
    return inventory
