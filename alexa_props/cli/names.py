"""What people type in place of an id: a name, a path, a room number or a serial number."""

from __future__ import annotations

from alexa_props import Inventory, SmartProperties
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import Room
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["Names", "is_id"]


def is_id(text: str) -> bool:
    """Return whether a text is an id, and no name: it starts as Amazon's ids do, or it is a wildcard."""
    return text.startswith(("amzn1.", "~"))


class Names:
    """Resolves names of units and devices, all of one organization. The inventory is read when it is first needed."""

    def __init__(self, asp: SmartProperties, organization: str | None, *, refresh: bool) -> None:
        self._asp = asp
        self._organization = organization
        self._refresh = refresh
        self._inventory: Inventory | None = None

    async def inventory(self, *, endpoints: bool = False) -> Inventory:
        """Return the inventory of the organization, with its devices if wanted."""
        if self._organization is None:
            raise ConfigurationError(
                "names are looked up in an organization, and none is known: log in again, or name it with "
                "--organization or ALEXA_PROPS_ORGANIZATION_ID"
            )
        if self._inventory is None or (endpoints and not self._inventory.has_endpoints):
            self._inventory = await Inventory.load(self._asp, self._organization, endpoints=endpoints)
        return self._inventory

    async def unit(self, text: str) -> Room | Unit:
        """Return the unit of a name, a path, a room number or an id."""
        if is_id(text):
            return Room(text)
        return (await self.inventory()).unit(text)

    async def endpoint(self, text: str) -> Endpoint:
        """Return the device of a name, a path, a serial number or an id."""
        if is_id(text):
            return Endpoint(text)
        return (await self.inventory(endpoints=True)).endpoint(text)
