"""Smart Properties: the checks that all calls share, default stations, units and endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from alexa_props.simulator.alerts import delete_alarms, delete_reminders, delete_timers
from alexa_props.simulator.answers import Answer, Json, json_answer, no_content
from alexa_props.simulator.checks import digits, whole
from alexa_props.simulator.exchange import Exchange, Handler
from alexa_props.simulator.paging import TokenRefused
from alexa_props.simulator.service import Service
from alexa_props.simulator.state import Endpoint, Station, Unit

__all__ = ["HANDLERS", "authorize"]

T = TypeVar("T")

# What Amazon's own tool asks for; of endpoints its pages allow no more than usual.
MOST_UNITS = 50
MOST_ENDPOINTS = 10
DEFAULT_RESULTS = 10
MOST_LEVELS = 15

_CALLER = "~caller"
_DEFAULT_UNIT = "~caller.defaultUnitId"
_REACHABILITY = "features[name:connectivity].properties[name:reachability].value.value"
_CONNECTIVITY = "feature:connectivity"
_ONE_OF = ("owner", "associatedUnits.id", "serialNumber.value.text", "connections.macAddress")
_FIELDS = (
    *_ONE_OF,
    _REACHABILITY,
    "manufacturer.value.text",
    "model.value.text",
    "friendlyName.value.text",
    "softwareVersion.value.text",
)


class BadRequest(ValueError):
    """A parameter makes no sense."""


def authorize(exchange: Exchange) -> Answer | None:
    """Checks the access token; the answer that refuses it, or None when it is good."""
    header = exchange.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token:
        exchange.authorization = "Bearer"
    elif exchange.dialect == "alerts" and header and not token:
        # The one group of calls that also takes the token all by itself.
        exchange.authorization, token = "bare", header
    else:
        return exchange.problem(401, "The Authorization header holds no bearer token.")
    if not exchange.service.login.accepts(token.strip()):
        return exchange.problem(401, "The access token is invalid or expired.")
    return None


def _name(text: str) -> Json:
    return {"type": "PLAIN", "value": {"text": text}}


def _whole(value: object, name: str, most: int) -> int:
    try:
        return whole(name, digits(name, value) if isinstance(value, str) else value, 1, most)
    except (TypeError, ValueError):
        raise BadRequest(f"{name} is a whole number from 1 to {most}.") from None


def _page(
    exchange: Exchange,
    *,
    query: object,
    items: Sequence[T],
    most: int,
    size: object,
    token: object,
    render: Callable[[T], Json],
) -> Answer:
    service = exchange.service
    number = DEFAULT_RESULTS if size is None else _whole(size, "maxResults", most)
    if token is not None and not isinstance(token, str):
        raise BadRequest("nextToken is a string.")
    key = (exchange.operation, query)
    try:
        position = service.pagination.locate(key, token)
    except TokenRefused as refused:
        raise BadRequest(f"nextToken: {refused}.") from None
    page = service.pagination.cut(key, position, items, number)
    body: dict[str, Json] = {"results": [render(item) for item in page.items]}
    if page.next_token is not None:
        body["paginationContext"] = {"nextToken": page.next_token}
    elif service.end_of_list != "absent":
        body["paginationContext"] = {"nextToken": None if service.end_of_list == "null" else ""}
    return json_answer(body)


def _strict(handler: Handler) -> Handler:
    def answer(exchange: Exchange) -> Answer:
        try:
            return handler(exchange)
        except BadRequest as error:
            return exchange.problem(400, str(error))

    return answer


def _object(exchange: Exchange) -> Mapping[str, object]:
    if not isinstance(exchange.json, dict):
        raise BadRequest("The body is not a JSON object.")
    return exchange.json


# Default stations.


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
    body = _object(exchange)
    provider, station = body.get("providerId"), body.get("stationId")
    if not (isinstance(provider, str) and provider and isinstance(station, str) and station):
        raise BadRequest("providerId and stationId are strings, and both are required.")
    unit.station = Station(provider, station)
    return no_content()


# Units.


def _unit(unit: Unit) -> Json:
    body: dict[str, Json] = {"id": unit.id, "name": _name(unit.name), "level": unit.level}
    return body if unit.parent_id is None else {**body, "parentId": unit.parent_id}


def _only_id(thing: Unit | Endpoint) -> Json:
    return {"id": thing.id}


def _known_unit(exchange: Exchange, unit_id: str) -> Unit | Answer:
    if unit_id in exchange.service.forbidden_units:
        return exchange.problem(403, "The caller has no permission for this unit.")
    return exchange.service.tree.units.get(unit_id) or exchange.problem(404, "There is no such unit.")


def get_unit(exchange: Exchange) -> Answer:
    """One unit, always in full."""
    unit = _known_unit(exchange, exchange.unit_id or "")
    return unit if isinstance(unit, Answer) else json_answer(_unit(unit))


def list_units(exchange: Exchange) -> Answer:
    """The units below a parent, level by level."""
    query = exchange.query
    if not query.get("parentId"):
        raise BadRequest("The parameter parentId is missing.")
    expands = query.getlist("expand")
    if any(expand != "all" for expand in expands):
        raise BadRequest("expand may be nothing but all.")
    wanted = query.get("queryDepth", "1")
    depth = None if wanted == "all" else _whole(wanted, "queryDepth", MOST_LEVELS)
    parent = _known_unit(exchange, query["parentId"])
    if isinstance(parent, Answer):
        return parent
    units = exchange.service.tree.below(parent, depth)
    key = (parent.id, depth, bool(expands))
    size, token = query.get("maxResults"), query.get("nextToken")
    render = _unit if expands else _only_id
    return _page(exchange, query=key, items=units, most=MOST_UNITS, size=size, token=token, render=render)


# Endpoints.


def _reachability(service: Service, endpoint: Endpoint) -> str:
    return "UNREACHABLE" if endpoint.id in service.offline_endpoints else "OK"


def _reachability_property(service: Service, endpoint: Endpoint) -> Json:
    sampled = datetime.fromtimestamp(service.epoch(), UTC).isoformat(timespec="milliseconds")
    value = {"value": _reachability(service, endpoint)}
    return {"name": "reachability", "value": value, "timeOfSample": sampled.replace("+00:00", "Z")}


def _rendering(service: Service, expands: Iterable[object]) -> Callable[[Endpoint], Json]:
    expands = list(expands)
    if not all(each == "all" or (isinstance(each, str) and each.startswith("feature:")) for each in expands):
        raise BadRequest("expand may be all or the name of a feature.")

    def render(endpoint: Endpoint) -> Json:
        body: dict[str, Json] = {"id": endpoint.id}
        if "all" in expands:
            body |= {
                "friendlyName": _name(endpoint.name),
                "manufacturer": _name("Amazon"),
                "model": _name(endpoint.model),
                "serialNumber": _name(endpoint.serial_number),
                "softwareVersion": _name(endpoint.software_version),
                "connections": [{"macAddress": endpoint.mac_address}],
                "associatedUnits": [{"id": endpoint.unit_id}] if endpoint.unit_id else [],
            }
        if _CONNECTIVITY in expands:
            reachability = _reachability_property(service, endpoint)
            body["features"] = [{"name": "connectivity", "properties": [reachability]}]
        return body

    return render


def _known_endpoint(exchange: Exchange) -> Endpoint | Answer:
    endpoint = exchange.service.tree.endpoints.get(exchange.endpoint_id or "")
    if endpoint is None:
        return exchange.problem(404, "There is no such endpoint.")
    if endpoint.unit_id in exchange.service.forbidden_units:
        return exchange.problem(403, "The caller has no permission for the unit of this endpoint.")
    return endpoint


def get_endpoint(exchange: Exchange) -> Answer:
    """One endpoint; without `expand` no more than its id."""
    render = _rendering(exchange.service, exchange.query.getlist("expand"))
    endpoint = _known_endpoint(exchange)
    return endpoint if isinstance(endpoint, Answer) else json_answer(render(endpoint))


def get_connectivity(exchange: Exchange) -> Answer:
    """Whether an endpoint can be reached."""
    endpoint = _known_endpoint(exchange)
    if isinstance(endpoint, Answer):
        return endpoint
    return json_answer({"properties": [_reachability_property(exchange.service, endpoint)]})


def _matches(service: Service, endpoint: Endpoint, field: str, value: str) -> bool:
    match field:
        case "owner":
            return value == _CALLER and (service.caller_scope == "all" or endpoint.unit_id is None)
        case "associatedUnits.id":
            return endpoint.unit_id == (None if value == _DEFAULT_UNIT else value)
        case "connections.macAddress":
            return endpoint.mac_address == value.upper()
        case "serialNumber.value.text":
            return endpoint.serial_number == value
        case "manufacturer.value.text":
            return value == "Amazon"
        case "model.value.text":
            return endpoint.model == value
        case "friendlyName.value.text":
            return endpoint.name == value
        case "softwareVersion.value.text":
            return endpoint.software_version == value
        case _:
            return _reachability(service, endpoint) == value


def _candidates(service: Service, field: str, value: str) -> Iterable[Endpoint] | None:
    """The endpoints that an index knows for a filter; None when there is no index for it."""
    tree = service.tree
    match field:
        case "associatedUnits.id":
            unit = tree.units.get(value)
            return tree.unassigned if value == _DEFAULT_UNIT else unit.endpoints if unit else ()
        case "serialNumber.value.text":
            found = tree.by_serial_number.get(value)
        case "connections.macAddress":
            found = tree.by_mac_address.get(value.upper())
        case _:
            return None
    return () if found is None else (found,)


def _all_of(service: Service, filters: Mapping[str, str]) -> list[Endpoint]:
    indexed = (_candidates(service, field, value) for field, value in filters.items())
    start = next((found for found in indexed if found is not None), service.tree.fleet)
    return [each for each in start if all(_matches(service, each, field, value) for field, value in filters.items())]


def list_endpoints(exchange: Exchange) -> Answer:
    """The endpoints of the caller, of a unit, or of one serial number or MAC address."""
    query, service = exchange.query, exchange.service
    filters = {name: query[name] for name in (*_ONE_OF, _REACHABILITY) if query.get(name)}
    if not any(name in filters for name in _ONE_OF):
        raise BadRequest(f"One of these parameters is required: {', '.join(_ONE_OF)}.")
    if filters.get("owner", _CALLER) != _CALLER:
        raise BadRequest("owner may be nothing but ~caller.")
    if filters.get("associatedUnits.id") in service.forbidden_units:
        return exchange.problem(403, "The caller has no permission for this unit.")
    expands = query.getlist("expand")
    render = _rendering(service, expands)
    if list(filters) == ["owner"]:
        # The one listing of the whole fleet is not filtered anew for every page.
        tree = service.tree
        endpoints = tree.fleet if service.caller_scope == "all" else tree.unassigned
    else:
        endpoints = _all_of(service, filters)
    key = (tuple(sorted(filters.items())), tuple(sorted(expands)))
    size, token = query.get("maxResults"), query.get("nextToken")
    return _page(exchange, query=key, items=endpoints, most=MOST_ENDPOINTS, size=size, token=token, render=render)


def _found(service: Service, node: object, level: int = 1) -> dict[str, Endpoint]:
    """The endpoints that one node of a query means, by id."""
    if level > MOST_LEVELS:
        raise BadRequest(f"A query has at most {MOST_LEVELS} levels.")
    if not isinstance(node, dict) or len(node) != 1:
        raise BadRequest("A query is an object with one of and, or, match.")
    ((word, below),) = node.items()
    if word == "match":
        if not isinstance(below, dict) or not below or not all(isinstance(value, str) for value in below.values()):
            raise BadRequest("match is an object of fields and strings.")
        for field in below:
            if field not in _FIELDS:
                raise BadRequest(f"Endpoints cannot be found by {field!r}.")
        return {endpoint.id: endpoint for endpoint in _all_of(service, below)}
    if word not in ("and", "or") or not isinstance(below, list) or not below:
        raise BadRequest("A query is made of and, or (a list of queries each) and match.")
    found = [_found(service, each, level + 1) for each in below]
    if word == "and":
        return {key: value for key, value in found[0].items() if all(key in other for other in found[1:])}
    either: dict[str, Endpoint] = {}
    for each in found:
        either |= each
    return either


def query_endpoints(exchange: Exchange) -> Answer:
    """The endpoints that a query of and, or, match means."""
    body = _object(exchange)
    expands, context = body.get("expand"), body.get("paginationContext")
    expands, context = [] if expands is None else expands, {} if context is None else context
    if not isinstance(expands, list) or not isinstance(context, dict):
        raise BadRequest("expand is a list, and paginationContext an object.")
    render = _rendering(exchange.service, expands)
    found = list(_found(exchange.service, body.get("query")).values())
    key = json.dumps([body.get("query"), sorted(expands)], sort_keys=True)
    size, token = context.get("maxResults"), context.get("nextToken")
    return _page(exchange, query=key, items=found, most=MOST_ENDPOINTS, size=size, token=token, render=render)


HANDLERS: dict[str, Handler] = {
    "unit_settings.get_default_music_station": get_station,
    "unit_settings.set_default_music_station": _strict(set_station),
    "alerts.delete_alarms": delete_alarms,
    "alerts.delete_timers": delete_timers,
    "alerts.delete_reminders": delete_reminders,
    "units.list": _strict(list_units),
    "units.get": get_unit,
    "endpoints.list": _strict(list_endpoints),
    "endpoints.get": _strict(get_endpoint),
    "endpoints.connectivity": get_connectivity,
    "endpoints.query": _strict(query_endpoints),
}
