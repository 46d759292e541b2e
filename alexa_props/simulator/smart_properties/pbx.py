"""SIP trunks to a private branch exchange, and the extensions on them. What responses hold is inferred."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import attrs

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

__all__ = ["FIRST_EXTENSION", "TRUNKS"]

COLLECTION: Final = "/v1/communications/network/siptrunk"
TRUNK: Final = f"{COLLECTION}/{{trunkId}}"
EXTENSION: Final = f"{TRUNK}/extension/{{extension}}"

MOST_EXTENSIONS: Final = 100
"""The largest page. The service's is not known."""
ACTIVE: Final = "ACTIVE"
FIRST_EXTENSION: Final = "4101"
"""The extension that the first trunk has from the start."""
MAPPING: Final = {"routingType": str, "commsProfileId": str}
PEER: Final = {"name": str, "port": str}

Place: TypeAlias = tuple[str, str]
"""A trunk and an extension."""


@attrs.define
class Mapping:
    """What an extension rings, and its position in lists, which never changes."""

    position: int
    profile_id: str
    routing_type: str


def _trunks(_: World) -> list[dict[str, Json]]:
    tls = [{"name": "primary", "certificateChain": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}]
    peer = {"name": "pbx.example.com", "port": "5061"}
    peers = [{"name": "pbx1", "port": "5061", "ip": "203.0.113.10"}]
    return [{"tls": tls, "peer": peer, "status": ACTIVE}, {"tls": tls, "peers": peers, "status": ACTIVE}]


def _mappings(world: World) -> dict[Place, Mapping]:
    place, profiles = (TRUNKS.ids(world)[0], FIRST_EXTENSION), PROFILES.ids(world)
    return {place: Mapping(1, profiles[0], "communication-profile")} if profiles else {}


TRUNKS: Final = Resource("sip_trunks", COLLECTION, "trunkId", "", seeds=_trunks).serve(list="list", get="get")
MAPPINGS: Final = Key("extension mappings", _mappings)


def _trunk_body(context: Context) -> dict[str, Any]:
    """Return a trunk as it was sent: certificates, and either peers by address or one peer by name."""
    body = require_members(context.json, {"tls": list}, {"peers": list, "peer": dict})
    if ("peers" in body) == ("peer" in body):
        raise Problem(400, "A trunk has either peers or peer.")
    peers = body.get("peers", [body.get("peer")])
    if not body["tls"] or not peers:
        raise Problem(400, "tls and peers must not be empty.")
    for each in body["tls"]:
        require_members(each, {"name": str, "certificateChain": str})
    for each in peers:
        require_members(each, {**PEER, "ip": str} if "peers" in body else PEER)
    return {name: body[name] for name in ("tls", "peers", "peer") if name in body}


def _place(context: Context) -> Place:
    return TRUNKS.find(context).id, context.params["extension"]


def _known_place(context: Context) -> Place:
    """Return the place of a mapping to a profile of a unit that the caller has permission for."""
    place = _place(context)
    mapping = context.service.store[MAPPINGS].get(place)
    if mapping is None:
        raise Problem(404, "The extension is not mapped.")
    known_profile(context, mapping.profile_id)
    return place


def _render(place: Place, mapping: Mapping) -> Json:
    return {"extension": place[1], "routingType": mapping.routing_type, "commsProfileId": mapping.profile_id}


# Trunks


@route("sip_trunks.create", "POST", COLLECTION)
def create_trunk(context: Context) -> Response:
    """Create a trunk. A request that is sent twice creates two."""
    trunk = TRUNKS.add(context, {**_trunk_body(context), "status": ACTIVE})
    return json_response({"trunkId": trunk.id}, 201)


@route("sip_trunks.update", "PUT", TRUNK)
def update_trunk(context: Context) -> Response:
    """Replace everything in a trunk."""
    trunk = TRUNKS.find(context)
    trunk.body = {**_trunk_body(context), "status": ACTIVE}
    return no_content()


@route("sip_trunks.delete", "DELETE", TRUNK)
def delete_trunk(context: Context) -> Response:
    """Delete a trunk. Inferred: one with extensions is not deleted."""
    trunk = TRUNKS.find(context)
    if any(trunk_id == trunk.id for trunk_id, _ in context.service.store[MAPPINGS]):
        raise Problem(400, "The trunk has extensions: delete those first.")
    del TRUNKS.items(context)[trunk.id]
    return no_content()


# Extensions


@route("extension_mappings.list", "GET", f"{TRUNK}/extensions")
def list_mappings(context: Context) -> Response:
    """List the extensions of a trunk, in pages (inferred)."""
    trunk, service = TRUNKS.find(context), context.service
    found = [
        (place, mapping)
        for place, mapping in service.store[MAPPINGS].items()
        if place[0] == trunk.id and is_permitted(service, mapping.profile_id, service.forbidden_units)
    ]
    return page(
        context,
        found,
        lambda each: _render(*each),
        query=trunk.id,
        most=MOST_EXTENSIONS,
        mark=lambda each: each[1].position,
    )


@route("extension_mappings.get", "GET", EXTENSION)
def get_mapping(context: Context) -> Response:
    """Return the mapping of an extension."""
    place = _known_place(context)
    return json_response(_render(place, context.service.store[MAPPINGS][place]))


@route("extension_mappings.create", "POST", EXTENSION)
def create_mapping(context: Context) -> Response:
    """Map an extension to a profile that exists. Inferred: 409 if it is mapped already."""
    place, mappings = _place(context), context.service.store[MAPPINGS]
    body = require_members(context.json, MAPPING)
    profile = known_profile(context, body["commsProfileId"])
    if place in mappings:
        raise Problem(409, "The extension is mapped already.", "CONFLICT")
    last = max((each.position for each in mappings.values()), default=0)
    mappings[place] = Mapping(last + 1, profile.id, body["routingType"])
    return no_content(201)


@route("extension_mappings.update", "PUT", EXTENSION)
def update_mapping(context: Context) -> Response:
    """Map an extension to another profile. Inferred: this creates no mapping."""
    mapping = context.service.store[MAPPINGS][_known_place(context)]
    body = require_members(context.json, MAPPING)
    mapping.profile_id = known_profile(context, body["commsProfileId"]).id
    mapping.routing_type = body["routingType"]
    return no_content()


@route("extension_mappings.delete", "DELETE", EXTENSION)
def delete_mapping(context: Context) -> Response:
    """Delete the mapping of an extension."""
    del context.service.store[MAPPINGS][_known_place(context)]
    return no_content()


@when_deleted("profile")
def _forget(world: World, profile_id: str) -> None:
    """Delete the mappings to a profile (inferred)."""
    mappings = world.store[MAPPINGS]
    for place in [place for place, each in mappings.items() if each.profile_id == profile_id]:
        del mappings[place]
