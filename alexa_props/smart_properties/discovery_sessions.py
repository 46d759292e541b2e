"""Discovery sessions: look for the smart home devices of a skill in a unit."""

from __future__ import annotations

import enum
from typing import Final, Literal

import attrs

from alexa_props.arguments import require_choice, require_id
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.protocol import member

__all__ = ["OPERATIONS", "DiscoverySession", "DiscoverySessions", "SkillStage"]


class SkillStage(enum.StrEnum):
    """The stage of a skill that reports devices. Older pages have them in upper case."""

    DEVELOPMENT = "development"
    LIVE = "live"


@attrs.frozen
class DiscoverySession(Lenient):
    """The state of a session. No page shows the form of the response."""

    status: str | None = None
    """Its values are not documented."""


_api: Final = Group("discovery_sessions", "discovery-session-api.html")
_UNIT: Final = ("unit_id",)
_WIRE: Final = {"unit_id": "unit"}
CREATE: Final = _api.post(
    "create", "/v1/discoverySessions", member("id"), query=_UNIT, required=_UNIT, wire=_WIRE, in_location=True
)
GET: Final = _api.get("get", "/v1/discoverySessions/{session_id}", DiscoverySession)
OPERATIONS: Final = _api.operations


class DiscoverySessions(Resource):
    """Look for new or changed smart home devices of a skill in a unit.

        session_id = await asp.discovery_sessions.create(unit_id, "amzn1.ask.skill.1")
        session = await asp.discovery_sessions.get(session_id)

    A session can be read for an hour.
    """

    async def create(
        self, unit_id: UnitId, skill_id: str, *, stage: SkillStage | Literal["development", "live"] | None = None
    ) -> str:
        """Start a session, of the live stage of a skill by default, and return its id. Every call starts another."""
        skill = {"skillId": require_id("skill_id", skill_id)}
        if stage is not None:
            skill["skillStage"] = require_choice("stage", stage, SkillStage)
        return await self._call(CREATE, unit_id=unit_id, endpoint_reporter={"type": "SKILL", "value": skill})

    async def get(self, session_id: str) -> DiscoverySession:
        """Return the state of a session."""
        return await self._call(GET, session_id=session_id)
