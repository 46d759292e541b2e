"""Consents: given until they are reset."""

from __future__ import annotations

import httpx

from alexa_props.simulator import Simulator
from tests.wire import clients


async def test_a_reset_shows_after_its_delay_and_in_that_unit_only(sim: Simulator, seconds: list[float]) -> None:
    on = clients(sim)
    sim.delay_effect(60, "consents.reset")
    assert (await on.asp.consents.get(on.room)).status == "GRANTED"
    await on.asp.consents.reset(on.room)
    assert (await on.asp.consents.get(on.room)).raw == {"status": "GRANTED"}
    seconds[0] = 50.0
    await on.asp.consents.reset(on.room)
    seconds[0] = 60.0
    assert (await on.asp.consents.get(on.room)).status == "NOT_GRANTED"
    assert (await on.asp.consents.get(sim.rooms[1])).status == "GRANTED"
    sim.reset()
    assert (await on.asp.consents.get(on.room)).status == "GRANTED"


async def test_unknown_units_and_types(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = f"/v2/units/{sim.rooms[0]}/consent"
    for query in ({}, {"consentType": "sleep_data"}):
        assert (await api.get(path, params=query)).status_code == 400
    assert (await api.put("/v2/units/unknown/consent/reset")).status_code == 404
    sim.set_forbidden(sim.rooms[0])
    assert (await api.get(path, params={"consentType": "health_data"})).status_code == 403
