"""What the calls of Smart Properties share: what a request names, devices out of reach, and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from alexa_props.simulator.checks import digits, whole
from alexa_props.simulator.context import Exchange, Handler
from alexa_props.simulator.paging import TokenRefused
from alexa_props.simulator.responses import Answer, Json, json_answer
from alexa_props.simulator.service import Service
from alexa_props.simulator.state import Endpoint, Unit

__all__ = [
    "UNREACHABLE_CODES",
    "BadRequest",
    "body_object",
    "device_failure",
    "feature_property",
    "known_endpoint",
    "known_unit",
    "name_text",
    "name_value",
    "page",
    "strict",
    "unreachable",
    "whole_parameter",
]

T = TypeVar("T")
DEFAULT_RESULTS = 10

UNREACHABLE_CODES = frozenset({"DEVICE_NOT_REACHABLE", "DEVICE_UNREACHABLE"})
"""The service's pages spell it both ways."""


class BadRequest(ValueError):
    """A parameter or a body makes no sense."""


def strict(handler: Handler) -> Handler:
    """A handler whose `BadRequest` becomes the answer 400."""

    def answer(exchange: Exchange) -> Answer:
        try:
            return handler(exchange)
        except BadRequest as error:
            return exchange.problem(400, str(error))

    return answer


def body_object(exchange: Exchange) -> Mapping[str, object]:
    """The body, which has to be a JSON object.

    Raises:
        BadRequest: It is none.
    """
    if not isinstance(exchange.json, dict):
        raise BadRequest("The body is not a JSON object.")
    return exchange.json


def whole_parameter(value: object, name: str, most: int) -> int:
    """A whole number from 1, sent as such or as its digits.

    Raises:
        BadRequest: It is no such number.
    """
    try:
        return whole(name, digits(name, value) if isinstance(value, str) else value, 1, most)
    except (TypeError, ValueError):
        raise BadRequest(f"{name} is a whole number from 1 to {most}.") from None


def name_value(text: str) -> Json:
    """A name as the service writes it."""
    return {"type": "PLAIN", "value": {"text": text}}


def name_text(value: object) -> str:
    """The text of a name as the service writes it.

    Raises:
        BadRequest: It is no such name, or an empty one.
    """
    if isinstance(value, dict) and value.get("type") == "PLAIN" and isinstance(value.get("value"), dict):
        text = value["value"].get("text")
        if isinstance(text, str) and text:
            return text
    raise BadRequest('name is {"type": "PLAIN", "value": {"text": …}}, and its text is not empty.')


def known_unit(exchange: Exchange, unit_id: str) -> Unit | Answer:
    """A unit, or the answer that there is none or that it is not permitted."""
    if unit_id in exchange.service.forbidden_units:
        return exchange.problem(403, "The caller has no permission for this unit.")
    return exchange.service.tree.units.get(unit_id) or exchange.problem(404, "There is no such unit.")


def known_endpoint(exchange: Exchange, endpoint_id: str | None = None) -> Endpoint | Answer:
    """The endpoint that a call is about, or the answer that there is none or that its unit is not permitted.

    Args:
        exchange: The call.
        endpoint_id: The endpoint, unless it is the one in the path.
    """
    endpoint = exchange.service.tree.endpoints.get(endpoint_id or exchange.endpoint_id or "")
    if endpoint is None:
        return exchange.problem(404, "There is no such endpoint.")
    if endpoint.unit_id in exchange.service.forbidden_units:
        return exchange.problem(403, "The caller has no permission for the unit of this endpoint.")
    return endpoint


def device_failure(service: Service, endpoint: Endpoint, offline: str) -> tuple[str, str] | None:
    """Why a device cannot be asked for anything: a code and a text; None when it can.

    Args:
        service: The simulated service.
        endpoint: The device.
        offline: The code of a device that is offline.
    """
    code = service.failing_endpoints.get(endpoint.id)
    if code is not None:
        return code, "the device answered with an error"
    return (offline, "the device is offline") if endpoint.id in service.offline_endpoints else None


def unreachable(exchange: Exchange, endpoint: Endpoint) -> Answer | None:
    """The answer of a call that needs a device which cannot be asked; None when it can.

    504 `DEVICE_UNREACHABLE` when it is offline. What a device that is scripted to fail answers is inferred: 504 with a
    code that says unreachable, else 400 with its code, so that it is final, as it is for alerts.
    """
    failure = device_failure(exchange.service, endpoint, "DEVICE_UNREACHABLE")
    if failure is None:
        return None
    code, text = failure
    return exchange.problem(504 if code in UNREACHABLE_CODES else 400, f"It did not work: {text}.", code)


def feature_property(service: Service, name: str, value: Json) -> Json:
    """One property of a feature, in the form that the samples show for connectivity."""
    sampled = datetime.fromtimestamp(service.epoch(), UTC).isoformat(timespec="milliseconds")
    return {"name": name, "value": {"value": value}, "timeOfSample": sampled.replace("+00:00", "Z")}


def page(
    exchange: Exchange,
    *,
    query: object,
    items: Sequence[T],
    most: int,
    size: object,
    token: object,
    render: Callable[[T], Json],
    member: str = "results",
    mark: Callable[[T], int] | None = None,
) -> Answer:
    """One page of a listing.

    Args:
        exchange: The call.
        query: All that the listing depends on, except for the page size.
        items: The whole listing.
        most: The largest page.
        size: The page size asked for, if any.
        token: The token sent, if any.
        render: How an item is written.
        member: What the list is called.
        mark: Where an item stands, in a listing that may change while it is read: see `Pagination.cut`.

    Raises:
        BadRequest: The size or the token makes no sense.
    """
    service = exchange.service
    number = DEFAULT_RESULTS if size is None else whole_parameter(size, "maxResults", most)
    if token is not None and not isinstance(token, str):
        raise BadRequest("nextToken is a string.")
    # A client may send back the empty token that ended a list.
    token = token or None
    key = (exchange.operation, query)
    try:
        position = service.pagination.locate(key, token)
    except TokenRefused as refused:
        raise BadRequest(f"nextToken: {refused}.") from None
    found = service.pagination.cut(key, position, items, number, mark)
    body: dict[str, Json] = {member: [render(item) for item in found.items]}
    if found.next_token is not None:
        body["paginationContext"] = {"nextToken": found.next_token}
    elif service.end_of_list != "absent":
        body["paginationContext"] = {"nextToken": None if service.end_of_list == "null" else ""}
    return json_answer(body)
