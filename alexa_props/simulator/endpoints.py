"""Endpoints: one, listed, found by a query, and whether they can be reached."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from alexa_props.simulator.context import Exchange
from alexa_props.simulator.requests import BadRequest, body_object, feature_property, known_endpoint, name_value, page
from alexa_props.simulator.responses import Answer, Json, json_answer
from alexa_props.simulator.service import Service
from alexa_props.simulator.state import Endpoint

__all__ = ["get_connectivity", "get_endpoint", "list_endpoints", "query_endpoints"]

# Amazon's pages allow no more of them than usual.
MOST_ENDPOINTS = 10
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


def _reachability(service: Service, endpoint: Endpoint) -> str:
    return "UNREACHABLE" if endpoint.id in service.offline_endpoints else "OK"


def _reachability_property(service: Service, endpoint: Endpoint) -> Json:
    return feature_property(service, "reachability", _reachability(service, endpoint))


def _rendering(service: Service, expands: Iterable[object]) -> Callable[[Endpoint], Json]:
    expands = list(expands)
    if not all(each == "all" or (isinstance(each, str) and each.startswith("feature:")) for each in expands):
        raise BadRequest("expand may be all or the name of a feature.")

    def render(endpoint: Endpoint) -> Json:
        body: dict[str, Json] = {"id": endpoint.id}
        if "all" in expands:
            body |= {
                "friendlyName": name_value(endpoint.name),
                "manufacturer": name_value("Amazon"),
                "model": name_value(endpoint.model),
                "serialNumber": name_value(endpoint.serial_number),
                "softwareVersion": name_value(endpoint.software_version),
                "connections": [{"macAddress": endpoint.mac_address}],
                "associatedUnits": [{"id": endpoint.unit_id}] if endpoint.unit_id else [],
            }
        if _CONNECTIVITY in expands:
            reachability = _reachability_property(service, endpoint)
            body["features"] = [{"name": "connectivity", "properties": [reachability]}]
        return body

    return render


def get_endpoint(exchange: Exchange) -> Answer:
    """One endpoint; without `expand` no more than its id."""
    render = _rendering(exchange.service, exchange.query.getlist("expand"))
    endpoint = known_endpoint(exchange)
    return endpoint if isinstance(endpoint, Answer) else json_answer(render(endpoint))


def get_connectivity(exchange: Exchange) -> Answer:
    """Whether an endpoint can be reached."""
    endpoint = known_endpoint(exchange)
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
    return page(exchange, query=key, items=endpoints, most=MOST_ENDPOINTS, size=size, token=token, render=render)


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
    body = body_object(exchange)
    expands, context = body.get("expand"), body.get("paginationContext")
    expands, context = [] if expands is None else expands, {} if context is None else context
    if not isinstance(expands, list) or not isinstance(context, dict):
        raise BadRequest("expand is a list, and paginationContext an object.")
    render = _rendering(exchange.service, expands)
    found = list(_found(exchange.service, body.get("query")).values())
    key = json.dumps([body.get("query"), sorted(expands)], sort_keys=True)
    size, token = context.get("maxResults"), context.get("nextToken")
    return page(exchange, query=key, items=found, most=MOST_ENDPOINTS, size=size, token=token, render=render)
