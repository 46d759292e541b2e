"""Discovery sessions: a skill looks for smart home devices in a unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import when_deleted
from alexa_props.simulator.requests import known_unit
from alexa_props.simulator.resources import Resource
from alexa_props.simulator.responses import Json, Problem, Response, json_response
from alexa_props.simulator.routes import route
from alexa_props.simulator.world import World

LIFETIME = 3600
"""Seconds from the start for which a session can be read."""

_REPORTER = {"endpointReporter.type": str, "endpointReporter.value.skillId": str}
_STAGES = ("live", "development")


def _finished(world: World) -> Iterator[Mapping[str, Json]]:
    """Yield a session that has just found everything."""
    yield {"started": world.clock(), "done": world.clock()}


SESSIONS = Resource(
    "discovery_sessions",
    "/v1/discoverySessions",
    "id",
    "amzn1.alexa.discoverySession.",
    seeds=_finished,
)


@route("discovery_sessions.create", "POST", "/v1/discoverySessions")
def create(context: Context) -> Response:
    """Start a session. Pages differ about the case of the stage, so it makes no difference."""
    body = require_members(context.json, _REPORTER, {"endpointReporter.value.skillStage": str})["endpointReporter"]
    if body["type"] != "SKILL":
        raise Problem(400, "endpointReporter.type must be SKILL.")
    if body["value"].get("skillStage", "live").lower() not in _STAGES:
        raise Problem(400, f"skillStage must be one of {', '.join(_STAGES)}.")
    if not context.query.get("unit"):
        raise Problem(400, "The parameter unit is missing.")
    unit = known_unit(context, context.query["unit"])
    session = SESSIONS.add(context, {"started": context.time, "done": context.effective_from}, unit.id)
    return json_response({"id": session.id}, 202, (("location", f"{SESSIONS.path}/{session.id}"),))


@route("discovery_sessions.get", "GET", "/v1/discoverySessions/{id}")
def get(context: Context) -> Response:
    """Return whether a session is done. Its values are made up: those of the service are not known."""
    session = SESSIONS.find(context)
    if context.time >= session.body["started"] + LIFETIME:
        raise Problem(404, "The session has expired.")
    status = "IN_PROGRESS" if context.time < session.body["done"] else "COMPLETED"
    return json_response({"id": session.id, "status": status})


@when_deleted("unit")
def _discard(world: World, unit_id: str) -> None:
    SESSIONS.discard(world, lambda item: item.unit_id == unit_id)
