"""What is in the simulated world, and who may come in: all that can be looked up."""

from __future__ import annotations

from copy import deepcopy

from alexa_props.simulator.checks import choice, text, whole
from alexa_props.simulator.device_settings import ADDRESS, SETTINGS, complaint
from alexa_props.simulator.device_state import NOTIFICATION_KINDS, Kept, NotificationKind
from alexa_props.simulator.inventory import Inventory
from alexa_props.simulator.login import Login
from alexa_props.simulator.responses import Json
from alexa_props.simulator.signature import Keys
from alexa_props.simulator.state import AlertKind, Station, Tree, Unit

__all__ = ["World"]


class World:
    """Looks up ids, what is set and left in rooms and on devices, and credentials.

    Attributes:
        tree: The units and endpoints of Smart Properties.
        inventory: The devices and users of Alexa for Business.
        login: The token endpoint.
        keys: The AWS keys that are good here.
    """

    tree: Tree
    inventory: Inventory
    login: Login
    keys: Keys

    # What is there.

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
        """The ids of all endpoints, in the order of their rooms."""
        return list(self.tree.endpoints)

    @property
    def devices(self) -> list[str]:
        """The ARNs of all Alexa for Business devices."""
        return list(self.inventory.devices)

    @property
    def users(self) -> list[str]:
        """The ARNs of all Alexa for Business users."""
        return [user.arn for user in self.inventory.users]

    def endpoints_in(self, unit_id: str) -> list[str]:
        """The ids of the endpoints in one unit."""
        return [endpoint.id for endpoint in self.tree.units[unit_id].endpoints]

    def alert_count(self, kind: AlertKind, unit_or_endpoint_id: str) -> int:
        """How many alarms, timers or reminders are left in a unit or on an endpoint."""
        endpoint = self.tree.endpoints.get(unit_or_endpoint_id)
        where = [endpoint] if endpoint else self.tree.units[unit_or_endpoint_id].endpoints
        return sum(each.alerts[kind] for each in where)

    def set_alerts(self, kind: AlertKind, endpoint_id: str, count: int) -> None:
        """Puts a number of alarms, timers or reminders on an endpoint."""
        self.tree.endpoints[endpoint_id].alerts[kind] = whole("count", count)

    def station(self, unit_id: str) -> Station | None:
        """The default station of a unit."""
        return self.tree.units[unit_id].station

    def set_station(self, unit_id: str, station: Station | None) -> None:
        """Sets the default station of a unit, or takes its value away."""
        self.tree.units[unit_id].station = station

    def settings(self, endpoint_id: str) -> dict[str, Json]:
        """The settings of an endpoint by key, and its `"address"`: those that have a value."""
        return deepcopy(dict(self.tree.endpoints[endpoint_id].settings))

    def set_setting(self, endpoint_id: str, key: str, value: Json) -> None:
        """Sets a setting of an endpoint, the read-only one too, or its `"address"`; None takes its value away.

        Raises:
            KeyError: There is no such endpoint.
            ValueError: There is no such setting, or the value does not fit it.
        """
        kept = self.tree.endpoints[endpoint_id].kept.settings
        choice("key", key, (*SETTINGS, ADDRESS))
        if value is None:
            kept.pop(key, None)
            return
        problem = complaint(key, value)
        if problem is not None:
            raise ValueError(problem)
        kept[key] = deepcopy(value)

    def volume(self, endpoint_id: str) -> int:
        """The volume of an endpoint, 0 to 100."""
        return self.tree.endpoints[endpoint_id].kept.volume

    def bluetooth(self, endpoint_id: str) -> tuple[str, ...]:
        """The names of the Bluetooth devices that are paired with an endpoint."""
        return tuple(self.tree.endpoints[endpoint_id].kept.paired)

    def pair_bluetooth(self, endpoint_id: str, name: str) -> None:
        """Pairs one more Bluetooth device with an endpoint."""
        self.tree.endpoints[endpoint_id].kept.paired.append(text("name", name))

    def notifications(self, unit_or_endpoint_id: str) -> dict[NotificationKind, int]:
        """Count the notifications of each kind that can be deleted, of those sent to a unit or to an endpoint."""
        return dict(self._recipient(unit_or_endpoint_id).notifications)

    def notify(self, unit_or_endpoint_id: str, kind: NotificationKind) -> None:
        """Leave one more notification in a unit or on an endpoint.

        Raises:
            KeyError: There is no such unit or endpoint.
            ValueError: There is no such kind.
        """
        choice("kind", kind, NOTIFICATION_KINDS)
        self._recipient(unit_or_endpoint_id).notifications[kind] += 1

    def _recipient(self, unit_or_endpoint_id: str) -> Unit | Kept:
        endpoint = self.tree.endpoints.get(unit_or_endpoint_id)
        return endpoint.kept if endpoint else self.tree.units[unit_or_endpoint_id]

    # Who may come in.

    @property
    def client_id(self) -> str:
        """The Login with Amazon client id that is good here."""
        return self.login.grant.client_id

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return self.login.grant.client_secret

    @property
    def refresh_token(self) -> str:
        """Its refresh token: the latest one, when they rotate."""
        return self.login.grant.refresh_token

    @property
    def aws_access_key_id(self) -> str:
        """The AWS access key that is good here."""
        return self.keys.access_key

    @property
    def aws_secret_access_key(self) -> str:
        """Its secret."""
        return self.keys.secret_key

    @property
    def aws_session_token(self) -> str:
        """A session token for the same key; requests are good with it and without any."""
        return self.keys.session_token

    @property
    def aws_region(self) -> str:
        """The region that requests must be signed for."""
        return self.keys.region
