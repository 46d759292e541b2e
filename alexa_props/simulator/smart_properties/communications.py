"""Communication profiles of units, and what depends on them: inbound calls of contacts, drop-in and blocking.

Other groups refuse a missing profile with `known_profile`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.simulator.bodies import batch, require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import delete_dependents, when_deleted
from alexa_props.simulator.requests import known_unit, page, require_permission
from alexa_props.simulator.resources import Item, Resource
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key
from alexa_props.simulator.world import World

__all__ = ["PROFILES", "checks_contacts", "is_permitted", "known_profile"]

COLLECTION: Final = "/v1/communications/profile"
PROFILE: Final = f"{COLLECTION}/{{profileId}}"
ASSOCIATION: Final = f"{PROFILE}/reciprocalAssociations"
DROP_IN_SETTING: Final = f"{PROFILE}/contacts/settings/DropIn"
BLOCK_SETTING: Final = f"{PROFILE}/contacts/settings/Block"

MOST_ITEMS: Final = 100
MOST_RULES: Final = 100
"""The largest page. The service's is not known."""
ENTITY: Final = {"entity.type": str, "entity.id": str}
GUEST: Final = "Guest"
"""The name of a profile that was created without one."""
ENABLED, DISABLED = "ENABLED", "DISABLED"

Pair: TypeAlias = tuple[str, str]
"""A profile, and the profile or contact that a setting of it is about."""


@attrs.frozen
class Rule:
    """A blocking rule, and its position in lists, which never changes."""

    position: int
    value: str


def _profiles(world: World) -> Iterator[dict[str, Json]]:
    """Yield profiles of the first two rooms and the first property: the others have none yet."""
    for unit in (*world.tree.first_rooms[:2], *world.tree.organization.children[:1]):
        yield {"entity": {"type": "UNIT", "id": unit.id}, "name": unit.name}


class _Profiles(Resource):
    def render(self, item: Item) -> dict[str, Json]:
        return {**item.body, "profileId": {"profileId": item.id}}


PROFILES: Final = _Profiles(
    "communication_profiles", COLLECTION, "profileId", "amzn1.alexa.communications.profile.did.", seeds=_profiles
)
PROFILES.serve(get="get")
INBOUND: Final = Key[dict[Pair, float]]("reciprocal associations", lambda _: {})
"""When the contact of each pair can call the unit of the profile."""
DROP_IN: Final = Key[dict[Pair, str]]("drop-in preferences", lambda _: {})
BLOCKING: Final = Key[dict[Pair, Rule]]("blocking rules", lambda _: {})

_contact_checks: Final[list[Callable[[Context, str], object]]] = []


def known_profile(context: Context, profile_id: object) -> Item:
    """Return a profile that exists, of a unit that the caller has permission for. Any path or body may name it."""
    if not isinstance(profile_id, str) or not profile_id:
        raise Problem(400, "The id of a communication profile is missing, or is not a string.")
    profile = PROFILES.items(context).get(profile_id)
    if profile is None:
        raise Problem(404, "There is no such communication profile.")
    require_permission(context, profile.unit_id)
    return profile


def is_permitted(world: World, profile_id: str, forbidden_units: Container[str | None]) -> bool:
    """Return whether the caller may see a profile that exists, and what points at it."""
    return PROFILES.stored(world)[profile_id].unit_id not in forbidden_units


def checks_contacts(check: Callable[[Context, str], object]) -> Callable[[Context, str], object]:
    """Register a function that raises a `Problem` unless a contact exists. Without one, every id is a contact."""
    _contact_checks.append(check)
    return check


def _profile_of(context: Context, unit_id: str) -> Item | None:
    return next((each for each in PROFILES.items(context).values() if each.unit_id == unit_id), None)


def _create(context: Context, body: dict[str, Any]) -> Item:
    """Return the profile of a unit, created or renamed as requested."""
    unit_id, name = body["entity"]["id"], body.get("name")
    profile = _profile_of(context, unit_id)
    if profile is None:
        entity = {"type": "UNIT", "id": unit_id}
        return PROFILES.add(context, {"entity": entity, "name": name or GUEST})
    profile.body["name"] = name or profile.body["name"]
    return profile


def _require_unit(context: Context, kind: object, unit_id: str | None) -> str:
    if kind != "UNIT" or not unit_id:
        raise Problem(400, "entity.type must be UNIT, and entity.id the id of a unit.")
    return known_unit(context, unit_id).id


def _target(context: Context) -> str:
    return known_profile(context, context.query.get("alexaCommunicationProfileId")).id


def _value(value: object) -> str:
    if value not in (ENABLED, DISABLED):
        raise Problem(400, f"value must be {ENABLED} or {DISABLED}.")
    return str(value)


# Profiles


@route("communication_profiles.get_for_unit", "GET", COLLECTION)
def get_profile_for_unit(context: Context) -> Response:
    """Return the profile of a unit. Inferred: 404 if it has none."""
    unit_id = _require_unit(context, context.query.get("entity.type"), context.query.get("entity.id"))
    profile = _profile_of(context, unit_id)
    if profile is None:
        raise Problem(404, "The unit has no communication profile.")
    return json_response(PROFILES.render(profile))


@route("communication_profiles.create", "POST", COLLECTION)
def create_profile(context: Context) -> Response:
    """Create the profile of a unit: 201, also if it has one, whose name changes if another one was sent."""
    body = require_members(context.json, ENTITY, {"name": str})
    _require_unit(context, body["entity"]["type"], body["entity"]["id"])
    return json_response(PROFILES.render(_create(context, body)), 201)


