"""The wire of device groups."""

from __future__ import annotations

from typing import Any

from alexa_props.simulator.smart_properties.device_groups import DEVICE_GROUPS
from alexa_props.smart_properties.device_groups import DeviceGroup
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from tests.wire.row import LAST_PAGE, Wire

IDS = {"device_group": lambda sim: DEVICE_GROUPS.ids(sim)[0]}
MODELS = {"device_group": DeviceGroup("device-group-1")}


def plain(text: str) -> dict[str, Any]:
    return {"type": "PLAIN", "value": {"text": text}}


FULL = {
    "id": "device-group-1",
    "friendlyName": plain("Küche 💡"),
    "memberDevices": [{"id": "endpoint-1"}],
    "associatedUnits": [{"id": "room-1"}],
}
GROUP = DeviceGroup("device-group-1", "Küche 💡", (Endpoint("endpoint-1"),), (UnitRef("room-1"),))

WIRE = {
    "device_groups.list": Wire(
        lambda on: on.asp.device_groups.list(on.room),
        "GET /v1/deviceGroups?associatedUnits.id=room-1",
        response={"results": [{"id": "a"}, {"id": "b", "memberDevices": "?"}], **LAST_PAGE},
        result=[DeviceGroup("a"), DeviceGroup("b")],
    ),
    "device_groups.list, with every argument": Wire(
        lambda on: on.asp.device_groups.list(on.room, expand="all", page_size=5),
        "GET /v1/deviceGroups?associatedUnits.id=room-1&expand=all&maxResults=5",
        response={"results": [FULL]},
        result=[GROUP],
    ),
    "device_groups.create": Wire(
        lambda on: on.asp.device_groups.create(on.room, "Küche 💡", [on.endpoint]),
        "POST /v1/deviceGroups",
        body={
            "friendlyName": plain("Küche 💡"),
            "memberDevices": [{"id": "endpoint-1"}],
            "associatedUnits": [{"id": "room-1"}],
        },
        response={"id": "new"},
        result="new",
    ),
    "device_groups.create, without members and without a response": Wire(
        lambda on: on.asp.device_groups.create(on.room, "Empty"),
        "POST /v1/deviceGroups",
        body={"friendlyName": plain("Empty"), "associatedUnits": [{"id": "room-1"}]},
    ),
    "device_groups.rename": Wire(
        lambda on: on.asp.device_groups.rename(on.device_group, "living room"),
        "POST /v1/deviceGroups/device-group-1/friendlyName",
        idempotent=True,
        body=plain("living room"),
    ),
    "device_groups.add_device": Wire(
        lambda on: on.asp.device_groups.add_device(on.device_group, on.endpoint),
        "POST /v1/deviceGroups/device-group-1/memberDevices",
        body={"memberDevice": {"id": "endpoint-1"}},
    ),
    "device_groups.remove_device": Wire(
        lambda on: on.asp.device_groups.remove_device(on.device_group, on.endpoint),
        "DELETE /v1/deviceGroups/device-group-1/memberDevices/endpoint-1",
    ),
    "device_groups.delete": Wire(
        lambda on: on.asp.device_groups.delete(on.device_group), "DELETE /v1/deviceGroups/device-group-1"
    ),
}
