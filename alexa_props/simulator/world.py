"""What the seed makes, for tests to look up and change: units, endpoints, devices, users and credentials."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Final

import attrs

from alexa_props.simulator.checks import MOST, choice, text, whole
from alexa_props.simulator.device_settings import ADDRESS, SETTINGS, violation
from alexa_props.simulator.device_state import (
    NOTIFICATION_KINDS,
    DeviceState,
    NotificationKind,
    add_notification,
    made_up_notification,
)
from alexa_props.simulator.inventory import Inventory, make_inventory
from alexa_props.simulator.login import Login
from alexa_props.simulator.responses import Json
from alexa_props.simulator.signature import Keys
from alexa_props.simulator.store import Key, Store
from alexa_props.simulator.tree import MOST_REMINDERS, AlertKind, Station, Tree, Unit, make_tree

__all__ = ["Shape", "World"]

_LEAST_DEVICES = 60


@attrs.frozen
class Shape:
    """How many of everything the seed makes."""

    rooms: int
    endpoints_per_room: int
    properties: int
    unassigned: int
    users: int


def _tree(world: World) -> Tree:
    shape = world.shape
    return make_tree(
        world.seed,
        rooms=shape.rooms,
        endpoints_per_room=shape.endpoints_per_room,
        properties=shape.properties,
        unassigned=shape.unassigned,
    )


def _inventory(world: World) -> Inventory:
    return make_inventory(
        world.seed,
        rooms=world.tree.first_room_names,
        devices_per_room=world.shape.endpoints_per_room,
        least_devices=_LEAST_DEVICES,
        users=world.shape.users,
        region=world.keys.region,
        now=world.started,
    )


TREE: Final = Key("tree", _tree)
INVENTORY: Final = Key("inventory", _inventory)


class World:
    """Looks up ids, the state of rooms and devices, and credentials."""

    login: Login
    """The token endpoint. Its `lifetime` in seconds and `rotates` may be set."""
    keys: Keys
    """The AWS keys that are valid here."""

    seed: int
    shape: Shape
    clock: Callable[[], float]
    """The monotonic clock."""
    started: float
    """When the simulator was made, in epoch seconds. Histories end there."""
    store: Store
    """What handlers store. A reset empties it."""

    @property
    def tree(self) -> Tree:
        """The units and endpoints of Smart Properties, with all effects of calls whose time has come."""
        tree = self.store[TREE]
        tree.settle(self.clock)
        return tree

    @property
    def inventory(self) -> Inventory:
        """The devices and users of Alexa for Business."""
        return self.store[INVENTORY]

    # Ids

    @property
    def organization_id(self) -> str:
        """The id of the organization, the root of all units."""
        return self.tree.organization.id

    @property
    def units(self) -> list[str]:
        """The ids of all units, the organization first."""
        return list(self.tree.units)

    @property
    def rooms(self) -> list[str]:
        """The unit ids of the rooms, in order."""
        return [room.id for room in self.tree.rooms]

    @property
    def endpoints(self) -> list[str]:
        """The ids of all endpoints, in the order of their first rooms; those in no room come last."""
        return [endpoint.id for endpoint in self.tree.fleet]

    @property
    def devices(self) -> list[str]:
        """The ARNs of all Alexa for Business devices."""
        return list(self.inventory.devices)

    @property
    def users(self) -> list[str]:
        """The ARNs of all Alexa for Business users."""
        return [user.arn for user in self.inventory.users]

    def endpoints_in(self, unit_id: str) -> list[str]:
        """Return the ids of the endpoints in a unit."""
        return [endpoint.id for endpoint in self.tree.units[unit_id].endpoints]

    def alert_count(self, kind: AlertKind, unit_or_endpoint_id: str) -> int:
        """Return the number of alarms, timers or reminders in a unit or on an endpoint."""
        endpoint = self.tree.endpoints.get(unit_or_endpoint_id)
        where = [endpoint] if endpoint else self.tree.units[unit_or_endpoint_id].endpoints
        return sum(each.count(kind) for each in where)

    def set_alerts(self, kind: AlertKind, endpoint_id: str, count: int) -> None:
        """Set the number of alarms, timers or reminders on an endpoint. Reminders are replaced, and are at most 250."""
        most = MOST_REMINDERS if kind == "reminders" else MOST
        self.tree.endpoints[endpoint_id].set_count(kind, whole("count", count, 0, most))

    def station(self, unit_id: str) -> Station | None:
        """Return the default station of a unit."""
        return self.tree.units[unit_id].station

    def set_station(self, unit_id: str, station: Station | None) -> None:
        """Set the default station of a unit; None removes its value."""
        self.tree.units[unit_id].station = station

    def settings(self, endpoint_id: str) -> dict[str, Json]:
        """Return the settings of an endpoint by key, and its `"address"`: those that have a value."""
        return deepcopy(dict(self.tree.endpoints[endpoint_id].settings))

    def set_setting(self, endpoint_id: str, key: str, value: Json) -> None:
        """Set a setting of an endpoint (also the read-only one) or its `"address"`; None removes its value.

        Raises:
            KeyError: No endpoint has this id.
            ValueError: No setting has this key, or the value is not valid.
        """
        settings = self.tree.endpoints[endpoint_id].state.settings
        choice("key", key, (*SETTINGS, ADDRESS))
        if value is None:
            settings.pop(key, None)
            return
        problem = violation(key, value)
        if problem is not None:
            raise ValueError(problem)
        settings[key] = deepcopy(value)

    def volume(self, endpoint_id: str) -> int:
        """Return the volume of an endpoint, 0 to 100."""
        return self.tree.endpoints[endpoint_id].state.volume

    def bluetooth(self, endpoint_id: str) -> tuple[str, ...]:
        """Return the names of the Bluetooth devices that are paired with an endpoint."""
        return tuple(self.tree.endpoints[endpoint_id].state.paired)

    def pair_bluetooth(self, endpoint_id: str, name: str) -> None:
        """Pair one more Bluetooth device with an endpoint."""
        self.tree.endpoints[endpoint_id].state.paired.append(text("name", name))

    def notifications(self, unit_or_endpoint_id: str) -> dict[NotificationKind, int]:
        """Return the number of notifications of each kind that a unit or an endpoint has.

        Those of its endpoints are not those of a unit. Announcements are not stored.
        """
        visible = [each for each in self._recipient(unit_or_endpoint_id).notifications if each.is_visible(self.clock())]
        return {kind: sum(each.kind == kind for each in visible) for kind in NOTIFICATION_KINDS}

    def notify(self, unit_or_endpoint_id: str, kind: NotificationKind) -> None:
        """Add one notification to a unit or an endpoint.

        Raises:
            KeyError: No unit or endpoint has this id.
            ValueError: There is no such kind.
        """
        choice("kind", kind, NOTIFICATION_KINDS)
        add_notification(self._recipient(unit_or_endpoint_id).notifications, made_up_notification(kind))

    def _recipient(self, unit_or_endpoint_id: str) -> Unit | DeviceState:
        endpoint = self.tree.endpoints.get(unit_or_endpoint_id)
        return endpoint.state if endpoint else self.tree.units[unit_or_endpoint_id]

    # Credentials

    @property
    def client_id(self) -> str:
        """The Login with Amazon client id that is valid here."""
        return self.login.grant.client_id

    @property
    def client_secret(self) -> str:
        """The secret that belongs to it."""
        return self.login.grant.client_secret

    @property
    def refresh_token(self) -> str:
        """The refresh token: the latest one if they rotate."""
        return self.login.grant.refresh_token

    @property
    def aws_access_key_id(self) -> str:
        """The AWS access key that is valid here."""
        return self.keys.access_key

    @property
    def aws_secret_access_key(self) -> str:
        """The secret that belongs to it."""
        return self.keys.secret_key

    @property
    def aws_session_token(self) -> str:
        """A session token for the same key. Requests are valid with it and without any."""
        return self.keys.session_token

    @property
    def aws_region(self) -> str:
        """The region that requests must be signed for."""
        return self.keys.region
