"""Subscriptions to events, and the configurations that say where they go. No event is ever sent.

Inferred: a creation with the token of an earlier one returns what that one created, whatever else it says.
Whether the skills and device groups of a subscription exist is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import when_deleted
from alexa_props.simulator.resources import Item, Resource, require_subject
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key
from alexa_props.simulator.subjects import members
from alexa_props.simulator.world import World

MOST_SECONDS = 10**9

_TOPIC = re.compile(r"arn:[\w-]+:sns:.+")
_UNIT = {"entities.unit": dict, "entities.unit.id": str, "entities.unit.type": str}
_PARENT = {"entities.unit.parent": dict, "entities.unit.parent.id": str, "entities.unit.parent.type": str}
_SKILL = {"entities.skill": dict, "entities.skill.id": str, "entities.skill.type": str}
_ROLE = {
    "entities.resource": dict,
    "entities.resource.resourceId": str,
    "entities.resource.type": str,
    "entities.resource.resourceType": str,
}
_GROUP = {"entities.group": dict, "entities.group.id": str, "entities.group.type": str}
_ACTIVITY = {"idempotencyToken": str, "eventHeaderVersion": str, "subscriptionDurationInSeconds": int}
_EVENTS: Final[Mapping[str, Mapping[str, type]]] = {
    "Alexa.Automation.Execution.Completion": _UNIT,
    "Alexa.Skill.Interaction.Failure": {**_UNIT, **_SKILL},
    "Alexa.Enterprise.Subscription.Activation": _PARENT,
    "Alexa.Role.Management.Assignment": _ROLE,
    "Alexa.Role.Management.Revocation": _ROLE,
    "Alexa.Endpoint.Lifecycle.SetupCompletion": _UNIT,
    "Alexa.Enterprise.Endpoint.Activity.*": {**_UNIT, **_ACTIVITY},
    "Alexa.Enterprise.Endpoint.*": _UNIT,
    "Alexa.Group.Management.*": _GROUP,
}
"""What a subscription to an event needs. Of some namespaces, the names are not documented."""
_TYPES: Final = {
    "entities.unit.type": "Unit",
    "entities.unit.parent.type": "Unit",
    "entities.skill.type": "Skill",
    "entities.resource.type": "Resource",
    "entities.resource.resourceType": "Unit",
    "entities.group.type": "AlexaGroup",
}
_PAIRS: Final = (
    ("entities.unit.id", "entities.unit.type"),
    ("entities.unit.parent.id", "entities.unit.parent.type"),
    ("eventType.namespace", "eventType.name"),
)
"""Filters of the list of subscriptions."""


def _configurations(_: World) -> Iterator[Mapping[str, Json]]:
    for name in ("events", "spare-events"):
        yield {"deliveryChannels": [{"type": "SNS", "id": f"arn:aws:sns:us-east-1:123456789012:{name}"}]}


def _subscriptions(world: World) -> Iterator[Mapping[str, Json]]:
    for room in world.tree.first_rooms[:1]:
        yield {
            "subscriptionConfigurationId": CONFIGURATIONS.ids(world)[0],
            "eventType": {"namespace": "Alexa.Automation.Execution", "name": "Completion"},
            "entities": {"unit": {"type": "Unit", "id": room.id}},
        }


CONFIGURATIONS = Resource(
    *("event_subscription_configurations", "/v1/eventMessenger/subscriptionConfigurations", "id"),
    prefix="amzn1.alexa.aem.subscription.configuration.",
    seeds=_configurations,
).serve(get="get")
SUBSCRIPTIONS = Resource(
    *("event_subscriptions", "/v1/eventMessenger/subscriptions", "id"),
    prefix="amzn1.alexa.aem.subscription.",
    seeds=_subscriptions,
)
_BY_TOKEN: Final[Key[dict[tuple[str, str], Item]]] = Key("items by idempotency token", lambda _: {})
_ENDS: Final[Key[dict[str, float]]] = Key("ends of event subscriptions", lambda _: {})
"""When subscriptions end, in epoch seconds."""


def _current(context: Context) -> dict[str, Item]:
    """Return the subscriptions that have not ended, and discard the others."""
    items, ends = SUBSCRIPTIONS.items(context), context.service.store[_ENDS]
    now = context.service.epoch()
    for id_ in [id_ for id_, end in ends.items() if end <= now]:
        del ends[id_]
        items.pop(id_, None)
    return items


def _created(context: Context, resource: Resource, items: Mapping[str, Item], body: dict[str, Any]) -> Item:
    """Store an item, or return the one that was created with the same token and still exists."""
    content = {name: value for name, value in body.items() if name != "idempotencyToken"}
    if "idempotencyToken" not in body:
        return resource.add(context, content)
    by_token, key = context.service.store[_BY_TOKEN], (resource.group, body["idempotencyToken"])
    if key not in by_token or by_token[key].id not in items:
        by_token[key] = resource.add(context, content)
    return by_token[key]


def _require_owner(context: Context, *allowed: str | None) -> None:
    if context.query.get("owner") not in allowed:
        raise Problem(400, "owner must be ~caller.")


@route("event_subscription_configurations.list", "GET", CONFIGURATIONS.path)
def list_configurations(context: Context) -> Response:
    """List all configurations."""
    _require_owner(context, "~caller")
    return CONFIGURATIONS.page(context, CONFIGURATIONS.items(context).values(), None)


@route("event_subscription_configurations.create", "POST", CONFIGURATIONS.path)
def create_configuration(context: Context) -> Response:
    """Create a configuration: 201 and all of it."""
    body = require_members(context.json, {"deliveryChannels": list}, {"idempotencyToken": str})
    for each in body["deliveryChannels"] or [None]:
        channel = require_members(each, {"type": str, "id": str})
        if channel["type"] != "SNS" or not _TOPIC.fullmatch(channel["id"]):
            raise Problem(400, "deliveryChannels must be a list of the type SNS, with the ARN of a topic as its id.")
    item = _created(context, CONFIGURATIONS, CONFIGURATIONS.items(context), body)
    return json_response(CONFIGURATIONS.render(item), 201)


@route("event_subscription_configurations.delete", "DELETE", f"{CONFIGURATIONS.path}/{{id}}")
def delete_configuration(context: Context) -> Response:
    """Delete a configuration. Inferred: it is refused while there are subscriptions that use it."""
    item = CONFIGURATIONS.find(context)
    if any(each.body["subscriptionConfigurationId"] == item.id for each in _current(context).values()):
        raise Problem(400, "The configuration has subscriptions: delete those first.")
    del CONFIGURATIONS.items(context)[item.id]
    return no_content()


@route("event_subscriptions.list", "GET", SUBSCRIPTIONS.path)
def list_subscriptions(context: Context) -> Response:
    """List the subscriptions that match all filters. A filter is a pair of parameters."""
    query = context.query
    _require_owner(context, "~caller", None)
    for first, second in _PAIRS:
        if (first in query) != (second in query):
            raise Problem(400, f"{first} and {second} must be sent together.")
        if second in query and query[second] != _TYPES.get(second, query[second]):
            raise Problem(400, f"{second} must be {_TYPES[second]}.")
    require_subject(context)
    wanted = {name: query[name] for pair in _PAIRS for name in pair if name in query}
    found = [
        item
        for item in _current(context).values()
        if all(value in members(item.body, name) for name, value in wanted.items())
    ]
    return SUBSCRIPTIONS.page(context, found, tuple(wanted.items()))


@route("event_subscriptions.create", "POST", SUBSCRIPTIONS.path)
def create_subscription(context: Context) -> Response:
    """Subscribe to an event: 201 and the subscription. It ends after its duration, on the simulator's clock `now`."""
    body = require_members(
        context.json,
        {"subscriptionConfigurationId": str, "eventType": dict, "eventType.namespace": str, "eventType.name": str},
        {"entities": dict, **_ACTIVITY},
    )
    namespace, name = body["eventType"]["namespace"], body["eventType"]["name"]
    needed = _EVENTS.get(f"{namespace}.{name}", _EVENTS.get(f"{namespace}.*"))
    if needed is None:
        raise Problem(400, f"There is no event {namespace}.{name}.")
    require_members(body, needed)
    if needed is _PARENT and "id" in body["entities"]["unit"]:
        raise Problem(400, "Of the unit, this event takes only its parent.")
    for member, kind in _TYPES.items():
        if any(value != kind for value in members(body, member)):
            raise Problem(400, f"{member} must be {kind}.")
    duration = body.get("subscriptionDurationInSeconds")
    if duration is not None and not 1 <= duration <= MOST_SECONDS:
        raise Problem(400, f"subscriptionDurationInSeconds must be from 1 to {MOST_SECONDS}.")
    require_subject(context)
    if body["subscriptionConfigurationId"] not in CONFIGURATIONS.items(context):
        raise Problem(404, "There is no configuration with this id.")
    item = _created(context, SUBSCRIPTIONS, _current(context), body)
    if duration is not None:
        context.service.store[_ENDS].setdefault(item.id, context.service.epoch() + duration)
    return json_response(SUBSCRIPTIONS.render(item), 201)


@route("event_subscriptions.get", "GET", f"{SUBSCRIPTIONS.path}/{{id}}")
def get_subscription(context: Context) -> Response:
    """Return a subscription that has not ended."""
    _current(context)
    return json_response(SUBSCRIPTIONS.render(SUBSCRIPTIONS.find(context)))


@route("event_subscriptions.delete", "DELETE", f"{SUBSCRIPTIONS.path}/{{id}}")
def delete_subscription(context: Context) -> Response:
    """Delete a subscription that has not ended."""
    items = _current(context)
    del items[SUBSCRIPTIONS.find(context).id]
    return no_content()


@when_deleted("unit")
def _discard(world: World, unit_id: str) -> None:
    SUBSCRIPTIONS.discard(world, lambda item: item.unit_id == unit_id)
