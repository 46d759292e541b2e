"""Properties, room types and rooms of the hospitality API, version 1: the units of the first three levels.

Inferred: a list and a creation need a parent of the level above. A single unit is found whatever the path calls it,
since `/v2/units` has the same ids.
"""

from __future__ import annotations

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import known_unit, page
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import Route, register
from alexa_props.simulator.smart_properties.units import remove_unit
from alexa_props.simulator.tree import Unit

# The page size that integrators use.
MOST_UNITS = 50


def _unit(unit: Unit) -> Json:
    return {"id": unit.id, "name": unit.name}


def _parent(context: Context, parameter: str, unit_id: str, level: int) -> Unit:
    parent = known_unit(context, unit_id)
    if parent.level != level:
        raise Problem(400, f"{parameter} must be a unit of level {level}, not {parent.level}.")
    return parent


def serve(group: str, collection: str, one: str, parent: str, level: int) -> None:
    """Register the operations of one kind of unit.

    Args:
        group: The group of the operations.
        collection: The end of the path, and the member that holds the list.
        one: The path parameter that holds the id of one unit.
        parent: The parameter of lists and the member of creations that name the parent.
        level: The level of the parent.
    """
    path = f"/enterprise/hospitality/v1/{collection}"

    def list_units(context: Context) -> Response:
        if not context.query.get(parent):
            raise Problem(400, f"The parameter {parent} is missing.")
        above = _parent(context, parent, context.query[parent], level)
        units = context.service.tree.descendants(above, 1)
        return page(
            *(context, units, _unit),
            query=above.id,
            most=MOST_UNITS,
            member=collection,
            mark=lambda unit: unit.position,
        )

    def create(context: Context) -> Response:
        body = require_members(context.json, {"name": str, parent: str})
        above = _parent(context, parent, body[parent], level)
        unit = context.service.tree.create_unit(above, body["name"], context.effective_from)
        return json_response({"id": unit.id}, 201, (("location", f"{path}/{unit.id}"),))

    def get(context: Context) -> Response:
        return json_response(_unit(known_unit(context, context.params[one])))

    def update(context: Context) -> Response:
        unit = known_unit(context, context.params[one])
        unit.name = require_members(context.json, {"name": str})["name"]
        return no_content()

    def delete(context: Context) -> Response:
        remove_unit(context, context.params[one])
        return no_content()

    register(Route(f"{group}.list", "GET", path, list_units))
    register(Route(f"{group}.create", "POST", path, create))
    register(Route(f"{group}.get", "GET", f"{path}/{{{one}}}", get))
    register(Route(f"{group}.update", "PUT", f"{path}/{{{one}}}", update))
    register(Route(f"{group}.delete", "DELETE", f"{path}/{{{one}}}", delete))


serve("legacy_properties", "properties", "propertyId", "organizationId", 0)
serve("legacy_room_types", "roomTypes", "roomTypeId", "propertyId", 1)
serve("legacy_rooms", "rooms", "roomId", "roomTypeId", 2)
