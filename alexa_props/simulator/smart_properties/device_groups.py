"""Device groups: endpoints of one unit under a name, which is unique there.

Inferred: statuses, that members are endpoints of the unit, and that adding a member twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import when_deleted
from alexa_props.simulator.requests import known_endpoint, known_unit, name_text, name_value
from alexa_props.simulator.resources import Item, Resource
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.world import World

GROUPS: Final = "/v1/deviceGroups"
GROUP: Final = f"{GROUPS}/{{deviceGroupId}}"
MEMBERS: Final = f"{GROUP}/memberDevices"

# The page limit of Amazon's documentation.
MOST_GROUPS = 10


def _body(unit_id: str, name: str, endpoint_ids: Iterable[str]) -> dict[str, Json]:
    return {
        "friendlyName": name_value(name),
        "memberDevices": [{"id": endpoint_id} for endpoint_id in endpoint_ids],
        "associatedUnits": [{"id": unit_id}],
    }


def _seeds(world: World) -> Iterable[dict[str, Json]]:
    """Return a group for each of the first rooms."""
    return [_body(room.id, "Lights", world.endpoints_in(room.id)[:1]) for room in world.tree.first_rooms[:3]]


DEVICE_GROUPS: Final = Resource(
    *("device_groups", GROUPS, "deviceGroupId", "amzn1.alexa.deviceGroup.did."),
    id_member="id",
    filters={"associatedUnits.id": "associatedUnits.id"},
    required_filters=["associatedUnits.id"],
    most=MOST_GROUPS,
    expands=True,
    seeds=_seeds,
).serve(list="list")


def _require_unique(context: Context, unit_id: str | None, name: str, but: Item | None = None) -> None:
    taken = (
        item
        for item in DEVICE_GROUPS.items(context).values()
        if item.unit_id == unit_id and item is not but and name_text(item.body["friendlyName"]) == name
    )
    if next(taken, None) is not None:
        raise Problem(400, "The unit has a group of this name.")


def _require_in_unit(context: Context, endpoint_id: str, unit_id: str | None) -> None:
    if known_endpoint(context, endpoint_id).unit_id != unit_id:
        raise Problem(400, "The endpoint is not in the unit of the group.")


@route("device_groups.create", "POST", GROUPS)
def create_group(context: Context) -> Response:
    """Create a group in exactly one unit, with or without members."""
    body = require_members(
        *(context.json, {"friendlyName": dict, "associatedUnits": list, "associatedUnits.id": str}),
        {"memberDevices": list, "memberDevices.id": str},
    )
    name = name_text(body["friendlyName"])
    if len(body["associatedUnits"]) != 1:
        raise Problem(400, "associatedUnits must have exactly one unit.")
    unit = known_unit(context, body["associatedUnits"][0]["id"])
    members = [require_members(member, {"id": str})["id"] for member in body.get("memberDevices", ())]
    for endpoint_id in members:
        _require_in_unit(context, endpoint_id, unit.id)
    _require_unique(context, unit.id, name)
    item = DEVICE_GROUPS.add(context, _body(unit.id, name, dict.fromkeys(members)))
    return json_response({"id": item.id}, 201)


@route("device_groups.rename", "POST", f"{GROUP}/friendlyName")
def rename_group(context: Context) -> Response:
    """Rename a group. The name may be the body, or a member of it: Amazon's samples differ."""
    item = DEVICE_GROUPS.find(context)
    body = require_members(context.json, {})
    name = name_text(body.get("friendlyName", body))
    _require_unique(context, item.unit_id, name, but=item)
    item.body["friendlyName"] = name_value(name)
    return no_content()


@route("device_groups.add_device", "POST", MEMBERS)
def add_device(context: Context) -> Response:
    """Add one endpoint."""
    item = DEVICE_GROUPS.find(context)
    endpoint_id = require_members(context.json, {"memberDevice": dict, "memberDevice.id": str})["memberDevice"]["id"]
    _require_in_unit(context, endpoint_id, item.unit_id)
    if {"id": endpoint_id} not in item.body["memberDevices"]:
        item.body["memberDevices"].append({"id": endpoint_id})
    return no_content()


@route("device_groups.remove_device", "DELETE", f"{MEMBERS}/{{endpointId}}")
def remove_device(context: Context) -> Response:
    """Remove one endpoint, which must be a member."""
    endpoint, item = known_endpoint(context), DEVICE_GROUPS.find(context)
    member: dict[str, Any] = {"id": endpoint.id}
    if member not in item.body["memberDevices"]:
        raise Problem(404, "The endpoint is not a member of the group.")
    item.body["memberDevices"].remove(member)
    return no_content()


DEVICE_GROUPS.serve(delete="delete")


@when_deleted("unit")
def _discard(world: World, unit_id: str) -> None:
    DEVICE_GROUPS.discard(world, lambda item: item.unit_id == unit_id)


@when_deleted("endpoint")
def _remove_member(world: World, endpoint_id: str) -> None:
    for item in DEVICE_GROUPS.stored(world).values():
        item.body["memberDevices"] = [each for each in item.body["memberDevices"] if each["id"] != endpoint_id]
