"""WebRTC service providers, the skill that each is mapped to, and the users of each.

The first service provider has a mapping and a user, the others have not.

Inferred: a logical id, a mapping and a user that exist already give 409, a service provider is deleted last, and the
users of a communication profile are deleted with it. No skill has to exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import when_deleted
from alexa_props.simulator.requests import page
from alexa_props.simulator.resources import Resource
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.smart_properties.communications import PROFILES, is_permitted, known_profile
from alexa_props.simulator.store import Key
from alexa_props.simulator.world import World

PROVIDERS = "/v1/communications/serviceProviders"
PROVIDER = f"{PROVIDERS}/{{serviceProviderId}}"
NETWORK = f"{PROVIDER}/network"
USERS = f"{PROVIDER}/externalUsers"
MOST_USERS = 100

SERVICE_PROVIDERS = Resource(
    *("service_providers", PROVIDERS, "serviceProviderId", "amzn1.comms.csp.id."),
    seeds=lambda _: [{"serviceProviderLogicalId": f"simulated-provider-{number}"} for number in (1, 2, 3)],
)

USER = "7201"
User: TypeAlias = dict[str, Any]
"""An association as it was sent."""

_Association = dict[str, Any]
"""As it was sent."""


def _first_mapping(world: World) -> dict[str, Json]:
    mapping: Json = {"networkType": "SKILL", "skillConfiguration": {"skillId": "amzn1.ask.skill.simulated"}}
    return {SERVICE_PROVIDERS.ids(world)[0]: mapping}


def _first_user(world: World) -> dict[str, dict[str, User]]:
    profile_id = PROFILES.ids(world)[0]
    user = {"externalUserId": USER, "amazonId": profile_id, "amazonIdType": "communication-profile"}
    return {SERVICE_PROVIDERS.ids(world)[0]: {USER: user}}


MAPPINGS: Key[dict[str, Json]] = Key("network mappings", _first_mapping)
"""By the id of the service provider."""
ASSOCIATIONS: Key[dict[str, dict[str, User]]] = Key("account associations", _first_user)
"""By the ids of the service provider and the user."""


def _conflict(text: str) -> Problem:
    return Problem(409, text, "CONFLICT")


def _names(body: Mapping[str, Any]) -> list[Json]:
    names: list[Json] = body.get("displayName", [])
    if not isinstance(names, list):
        raise Problem(400, "displayName must be a list.")
    for name in names:
        require_members(name, {"locale": str, "value": str})
    return names


@route("service_providers.create", "POST", PROVIDERS)
def create(context: Context) -> Response:
    """Register a service provider: 201 and its id."""
    body = require_members(context.json, {"serviceProviderLogicalId": str})
    logical_id, names = body["serviceProviderLogicalId"], _names(body)
    if any(item.body["serviceProviderLogicalId"] == logical_id for item in SERVICE_PROVIDERS.items(context).values()):
        raise _conflict("There is a service provider with this logical id.")
    item = SERVICE_PROVIDERS.add(context, {"serviceProviderLogicalId": logical_id, "displayName": names})
    return json_response({"serviceProviderId": item.id}, 201)


SERVICE_PROVIDERS.serve(get="get")


@route("service_providers.update", "PUT", PROVIDER)
def update(context: Context) -> Response:
    """Replace the display names."""
    item = SERVICE_PROVIDERS.find(context)
    item.body["displayName"] = _names(require_members(context.json, {"displayName": list}))
    return no_content()


def _mapping(context: Context) -> Json:
    body = require_members(
        context.json, {"networkType": str, "skillConfiguration": dict, "skillConfiguration.skillId": str}
    )
    if body["networkType"] != "SKILL":
        raise Problem(400, "networkType must be SKILL.")
    return body


def _require_mapping(context: Context) -> str:
    """Return the id of a service provider that has a network mapping."""
    provider_id = SERVICE_PROVIDERS.find(context).id
    if provider_id not in context.service.store[MAPPINGS]:
        raise Problem(404, "The service provider has no network mapping.")
    return provider_id


@route("network_mappings.create", "POST", NETWORK)
def create_mapping(context: Context) -> Response:
    """Map a service provider to a skill."""
    provider_id, mappings = SERVICE_PROVIDERS.find(context).id, context.service.store[MAPPINGS]
    mapping = _mapping(context)
    if provider_id in mappings:
        raise _conflict("The service provider has a network mapping: update it.")
    mappings[provider_id] = mapping
    return no_content()


@route("network_mappings.get", "GET", NETWORK)
def get_mapping(context: Context) -> Response:
    """Return the mapping as it was sent."""
    return json_response(context.service.store[MAPPINGS][_require_mapping(context)])


@route("network_mappings.update", "PUT", NETWORK)
def update_mapping(context: Context) -> Response:
    """Map a service provider to another skill."""
    context.service.store[MAPPINGS][_require_mapping(context)] = _mapping(context)
    return no_content()


@route("network_mappings.delete", "DELETE", NETWORK)
def delete_mapping(context: Context) -> Response:
    """Delete the mapping."""
    del context.service.store[MAPPINGS][_require_mapping(context)]
    return no_content()


def _associations(context: Context) -> dict[str, User]:
    return context.service.store[ASSOCIATIONS].setdefault(SERVICE_PROVIDERS.find(context).id, {})


def _association(context: Context) -> User:
    """Return the association in a body, with a profile that exists."""
    body = require_members(context.json, {"externalUserId": str, "amazonId": str, "amazonIdType": str})
    known_profile(context, body["amazonId"])
    return body


def _require_user(context: Context, users: Mapping[str, User], user_id: str) -> str:
    """Return the id of a user that has a profile of a unit that the caller has permission for."""
    if user_id not in users:
        raise Problem(404, "The service provider has no association for this user.")
    known_profile(context, users[user_id]["amazonId"])
    return user_id


@route("account_associations.create", "POST", USERS)
def create_association(context: Context) -> Response:
    """Associate a user with a communication profile."""
    users, body = _associations(context), _association(context)
    if body["externalUserId"] in users:
        raise _conflict("The user is associated with a communication profile: update it.")
    users[body["externalUserId"]] = body
    return no_content()


@route("account_associations.query", "POST", f"{USERS}/query")
def query_associations(context: Context) -> Response:
    """Return the associations of some users; users without one are left out."""
    users, service = _associations(context), context.service
    body = require_members(context.json, {"filters": dict, "filters.externalUserIds": list})
    wanted = body["filters"]["externalUserIds"]
    if not 1 <= len(wanted) <= MOST_USERS or not all(isinstance(user_id, str) for user_id in wanted):
        raise Problem(400, f"filters.externalUserIds must be a list of 1 to {MOST_USERS} strings.")
    found = [
        (position, users[user_id])
        for position, user_id in enumerate(dict.fromkeys(wanted), 1)
        if user_id in users and is_permitted(service, users[user_id]["amazonId"], service.forbidden_units)
    ]
    query = (context.path, *wanted)
    return page(context, found, lambda each: each[1], query=query, most=MOST_USERS, mark=lambda each: each[0])


@route("account_associations.update", "PUT", USERS)
def update_association(context: Context) -> Response:
    """Associate a user with another communication profile. It creates nothing (inferred)."""
    users, body = _associations(context), _association(context)
    users[_require_user(context, users, body["externalUserId"])] = body
    return no_content()


@route("account_associations.delete", "DELETE", USERS)
def delete_association(context: Context) -> Response:
    """Delete the association of the user that the body names."""
    users, body = _associations(context), require_members(context.json, {"externalUserId": str})
    del users[_require_user(context, users, body["externalUserId"])]
    return no_content()


@route("service_providers.delete", "DELETE", PROVIDER)
def delete(context: Context) -> Response:
    """Delete a service provider that has neither a mapping nor users."""
    item = SERVICE_PROVIDERS.find(context)
    if item.id in context.service.store[MAPPINGS] or _associations(context):
        raise Problem(400, "Delete the network mapping and the account associations first.")
    del SERVICE_PROVIDERS.items(context)[item.id]
    return no_content()


@when_deleted("profile")
def _discard(world: World, profile_id: str) -> None:
    for users in world.store[ASSOCIATIONS].values():
        for user_id in [user_id for user_id, user in users.items() if user["amazonId"] == profile_id]:
            del users[user_id]
