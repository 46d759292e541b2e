"""Units and their default stations."""

from __future__ import annotations

from alexa_props.simulator.context import Exchange
from alexa_props.simulator.requests import BadRequest, body_object, known_unit, name_text, name_value, page
from alexa_props.simulator.requests import whole_parameter as whole
from alexa_props.simulator.responses import Answer, Json, json_answer, no_content
from alexa_props.simulator.state import Station, Unit

__all__ = ["create_unit", "delete_unit", "get_station", "get_unit", "list_units", "set_station", "update_unit"]

# What Amazon's own tool asks for.
MOST_UNITS = 50
MOST_LEVELS = 15


def _settings_unit(exchange: Exchange) -> Unit | Answer:
    unit = exchange.service.tree.units.get(exchange.unit_id or "")
    if unit is None or unit.id in exchange.service.forbidden_units:
        # The status table of these calls has no 404: a unit that is unknown is one that is not permitted.
        return exchange.problem(403, "The caller has no permission for this unit.")
    return unit


def get_station(exchange: Exchange) -> Answer:
    """The default station of a unit: 204 when it has none."""
    unit = _settings_unit(exchange)
    if isinstance(unit, Answer):
        return unit
    if unit.station is None:
        return no_content()
    return json_answer({"providerId": unit.station.provider_id, "stationId": unit.station.station_id})


def set_station(exchange: Exchange) -> Answer:
    """Sets the default station of a unit."""
    unit = _settings_unit(exchange)
    if isinstance(unit, Answer):
        return unit
    body = body_object(exchange)
    provider, station = body.get("providerId"), body.get("stationId")
    if not (isinstance(provider, str) and provider and isinstance(station, str) and station):
        raise BadRequest("providerId and stationId are strings, and both are required.")
    unit.station = Station(provider, station)
    return no_content()


def _unit(unit: Unit) -> Json:
    body: dict[str, Json] = {"id": unit.id, "name": name_value(unit.name), "level": unit.level}
    return body if unit.parent_id is None else {**body, "parentId": unit.parent_id}


def _only_id(unit: Unit) -> Json:
    return {"id": unit.id}


def _place(unit: Unit) -> int:
    return unit.place


def get_unit(exchange: Exchange) -> Answer:
    """One unit, always in full."""
    unit = known_unit(exchange, exchange.unit_id or "")
    return unit if isinstance(unit, Answer) else json_answer(_unit(unit))


def list_units(exchange: Exchange) -> Answer:
    """The units below a parent, level by level, with those created since at the end."""
    query = exchange.query
    if not query.get("parentId"):
        raise BadRequest("The parameter parentId is missing.")
    expands = query.getlist("expand")
    if any(expand != "all" for expand in expands):
        raise BadRequest("expand may be nothing but all.")
    wanted = query.get("queryDepth", "1")
    depth = None if wanted == "all" else whole(wanted, "queryDepth", MOST_LEVELS)
    parent = known_unit(exchange, query["parentId"])
    if isinstance(parent, Answer):
        return parent
    units = exchange.service.tree.below(parent, depth)
    key = (parent.id, depth, bool(expands))
    size, token = query.get("maxResults"), query.get("nextToken")
    render = _unit if expands else _only_id
    return page(exchange, query=key, items=units, most=MOST_UNITS, size=size, token=token, render=render, mark=_place)


def create_unit(exchange: Exchange) -> Answer:
    """A new unit below a parent: 201 and its id.

    There may be 15 levels below the organization (that the organization itself does not count is inferred). Every
    property has the subscription that units below it need. Of one call that is sent twice come two units.
    """
    body = body_object(exchange)
    name, parent_id = name_text(body.get("name")), body.get("parentId")
    if not isinstance(parent_id, str) or not parent_id:
        raise BadRequest("parentId is a string, and it is required.")
    parent = known_unit(exchange, parent_id)
    if isinstance(parent, Answer):
        return parent
    if parent.level >= MOST_LEVELS:
        raise BadRequest(f"There are at most {MOST_LEVELS} levels of units.")
    return json_answer(_only_id(exchange.service.tree.create_unit(parent, name)), 201)


def update_unit(exchange: Exchange) -> Answer:
    """Renames a unit; a parent in the body is not looked at: that a unit can be moved is not known."""
    unit = known_unit(exchange, exchange.unit_id or "")
    if isinstance(unit, Answer):
        return unit
    unit.name = name_text(body_object(exchange).get("name"))
    return no_content()


def delete_unit(exchange: Exchange) -> Answer:
    """Deletes a unit that has no units below it.

    Inferred: endpoints that are still in it go to the account's default unit and keep what they are set to, and the
    organization cannot be deleted.
    """
    unit = known_unit(exchange, exchange.unit_id or "")
    if isinstance(unit, Answer):
        return unit
    if unit.parent_id is None:
        raise BadRequest("The organization cannot be deleted.")
    if unit.children:
        raise BadRequest("The unit has other units below it: delete those first.")
    exchange.service.tree.delete_unit(unit)
    return no_content()
