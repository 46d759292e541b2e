"""What handlers of Smart Properties share: reading requests, devices that are out of reach, and pages.

Whatever is wrong with a request is raised as a `Problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from alexa_props.simulator.checks import digits, whole
from alexa_props.simulator.context import Context
from alexa_props.simulator.paging import TokenRefused
from alexa_props.simulator.responses import Json, Problem, Response, json_response
from alexa_props.simulator.service import Service
from alexa_props.simulator.tree import Endpoint, Unit

__all__ = [
    "UNREACHABLE_CODES",
    "body_object",
    "device_failure",
    "feature_property",
    "is_offline",
    "known_endpoint",
    "known_unit",
    "name_text",
    "name_value",
    "page",
    "require_permission",
    "require_reachable",
    "whole_parameter",
]

T = TypeVar("T")
DEFAULT_RESULTS = 10

UNREACHABLE_CODES = frozenset({"DEVICE_NOT_REACHABLE", "DEVICE_UNREACHABLE"})
"""Amazon's pages use both spellings."""


def body_object(context: Context) -> Mapping[str, object]:
    """Return the body, which must be a JSON object."""
    if not isinstance(context.json, dict):
        raise Problem(400, "The body must be a JSON object.")
    return context.json


def whole_parameter(value: object, name: str, most: int) -> int:
    """Return a whole number from 1, sent as a number or as its digits."""
    try:
        return whole(name, digits(name, value) if isinstance(value, str) else value, 1, most)
    except (TypeError, ValueError):
        raise Problem(400, f"{name} must be a whole number from 1 to {most}.") from None


def name_value(text: str) -> Json:
    """Return a name in the service's form."""
    return {"type": "PLAIN", "value": {"text": text}}


def name_text(value: object) -> str:
    """Return the text of a name in the service's form. It must not be empty."""
    if isinstance(value, dict) and value.get("type") == "PLAIN" and isinstance(value.get("value"), dict):
        text = value["value"].get("text")
        if isinstance(text, str) and text:
            return text
    raise Problem(400, 'name must be {"type": "PLAIN", "value": {"text": …}} with a text that is not empty.')


def require_permission(context: Context, unit_id: str | None) -> None:
    """Check that the caller has permission for a unit. Endpoints in no unit need none."""
    if unit_id in context.service.forbidden_units:
        raise Problem(403, "The caller has no permission for this unit.")


def known_unit(context: Context, unit_id: str) -> Unit:
    """Return a unit that exists and that the caller has permission for."""
    require_permission(context, unit_id)
    unit = context.service.tree.units.get(unit_id)
    if unit is None:
        raise Problem(404, "There is no such unit.")
    return unit


def known_endpoint(context: Context, endpoint_id: str | None = None) -> Endpoint:
    """Return an endpoint, in a unit that the caller has permission for.

    Args:
        context: The request.
        endpoint_id: The endpoint; the one in the path if not given.
    """
    endpoint = context.service.tree.endpoints.get(endpoint_id or context.params.get("endpointId", ""))
    if endpoint is None:
        raise Problem(404, "There is no such endpoint.")
    require_permission(context, endpoint.unit_id)
    return endpoint


def is_offline(service: Service, endpoint: Endpoint) -> bool:
    """Return whether a device was taken offline, or reboots."""
    return endpoint.is_rebooting or endpoint.id in service.offline_endpoints


def device_failure(service: Service, endpoint: Endpoint, offline: str) -> tuple[str, str] | None:
    """Return why a device cannot respond (a code and a text), or None if it can.

    Args:
        service: The simulated service.
        endpoint: The device.
        offline: The code for a device that is offline.
    """
    code = service.failing_endpoints.get(endpoint.id)
    if code is not None:
        return code, "the device responded with an error"
    return (offline, "the device is offline") if is_offline(service, endpoint) else None


def require_reachable(context: Context, endpoint: Endpoint) -> None:
    """Check that a device can respond.

    If it is offline: 504 `DEVICE_UNREACHABLE`. Inferred: a device that is scripted to fail gives 504 if its code says
    that it is unreachable, and else 400, so that the error is final, as for alerts.
    """
    failure = device_failure(context.service, endpoint, "DEVICE_UNREACHABLE")
    if failure is not None:
        code, text = failure
        raise Problem(504 if code in UNREACHABLE_CODES else 400, f"The call failed: {text}.", code)


def feature_property(service: Service, name: str, value: Json) -> Json:
    """Return one property of a feature, in the form that the samples show for connectivity."""
    sampled = datetime.fromtimestamp(service.epoch(), UTC).isoformat(timespec="milliseconds")
    return {"name": name, "value": {"value": value}, "timeOfSample": sampled.replace("+00:00", "Z")}


def _page_asked_for(context: Context) -> tuple[object, object]:
    """Return page size and token: from the query of a GET, and from the body of a POST."""
    if context.method != "POST":
        return context.query.get("maxResults"), context.query.get("nextToken")
    paging = body_object(context).get("paginationContext")
    paging = {} if paging is None else paging
    if not isinstance(paging, dict):
        raise Problem(400, "paginationContext must be an object.")
    return paging.get("maxResults"), paging.get("nextToken")


def page(
    context: Context,
    items: Sequence[T],
    render: Callable[[T], Json],
    *,
    query: object,
    most: int,
    member: str = "results",
    mark: Callable[[T], int] | None = None,
) -> Response:
    """Return the page of a list that a request asks for.

    Args:
        context: The request.
        items: The whole list.
        render: Returns an item as JSON.
        query: Everything that the list depends on, except for the page size.
        most: The largest page.
        member: The name of the list in the response.
        mark: The position of an item, if the list may change between pages: see `Pagination.cut`.
    """
    service = context.service
    size, token = _page_asked_for(context)
    number = DEFAULT_RESULTS if size is None else whole_parameter(size, "maxResults", most)
    if token is not None and not isinstance(token, str):
        raise Problem(400, "nextToken must be a string.")
    # A client may send back the empty token that ended a list.
    token = token or None
    key = (context.operation, query)
    try:
        position = service.pagination.locate(key, token)
    except TokenRefused as refused:
        raise Problem(400, f"nextToken: {refused}.") from None
    found = service.pagination.cut(key, position, items, number, mark)
    body: dict[str, Json] = {member: [render(item) for item in found.items]}
    if found.next_token is not None:
        body["paginationContext"] = {"nextToken": found.next_token}
    elif service.end_of_list != "absent":
        body["paginationContext"] = {"nextToken": None if service.end_of_list == "null" else ""}
    return json_response(body)
