"""Device groups: endpoints of a unit that are controlled together by voice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_id, require_ids
from alexa_props.client import Resource
from alexa_props.codec import Lenient, PlainText
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.protocol import EXPAND, optional_member, plain_text

__all__ = ["OPERATIONS", "DeviceGroup", "DeviceGroupId", "DeviceGroups"]


@attrs.frozen
class DeviceGroup(Identified, Lenient):
    """A group of devices. Methods that take the id of a group take it too."""

    id_arguments = ("device_group_id",)

    id: str
    friendly_name: PlainText | None = None
    """None in a list without `expand`, as are the fields below. They are inferred from what creates a group."""
    member_devices: tuple[Endpoint, ...] = ()
    """Only their ids are set."""
    associated_units: tuple[UnitRef, ...] = ()
    """The one unit of the group."""


DeviceGroupId: TypeAlias = str | DeviceGroup

_GROUP: Final = "/v1/deviceGroups/{device_group_id}"

_api: Final = Group("device_groups", "device-group-mgt-api.html")
_UNIT: Final = {"unit_id": "associatedUnits.id"}
LIST: Final = _api.list("list", "/v1/deviceGroups", DeviceGroup, required=("unit_id",), wire=_UNIT, choices=EXPAND)
CREATE: Final = _api.post("create", "/v1/deviceGroups", optional_member("id"), nullable=True, check_with="list")
RENAME: Final = _api.post("rename", f"{_GROUP}/friendlyName", idempotent=True)
ADD_DEVICE: Final = _api.post("add_device", f"{_GROUP}/memberDevices", check_with="list")
REMOVE_DEVICE: Final = _api.delete("remove_device", f"{_GROUP}/memberDevices/{{endpoint_id}}", subject="endpoint_id")
DELETE: Final = _api.delete("delete", _GROUP)
OPERATIONS: Final = _api.operations


class DeviceGroups(Resource):
    """Create, list, change and delete groups of endpoints in a unit.

        await asp.device_groups.create(unit_id, "Reading lights", [endpoint_id])
        async for group in asp.device_groups.list(unit_id, expand="all"):
            print(group.friendly_name, [device.id for device in group.member_devices])

    A group belongs to one unit, which cannot be changed. Its name is unique within the unit.
    """

    def list(
        self, unit_id: UnitId, *, expand: Literal["all"] | None = None, page_size: int | None = None
    ) -> Pager[DeviceGroup]:
        """List the groups of a unit: only their ids, unless `expand` is "all"."""
        return self._pager(LIST, unit_id=unit_id, expand=expand, page_size=page_size)

    async def create(self, unit_id: UnitId, name: str, endpoint_ids: Iterable[EndpointId] = ()) -> str | None:
        """Create a group and return its id; None if the response has none, which is not documented: `list` shows it."""
        unit = require_id("unit_id", unit_id)
        members = [{"id": endpoint} for endpoint in require_ids("endpoint_ids", endpoint_ids)]
        return await self._call(
            CREATE,
            subject=unit,
            friendly_name=plain_text("name", name),
            member_devices=members or None,
            associated_units=[{"id": unit}],
        )

    async def rename(self, device_group_id: DeviceGroupId, name: str) -> None:
        """Rename a group. Amazon's samples differ in the body: the name is sent unwrapped, as for endpoints."""
        await self._call(RENAME, device_group_id=device_group_id, body=plain_text("name", name))

    async def add_device(self, device_group_id: DeviceGroupId, endpoint_id: EndpointId) -> None:
        """Add an endpoint to a group."""
        device = {"id": require_id("endpoint_id", endpoint_id)}
        await self._call(ADD_DEVICE, device_group_id=device_group_id, member_device=device)

    async def remove_device(self, device_group_id: DeviceGroupId, endpoint_id: EndpointId) -> None:
        """Remove an endpoint, which must be a member, from a group."""
        await self._call(REMOVE_DEVICE, device_group_id=device_group_id, endpoint_id=endpoint_id)

    async def delete(self, device_group_id: DeviceGroupId) -> None:
        """Delete a group. Its members and its unit remain."""
        await self._call(DELETE, device_group_id=device_group_id)
