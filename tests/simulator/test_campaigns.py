"""Campaigns in the simulator: created for units, found by them, and deleted some time later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.campaigns import TextWrappingCard
from tests.wire import ONCE
from tests.wire.campaigns import TEXT_BODY, body, query

CARD = TextWrappingCard(primary_text="Pool")


async def test_a_campaign_from_creation_to_deletion(sim: Simulator, seconds: list[float]) -> None:
    campaigns = sim.smart_properties(retry=ONCE).campaigns
    before = [each.campaign_id async for each in campaigns.list()]
    start = datetime.now(UTC)
    created = await campaigns.create(sim.rooms[2:4], {"en-US": CARD}, start=start, end=start + timedelta(days=1))
    assert [each.campaign_id async for each in campaigns.list(page_size=1)] == [*before, created]
    found = await campaigns.get(created)
    assert (found.campaign_id, found.unit_ids, found.cards) == (created, tuple(sim.rooms[2:4]), {"en-US": CARD})
    for room, expected in ((2, [created]), (3, [created]), (4, [])):
        assert [each.campaign_id async for each in campaigns.query([sim.rooms[room]])] == expected
    either = campaigns.query([sim.rooms[0], sim.rooms[3]], page_size=1)
    assert [each.campaign_id async for each in either] == [before[0], created]

    sim.delay_effect(60, "campaigns.delete")
    await campaigns.delete(found)
    assert sim.calls[-1].status == 202
    seconds[0] += 59
    assert (await campaigns.get(created)).campaign_id == created
    await campaigns.delete(created)
    seconds[0] += 1
    assert [each.campaign_id async for each in campaigns.list()] == before
    for call in (campaigns.get(created), campaigns.delete(created)):
        with pytest.raises(errors.NotFound):
            await call
    sim.reset()
    assert [each.campaign_id async for each in campaigns.list()] == before


async def test_units_must_exist_and_be_permitted(sim: Simulator) -> None:
    campaigns = sim.smart_properties(retry=ONCE).campaigns
    sim.set_forbidden(sim.rooms[0])
    for unit_id, kind in (("none", errors.NotFound), (sim.rooms[0], errors.Forbidden)):
        with pytest.raises(kind):
            await campaigns.create([sim.rooms[1], unit_id], {"en-US": CARD})
    assert [each.unit_ids async for each in campaigns.list()] == [(sim.rooms[1],)]
    sim.fail("campaigns.create", "status", unit_id=sim.rooms[1])
    # A request that names several units is about none of them.
    await campaigns.create(sim.rooms[1:3], {"en-US": CARD})
    with pytest.raises(errors.ServerError):
        await campaigns.create([sim.rooms[1]], {"en-US": CARD})


BAD: list[Any] = [
    {"suggestion": None},
    {"targeting": {"units": {"items": ["room"]}}},
    {"targeting": {"type": "USERS", "values": [{"id": "room"}]}},
    {"targeting": {"type": "UNITS", "values": []}},
    {"scheduling": {"activationWindow": {"start": "2025-01-01T10:00:00"}}},
    {"scheduling": {"activationWindow": {"start": "2025-01-01T10:00:00Z", "end": "2025-01-01T10:00:00Z"}}},
    {"scheduling": {"activationWindow": []}},
]


async def test_rejects_invalid_requests(api: httpx.AsyncClient, sim: Simulator) -> None:
    valid = body(TEXT_BODY, units=(sim.rooms[0],))
    twice = body(TEXT_BODY, TEXT_BODY, units=(sim.rooms[0],))
    for sent in (*({**valid, **change} for change in BAD), twice, [], None):
        response = await api.post("/v1/proactive/campaigns", json=sent)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), sent
    deep: Any = {"match": {"targeting.type": "UNITS"}}
    for _ in range(20):
        deep = {"and": [deep]}
    queries: list[Any] = [None, {}, {"or": []}, {"match": {"name": "x"}}, {"match": {"targeting.type": 5}}, deep]
    for bad in queries:
        assert (await api.post("/v1/proactive/campaigns/query", json={"query": bad})).status_code == 400, bad
    good = {"query": query(sim.rooms[0]), "paginationContext": {"maxResults": 11}}
    assert (await api.post("/v1/proactive/campaigns/query", json=good)).status_code == 400
    assert (await api.post("/v1/proactive/campaigns", json=valid)).status_code == 200
