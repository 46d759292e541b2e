"""What is in the simulated world, and who may come in: all that can be looked up."""

from __future__ import annotations

from alexa_props.simulator.checks import whole
from alexa_props.simulator.inventory import Inventory
from alexa_props.simulator.login import Login
from alexa_props.simulator.signature import Keys
from alexa_props.simulator.state import AlertKind, Station, Tree

__all__ = ["World"]


class World:
    """Looks up ids, stations, alerts and credentials.

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
