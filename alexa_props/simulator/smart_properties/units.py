"""Units: the tree of properties, floors and rooms."""

from __future__ import annotations

from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import delete_dependents
from alexa_props.simulator.requests import body_object, known_unit, name_text, name_value, page
from alexa_props.simulator.requests import whole_parameter as whole
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.smart_properties.address_books import has_address_books
from alexa_props.simulator.smart_properties.skills import require_subscription
from alexa_props.simulator.tree import Unit

UNITS = "/v2/units"
UNIT = "/v2/units/{unitId}"

# The page size of Amazon's own tool.
MOST_UNITS = 50
MOST_LEVELS = 15


def _unit(unit: Unit) -> Json:
    body: dict[str, Json] = {"id": unit.id, "name": name_value(unit.name), "level": unit.level}
    return body if unit.parent_id is None else {**body, "parentId": unit.parent_id}


def _only_id(unit: Unit) -> Json:
    return {"id": unit.id}


def _position(unit: Unit) -> int:
    return unit.position


@route("units.list", "GET", UNITS)
def list_units(context: Context) -> Response:
    """List the units below a parent by level, followed by those that were created later."""
    query = context.query
    if not query.get("parentId"):
        raise Problem(400, "The parameter parentId is missing.")
    expands = query.getlist("expand")
    if any(expand != "all" for expand in expands):
        raise Problem(400, "expand must be all.")
    wanted = query.get("queryDepth", "1")
    depth = None if wanted == "all" else whole(wanted, "queryDepth", MOST_LEVELS)
    parent = known_unit(context, query["parentId"])
    units = context.service.tree.descendants(parent, depth)
    render, key = _unit if expands else _only_id, (parent.id, depth, bool(expands))
    return page(context, units, render, query=key, most=MOST_UNITS, mark=_position)


@route("units.get", "GET", UNIT)
def get_unit(context: Context) -> Response:
    """Return a unit, always in full."""
    return json_response(_unit(known_unit(context, context.params["unitId"])))


@route("units.create", "POST", UNITS)
def create_unit(context: Context) -> Response:
    """Create a unit below a parent: 201 and its id. A request that is sent twice creates two units.

    Below a property, its subscription must have taken effect. Inferred: there may be 15 levels below the organization.
    """
    body = body_object(context)
    name, parent_id = name_text(body.get("name")), body.get("parentId")
    if not isinstance(parent_id, str) or not parent_id:
        raise Problem(400, "parentId is required, and must be a string.")
    parent = known_unit(context, parent_id)
    if parent.level >= MOST_LEVELS:
        raise Problem(400, f"There are at most {MOST_LEVELS} levels of units.")
    require_subscription(context, parent)
    return json_response(_only_id(context.service.tree.create_unit(parent, name, context.effective_from)), 201)


@route("units.update", "PUT", UNIT)
def update_unit(context: Context) -> Response:
    """Rename a unit. A parent in the body is ignored: it is not known whether a unit can be moved."""
    unit = known_unit(context, context.params["unitId"])
    unit.name = name_text(body_object(context).get("name"))
    return no_content()


@route("units.delete", "DELETE", UNIT)
def delete_unit(context: Context) -> Response:
    """Delete a unit that has no units below it and uses no address book, and what was made for it.

    Inferred: its endpoints move to the account's default unit and keep their settings, and the organization cannot be
    deleted.
    """
    remove_unit(context, context.params["unitId"])
    return no_content()


def remove_unit(context: Context, unit_id: str) -> None:
    """Delete a unit that exists, is not the organization, has no units below it, and uses no address book."""
    unit = known_unit(context, unit_id)
    if unit.parent_id is None:
        raise Problem(400, "The organization cannot be deleted.")
    if unit.children:
        raise Problem(400, "The unit has other units below it: delete those first.")
    if has_address_books(context.service, unit.id):
        raise Problem(400, "The unit is associated with address books: delete the associations first.")
    delete_dependents(context.service, "unit", unit.id)
    context.service.tree.delete_unit(unit)
