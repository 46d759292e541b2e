"""The wire of discovery sessions."""

from __future__ import annotations

from alexa_props.simulator.smart_properties.discovery_sessions import SESSIONS
from alexa_props.smart_properties.discovery_sessions import DiscoverySession
from tests.wire.row import Wire

IDS = {"session": lambda sim: SESSIONS.ids(sim)[0]}

WIRE = {
    "discovery_sessions.create": Wire(
        lambda on: on.asp.discovery_sessions.create(on.room, "skill-x"),
        "POST /v1/discoverySessions?unit=room-1",
        body={"endpointReporter": {"type": "SKILL", "value": {"skillId": "skill-x"}}},
        response={"id": "new"},
        result="new",
    ),
    "discovery_sessions.create, with every argument": Wire(
        lambda on: on.asp.discovery_sessions.create(on.room, "skill-x", stage="development"),
        "POST /v1/discoverySessions?unit=room-1",
        body={
            "endpointReporter": {"type": "SKILL", "value": {"skillId": "skill-x", "skillStage": "development"}},
        },
        response={"id": "new"},
        result="new",
    ),
    "discovery_sessions.get": Wire(
        lambda on: on.asp.discovery_sessions.get(on.session),
        "GET /v1/discoverySessions/session-1",
        response={"id": "session-1", "status": "OF_TOMORROW"},
        result=DiscoverySession("OF_TOMORROW"),
    ),
}
