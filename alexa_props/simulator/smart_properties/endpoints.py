"""Endpoints: get, list, query, move, rename and remove them, and whether they can be reached."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import delete_dependents
from alexa_props.simulator.requests import (
    body_object,
    feature_property,
    is_offline,
    known_endpoint,
    known_unit,
    name_text,
    name_value,
    page,
    require_permission,
    require_reachable,
)
from alexa_props.simulator.responses import Json, Problem, Response, accepted, json_response
from alexa_props.simulator.routes import route
from alexa_props.simulator.service import Service
from alexa_props.simulator.smart_properties.skills import require_subscription
from alexa_props.simulator.tree import Endpoint

ENDPOINTS = "/v2/endpoints"
ENDPOINT = "/v2/endpoints/{endpointId}"

# The page limit of Amazon's documentation.
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
    return "UNREACHABLE" if is_offline(service, endpoint) else "OK"


def _position(endpoint: Endpoint) -> int:
    return endpoint.position


def _reachability_property(service: Service, endpoint: Endpoint) -> Json:
    return feature_property(service, "reachability", _reachability(service, endpoint))


def _renderer(service: Service, expands: Sequence[object]) -> Callable[[Endpoint], Json]:
    if not all(each == "all" or (isinstance(each, str) and each.startswith("feature:")) for each in expands):
        raise Problem(400, "expand must be all or the name of a feature.")

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


def _indexed(service: Service, field: str, value: str) -> Iterable[Endpoint] | None:
    """Return the endpoints that an index has for a filter, or None if there is no index for it."""
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


def _find(service: Service, filters: Mapping[str, str]) -> list[Endpoint]:
    indexed = (_indexed(service, field, value) for field, value in filters.items())
    candidates = next((found for found in indexed if found is not None), service.tree.fleet)
    return [
        each for each in candidates if all(_matches(service, each, field, value) for field, value in filters.items())
    ]


@route("endpoints.list", "GET", ENDPOINTS)
def list_endpoints(context: Context) -> Response:
    """List the endpoints of the caller, of a unit, or of one serial number or MAC address."""
    query, service = context.query, context.service
    filters = {name: query[name] for name in (*_ONE_OF, _REACHABILITY) if query.get(name)}
    if not any(name in filters for name in _ONE_OF):
        raise Problem(400, f"One of these parameters is required: {', '.join(_ONE_OF)}.")
    if filters.get("owner", _CALLER) != _CALLER:
        raise Problem(400, "owner must be ~caller.")
    require_permission(context, filters.get("associatedUnits.id"))
    expands = query.getlist("expand")
    render = _renderer(service, expands)
    if list(filters) == ["owner"]:
        # The whole fleet is not filtered again for every page.
        tree = service.tree
        endpoints = tree.fleet if service.caller_scope == "all" else tree.unassigned
    else:
        endpoints = _find(service, filters)
    key = (tuple(sorted(filters.items())), tuple(sorted(expands)))
    return page(context, endpoints, render, query=key, most=MOST_ENDPOINTS, mark=_position)


@route("endpoints.get", "GET", ENDPOINT)
def get_endpoint(context: Context) -> Response:
    """Return an endpoint; only its id if there is no `expand`."""
    render = _renderer(context.service, context.query.getlist("expand"))
    return json_response(render(known_endpoint(context)))


@route("endpoints.connectivity", "GET", f"{ENDPOINT}/features/connectivity")
def get_connectivity(context: Context) -> Response:
    """Return whether an endpoint can be reached."""
    return json_response({"properties": [_reachability_property(context.service, known_endpoint(context))]})


def _query(context: Context, node: object, level: int = 1) -> dict[str, Endpoint]:
    """Return the endpoints that match one node of a query, by id."""
    if level > MOST_LEVELS:
        raise Problem(400, f"A query has at most {MOST_LEVELS} levels.")
    if not isinstance(node, dict) or len(node) != 1:
        raise Problem(400, "A query must be an object with one of and, or, match.")
    ((operator, operand),) = node.items()
    if operator == "match":
        if not isinstance(operand, dict) or not operand or not all(isinstance(each, str) for each in operand.values()):
            raise Problem(400, "match must be an object of fields and strings.")
        for field in operand:
            if field not in _FIELDS:
                raise Problem(400, f"Endpoints have no field {field!r} to match.")
        require_permission(context, operand.get("associatedUnits.id"))
        return {endpoint.id: endpoint for endpoint in _find(context.service, operand)}
    if operator not in ("and", "or") or not isinstance(operand, list) or not operand:
        raise Problem(400, "A query consists of and, or (each a list of queries) and match.")
    found = [_query(context, each, level + 1) for each in operand]
    if operator == "and":
        return {key: value for key, value in found[0].items() if all(key in other for other in found[1:])}
    either: dict[str, Endpoint] = {}
    for each in found:
        either |= each
    return either


@route("endpoints.query", "POST", "/v2/endpointQuery")
def query_endpoints(context: Context) -> Response:
    """List the endpoints that match a query of and, or, match, in their usual order."""
    body = body_object(context)
    expands = body.get("expand")
    expands = [] if expands is None else expands
    if not isinstance(expands, list):
        raise Problem(400, "expand must be a list.")
    render = _renderer(context.service, expands)
    found = sorted(_query(context, body.get("query")).values(), key=_position)
    key = json.dumps([body.get("query"), sorted(expands)], sort_keys=True)
    return page(context, found, render, query=key, most=MOST_ENDPOINTS, mark=_position)


def _target(context: Context) -> str | None:
    """Return the unit that an endpoint is moved to; None for the default unit of the account."""
    match context.json:
        case [{"id": str(unit_id)}] if unit_id:
            if unit_id == _DEFAULT_UNIT:
                return None
            unit = known_unit(context, unit_id)
            require_subscription(context, unit)
            return unit.id
    raise Problem(400, "The body must be a list of one unit with its id.")


def _arrive(service: Service, endpoint: Endpoint, unit_id: str | None, new_id: str) -> None:
    tree, old_id = service.tree, endpoint.id
    if tree.endpoints.get(old_id) is not endpoint:
        # It was forgotten meanwhile.
        return
    if unit_id != endpoint.unit_id:
        delete_dependents(service, "endpoint", old_id)
    endpoint.is_rebooting = False
    endpoint.wipe()
    tree.move_endpoint(endpoint, unit_id if unit_id in tree.units else None, new_id)
    if old_id in service.offline_endpoints:
        service.offline_endpoints.remove(old_id)
        service.offline_endpoints.add(new_id)
    if old_id in service.failing_endpoints:
        service.failing_endpoints[new_id] = service.failing_endpoints.pop(old_id)


@route("endpoints.associate", "PUT", f"{ENDPOINT}/associatedUnits")
def associate(context: Context) -> Response:
    """Move an endpoint to a unit, wipe its settings, and return its id from then on.

    Until the effect shows, the device is offline, has its old id and is listed where it was. It gets another id if it
    moves to another unit, unless `new_endpoint_ids` is False (inferred: the service may change it). It leaves device
    groups of the unit where it was (inferred).
    """
    service, endpoint, unit_id = context.service, known_endpoint(context), _target(context)
    require_reachable(context, endpoint)
    tree = service.tree
    moves = unit_id != endpoint.unit_id and service.new_endpoint_ids
    new_id = tree.new_endpoint_id() if moves else endpoint.id
    endpoint.is_rebooting = True
    tree.schedule(context.effective_from, functools.partial(_arrive, service, endpoint, unit_id, new_id))
    return json_response({"id": new_id})


@route("endpoints.rename", "POST", f"{ENDPOINT}/friendlyName")
def rename(context: Context) -> Response:
    """Rename an endpoint."""
    endpoint, name = known_endpoint(context), name_text(context.json)
    context.service.tree.schedule(context.effective_from, functools.partial(setattr, endpoint, "name", name))
    return accepted()


def _remove(service: Service, endpoint: Endpoint) -> None:
    if service.tree.endpoints.get(endpoint.id) is endpoint:
        delete_dependents(service, "endpoint", endpoint.id)
        service.tree.remove_endpoint(endpoint)
        service.offline_endpoints.discard(endpoint.id)
        service.failing_endpoints.pop(endpoint.id, None)


def _drop(context: Context, endpoint: Endpoint) -> Response:
    context.service.tree.schedule(context.effective_from, functools.partial(_remove, context.service, endpoint))
    return accepted()


@route("endpoints.deregister", "POST", f"{ENDPOINT}/deregister")
def deregister(context: Context) -> Response:
    """Remove an endpoint, which must be online."""
    endpoint = known_endpoint(context)
    require_reachable(context, endpoint)
    return _drop(context, endpoint)


@route("endpoints.forget", "POST", f"{ENDPOINT}/forget")
def forget(context: Context) -> Response:
    """Remove an endpoint. It may also be online: whether the service refuses that is not known."""
    return _drop(context, known_endpoint(context))