@route("communication_profiles.create_many", "POST", "/v1/communications/profiles/batch")
def create_profiles(context: Context) -> Response:
    """Create the profiles of up to 100 units. Inferred: the status, and the form of the response."""
    items = batch(context, MOST_ITEMS, ENTITY)
    for item in items:
        require_members(item, {}, {"name": str})
        _require_unit(context, item["entity"]["type"], item["entity"]["id"])
    created = [(item["itemId"], PROFILES.render(_create(context, item))) for item in items]
    return json_response({"results": [{**profile, "itemId": item_id, "status": 201} for item_id, profile in created]})


@route("communication_profiles.update", "PUT", PROFILE)
def update_profile(context: Context) -> Response:
    """Change the name of a profile."""
    profile = PROFILES.find(context)
    profile.body["name"] = require_members(context.json, {"name": str})["name"]
    return no_content()


@route("communication_profiles.delete", "DELETE", PROFILE)
def delete_profile(context: Context) -> Response:
    """Delete a profile and what points at it."""
    _delete(context.service, PROFILES.find(context).id)
    return no_content()


def _delete(world: World, profile_id: str) -> None:
    delete_dependents(world, "profile", profile_id)
    del PROFILES.stored(world)[profile_id]


@when_deleted("unit")
def _delete_profile_of(world: World, unit_id: str) -> None:
    for profile in [each for each in PROFILES.stored(world).values() if each.unit_id == unit_id]:
        _delete(world, profile.id)


@when_deleted("profile")
@when_deleted("contact")
def _forget(world: World, id_: str) -> None:
    """Delete the settings of a profile and of others for it, or the inbound calls of a contact."""
    stored: tuple[dict[Pair, Any], ...] = (world.store[INBOUND], world.store[DROP_IN], world.store[BLOCKING])
    for settings in stored:
        for pair in [pair for pair in settings if id_ in pair]:
            del settings[pair]


# Inbound calls


def _association(context: Context) -> Pair:
    """Return the association that the path and the query name. It must exist."""
    pair = PROFILES.find(context).id, context.query.get("contactId", "")
    if not pair[1]:
        raise Problem(400, "The parameter contactId is missing.")
    if pair not in context.service.store[INBOUND]:
        raise Problem(404, "The contact is not associated with this profile.")
    return pair


def _shown(context: Context, pair: Pair) -> Json:
    is_active = context.service.store[INBOUND][pair] <= context.time
    return {"contact": {"id": pair[1]}, "status": "ACTIVE" if is_active else "PENDING"}


@route("reciprocal_associations.create", "POST", ASSOCIATION)
def create_association(context: Context) -> Response:
    """Let a contact call the unit of a profile. Inferred: a repeat changes nothing."""
    contact_id: str = require_members(context.json, {"contact.id": str})["contact"]["id"]
    pair = PROFILES.find(context).id, contact_id
    for check in _contact_checks:
        check(context, contact_id)
    context.service.store[INBOUND].setdefault(pair, context.effective_from)
    return json_response(_shown(context, pair), 201)


@route("reciprocal_associations.get", "GET", ASSOCIATION)
def get_association(context: Context) -> Response:
    """Return the status of an association. Inferred: its members and values."""
    return json_response(_shown(context, _association(context)))


@route("reciprocal_associations.delete", "DELETE", ASSOCIATION)
def delete_association(context: Context) -> Response:
    """Delete an association."""
    del context.service.store[INBOUND][_association(context)]
    return no_content()


# Settings between two profiles


@route("drop_in_preferences.get", "GET", DROP_IN_SETTING)
def get_drop_in(context: Context) -> Response:
    """Return whether drop-in is allowed. Inferred: it is not until it was set."""
    pair = PROFILES.find(context).id, _target(context)
    return json_response({"value": context.service.store[DROP_IN].get(pair, DISABLED)})


@route("drop_in_preferences.set", "PUT", DROP_IN_SETTING)
def set_drop_in(context: Context) -> Response:
    """Allow or forbid drop-in from one profile to another, in this direction only (inferred)."""
    pair = PROFILES.find(context).id, _target(context)
    context.service.store[DROP_IN][pair] = _value(require_members(context.json, {"value": str})["value"])
    return no_content()


@route("blocking_rules.list", "GET", BLOCK_SETTING)
def list_rules(context: Context) -> Response:
    """List the rules of a profile. Inferred: their members."""
    profile = PROFILES.find(context)
    value = context.query.get("value")
    wanted = (ENABLED, DISABLED) if value is None else (_value(value),)
    rules = context.service.store[BLOCKING]
    found = [(pair[1], rule) for pair, rule in rules.items() if pair[0] == profile.id and rule.value in wanted]

    def render(each: tuple[str, Rule]) -> Json:
        return {"alexaCommunicationProfileId": each[0], "value": each[1].value}

    key = (profile.id, value)
    return page(context, found, render, query=key, most=MOST_RULES, mark=lambda each: each[1].position)


@route("blocking_rules.set", "PUT", BLOCK_SETTING)
def set_rule(context: Context) -> Response:
    """Block or unblock calls and messages from one profile to another, in this direction only (inferred)."""
    pair = PROFILES.find(context).id, _target(context)
    value = _value(require_members(context.json, {"value": str})["value"])
    rules = context.service.store[BLOCKING]
    last = max((rule.position for rule in rules.values()), default=0)
    rules[pair] = Rule(rules[pair].position if pair in rules else last + 1, value)
    return no_content()
