"""Campaigns: cards on the home screens of units."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import when_deleted
from alexa_props.simulator.messages import activation_window, matcher
from alexa_props.simulator.requests import body_object, known_unit, require_permission
from alexa_props.simulator.resources import Item, Resource
from alexa_props.simulator.responses import Json, Problem, Response, accepted, json_response
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key
from alexa_props.simulator.subjects import members
from alexa_props.simulator.world import World

_PATH = "/v1/proactive/campaigns"
_ONE = f"{_PATH}/{{campaignId}}"
_CARD = "suggestion.variants.content.values"
_BODY = {
    "suggestion.variants": list,
    _CARD: list,
    "targeting.values": list,
    "suggestion.variants.placement.channel": str,
    f"{_CARD}.locale": str,
    f"{_CARD}.document.src": str,
    f"{_CARD}.datasources": dict,
    "targeting.type": str,
    "targeting.values.id": str,
    "scheduling": dict,
}
_FIELDS = ("targeting.type", "targeting.values.id")
# The page limit of Amazon's documentation.
_MOST_RESULTS = 10

_DELETED: Key[dict[str, float]] = Key("deleted campaigns", lambda _: {})
"""Ids of campaigns, and when their deletion takes effect."""


def _seeds(world: World) -> Iterable[Mapping[str, Json]]:
    value: Json = {
        "locale": "en-US",
        "document": {"type": "Link", "src": "doc://alexa/apl/documents/home/cards/textWrapping"},
        "datasources": {"displayText": {"headerText": "Hotel", "primaryText": "The pool opens at nine"}},
    }
    for room in world.tree.first_rooms[:2]:
        yield {
            "suggestion": {"variants": [{"placement": {"channel": "HOME"}, "content": {"values": [value]}}]},
            "targeting": {"type": "UNITS", "values": [{"id": room.id}]},
            "scheduling": {"activationWindow": {}},
        }


CAMPAIGNS = Resource("campaigns", _PATH, "campaignId", "amzn1.alexa.campaign.did.", most=_MOST_RESULTS, seeds=_seeds)


def _remove_deleted(context: Context) -> None:
    deleted, items = context.service.store[_DELETED], CAMPAIGNS.items(context)
    for campaign_id in [each for each, time in deleted.items() if time <= context.time]:
        del deleted[campaign_id]
        items.pop(campaign_id, None)


def _targets(item: Item) -> list[str]:
    return [each["id"] for each in item.body["targeting"]["values"]]


def _page(context: Context, items: Iterable[Item], query: object) -> Response:
    """Return a page of campaigns, without those for a unit that is not permitted."""
    forbidden = context.service.forbidden_units
    return CAMPAIGNS.page(context, [item for item in items if forbidden.isdisjoint(_targets(item))], query)


def _find(context: Context) -> Item:
    _remove_deleted(context)
    item = CAMPAIGNS.find(context)
    for unit_id in _targets(item):
        require_permission(context, unit_id)
    return item


@when_deleted("unit")
def _discard(world: World, unit_id: str) -> None:
    for item in CAMPAIGNS.stored(world).values():
        targeting = item.body["targeting"]
        item.body["targeting"] = {
            **targeting,
            "values": [each for each in targeting["values"] if each["id"] != unit_id],
        }
    CAMPAIGNS.discard(world, lambda item: not _targets(item))


@route("campaigns.create", "POST", _PATH)
def create_campaign(context: Context) -> Response:
    """Create a campaign for known units."""
    body = require_members(context.json, _BODY)
    if body["targeting"]["type"] != "UNITS":
        raise Problem(400, "targeting.type must be UNITS.")
    for variant in members(body, "suggestion.variants"):
        locales = [*members(variant, "content.values.locale")]
        if len({*map(str, locales)}) < len(locales):
            raise Problem(400, "A campaign has at most one card for each locale.")
    activation_window(context, body["scheduling"])
    for unit_id in members(body, "targeting.values.id"):
        known_unit(context, str(unit_id))
    return json_response({"campaignId": CAMPAIGNS.add(context, body).id})


@route("campaigns.list", "GET", _PATH)
def list_campaigns(context: Context) -> Response:
    """List the campaigns of the client, which is the only one here."""
    _remove_deleted(context)
    return _page(context, CAMPAIGNS.items(context).values(), None)


@route("campaigns.query", "POST", f"{_PATH}/query")
def query_campaigns(context: Context) -> Response:
    """List the campaigns that match a query of and, or, match."""
    query = body_object(context).get("query")
    matches = matcher(query, _FIELDS)
    _remove_deleted(context)
    found: list[Item] = [each for each in CAMPAIGNS.items(context).values() if matches(each.body)]
    return _page(context, found, json.dumps(query, sort_keys=True))


@route("campaigns.get", "GET", _ONE)
def get_campaign(context: Context) -> Response:
    """Return a campaign."""
    return json_response(CAMPAIGNS.render(_find(context)))


@route("campaigns.delete", "DELETE", _ONE)
def delete_campaign(context: Context) -> Response:
    """Delete a campaign. It is there until the deletion takes effect."""
    item = _find(context)
    deleted = context.service.store[_DELETED]
    deleted[item.id] = min(deleted.get(item.id, context.effective_from), context.effective_from)
    return accepted()
