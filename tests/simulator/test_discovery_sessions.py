"""Discovery sessions: in progress, completed and expired."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from tests.wire import ONCE


async def test_a_session_from_its_start_to_its_end(sim: Simulator, seconds: list[float]) -> None:
    sessions, room = sim.smart_properties(retry=ONCE).discovery_sessions, sim.rooms[0]
    sim.delay_effect(60, "discovery_sessions.create")
    one, other = [await sessions.create(room, "skill", stage="development") for _ in range(2)]
    assert one != other
    assert (sim.calls[-1].operation, sim.calls[-1].unit_id) == ("discovery_sessions.create", room)
    assert (await sessions.get(one)).status == "IN_PROGRESS"
    seconds[0] += 60
    session = await sessions.get(one)
    assert (session.status, session.raw["id"]) == ("COMPLETED", one)
    sim.set_forbidden(room)
    with pytest.raises(errors.Forbidden):
        await sessions.get(one)
    sim.set_forbidden(room, forbidden=False)
    seconds[0] = 3600
    for session_id in (one, "nobody"):
        with pytest.raises(errors.NotFound):
            await sessions.get(session_id)


def reported(**value: object) -> dict[str, Any]:
    return {"endpointReporter": {"type": "SKILL", "value": {"skillId": "s", **value}}}


async def test_the_start_of_a_session(sim: Simulator, api: httpx.AsyncClient) -> None:
    room = {"unit": sim.rooms[0]}
    for stage in ("LIVE", "DEVELOPMENT", "live"):
        response = await api.post("/v1/discoverySessions", params=room, json=reported(skillStage=stage))
        assert (response.status_code, response.headers["location"]) == (
            202,
            f"/v1/discoverySessions/{response.json()['id']}",
        )
    for body in (None, {}, {"endpointReporter": {"type": "SKILL", "value": {}}}, reported(skillStage="beta")):
        assert (await api.post("/v1/discoverySessions", params=room, json=body)).status_code == 400
    for params, status in (({}, 400), ({"unit": "nobody"}, 404)):
        assert (await api.post("/v1/discoverySessions", params=params, json=reported())).status_code == status
