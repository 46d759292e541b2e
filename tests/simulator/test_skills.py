"""Skills in the simulator: they take effect later, stages are separate, and a property has one subscription."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from alexa_props import SmartProperties, errors, fleet
from alexa_props.simulator import Simulator
from alexa_props.simulator.smart_properties.skills import SUBSCRIPTIONS, room_skill
from alexa_props.smart_properties.skills import AccountLinkRequest, EnablementRequest, NameFreeInvocationRequest, Stage
from alexa_props.smart_properties.subscriptions import SUBSCRIPTION_SKILLS
from tests.wire import ONCE

SKILL = "amzn1.ask.skill.one"
LINK = AccountLinkRequest("code-of-the-link", "https://example.com/linked")


@pytest.fixture
async def asp(sim: Simulator) -> AsyncIterator[SmartProperties]:
    async with sim, sim.smart_properties(retry=ONCE) as client:
        yield client


async def skills_of(asp: SmartProperties, unit_id: str) -> list[tuple[str, str | None, str | None]]:
    return [(each.skill.id, each.skill.stage, each.status) async for each in asp.skills.list(unit_id)]


async def test_a_skill_is_enabled_later_read_and_disabled(
    asp: SmartProperties, sim: Simulator, seconds: list[float]
) -> None:
    room, first = sim.rooms[0], (room_skill(sim), "live", "ENABLED")
    sim.delay_effect(30, "skills.enable")
    await asp.skills.enable(
        SKILL, room, account_link_request=LINK, name_free_invocation_request=NameFreeInvocationRequest(["en-US"])
    )
    await asp.skills.enable(SKILL, room, stage="development")
    both = [(SKILL, "live"), (SKILL, "development")]
    assert await skills_of(asp, room) == [first, *((*key, "ENABLING") for key in both)]
    seconds[0] += 30
    assert await skills_of(asp, room) == [first, *((*key, "ENABLED") for key in both)]
    found = await asp.skills.get(SKILL, room, expand="nameFreeInvocation")
    assert found.account_link is not None
    assert (found.account_link.status, found.name_free_invocation) == ("LINKED", {"locales": ["en-US"]})
    sim.delay_effect(5, "skills.disable")
    await asp.skills.disable(SKILL, room)
    assert len(await skills_of(asp, room)) == 3
    seconds[0] += 5
    assert await skills_of(asp, room) == [first, (SKILL, "development", "ENABLED")]
    with pytest.raises(errors.NotFound):
        await asp.skills.get(SKILL, room)
    # What is not enabled may be disabled, and what is enabled may be enabled.
    await asp.skills.disable(SKILL, room)
    await asp.skills.enable(SKILL, room, stage="development")
    assert len(await skills_of(asp, room)) == 2
    sim.reset()
    assert await skills_of(asp, room) == [first]


async def test_batches_of_any_length(asp: SmartProperties, sim: Simulator) -> None:
    units = [*sim.rooms, *[await asp.units.create(sim.rooms[0], f"Bed {number}") for number in range(60)]]
    enable = functools.partial(asp.skills.enable_many, SKILL, stage=Stage.LIVE)
    report = await fleet.collect_many(enable, units)
    assert (len(report.done), sim.count("skills.enable_many")) == (105, 2)
    pages = [page async for page in asp.skills.get_many(units[:50], page_size=40).pages()]
    assert [len(page) for page in pages] == [40, 10]
    assert all(any(each.skill.id == SKILL for each in unit.enablements) for page in pages for unit in page)
    assert [unit.item_id for page in pages for unit in page] == [str(number) for number in range(50)]
    # One unknown unit refuses the whole batch.
    with pytest.raises(errors.NotFound):
        await asp.skills.disable_many(SKILL, [units[0], "unknown"])
    assert (await asp.skills.get(SKILL, units[0])).status == "ENABLED"
    await asp.skills.disable_many(SKILL, units[:100])
    assert [SKILL in {skill for skill, *_ in await skills_of(asp, unit)} for unit in (units[0], units[104])] == [
        False,
        True,
    ]


async def test_a_code_links_an_account_once_and_is_not_recorded(asp: SmartProperties, sim: Simulator) -> None:
    await asp.skills.enable_many(SKILL, [EnablementRequest(sim.rooms[0], "10-101", LINK), sim.rooms[1]])
    assert isinstance(body := sim.calls[-1].body, dict)
    assert body["items"][0]["accountLinkRequest"]["authCode"] == "…"
    with pytest.raises(errors.BadRequest, match="used already"):
        await asp.skills.enable(SKILL, sim.rooms[1], account_link_request=LINK)


async def test_a_property_has_one_subscription(asp: SmartProperties, sim: Simulator, seconds: list[float]) -> None:
    assert set(SUBSCRIPTIONS) == set(SUBSCRIPTION_SKILLS.values())
    hotel = await asp.units.create(sim.organization_id, "Hotel")
    subscription, other = SUBSCRIPTION_SKILLS["hospitality", "DE"], SUBSCRIPTION_SKILLS["seniorLiving", "DE"]
    sim.delay_effect(60, "skills.enable")
    needs_a_subscription: list[Callable[[], Awaitable[object]]] = [
        lambda: asp.units.create(hotel, "Floor 1"),
        lambda: asp.skills.enable(SKILL, hotel),
        lambda: asp.skills.enable_many(SKILL, [hotel]),
        lambda: asp.endpoints.associate(sim.endpoints[0], hotel),
    ]
    for call in needs_a_subscription:
        with pytest.raises(errors.BadRequest, match="has no subscription"):
            await call()
    await asp.skills.enable(subscription, hotel)
    for call in needs_a_subscription:
        with pytest.raises(errors.BadRequest, match="not yet initialized"):
            await call()
    # What works without one.
    await asp.units.update(hotel, "Grand Hotel")
    assert (await asp.units.list(hotel)).items == ()
    assert [role.role_name async for role in asp.roles.list(hotel)] == ["A4P.UnitAdmin"]
    seconds[0] += 60
    await asp.endpoints.associate(sim.endpoints[0], hotel)
    floor = await asp.units.create(hotel, "Floor 1")
    with pytest.raises(errors.BadRequest, match="another subscription"):
        await asp.skills.enable(other, hotel)
    with pytest.raises(errors.BadRequest, match="below the organization"):
        await asp.skills.enable(subscription, floor)
    for disable in (asp.skills.disable(subscription, hotel), asp.skills.disable_many(subscription, [hotel])):
        with pytest.raises(errors.Forbidden, match="Only Amazon"):
            await disable
    # Those of the seed have one.
    [seeded] = await skills_of(asp, sim.tree.units[sim.tree.organization.children[0].id].id)
    assert seeded == (SUBSCRIPTION_SKILLS["hospitality", "US"], "live", "ENABLED")


INVALID: list[dict[str, Any]] = [
    {"unitId": "ROOM"},
    {"unitId": "ROOM", "stage": "beta"},
    {"unitId": 5, "stage": "live"},
    {"unitId": "ROOM", "stage": "live", "partitionName": 5},
    {"unitId": "ROOM", "stage": "live", "accountLinkRequest": {"type": "AUTH_CODE", "authCode": "c"}},
    {
        "unitId": "ROOM",
        "stage": "live",
        "accountLinkRequest": {"type": "PIN", "authCode": "c", "redirectUri": "https://example.com"},
    },
    {"unitId": "ROOM", "stage": "live", "nameFreeInvocationRequest": {"locales": [5]}},
]


async def test_rejects_invalid_requests(asp: SmartProperties, sim: Simulator) -> None:
    room = sim.rooms[0]
    path = f"/v1/skills/{SKILL}/enablements"
    good = {"itemId": 0, "unitId": room, "stage": "live"}
    for body in INVALID:
        bad = {name: room if value == "ROOM" else value for name, value in body.items()}
        assert (await asp.request("POST", path, json=bad)).status_code == 400, bad
        both = {"items": [good, {"itemId": 1, **bad}]}
        assert (await asp.request("POST", f"{path}/batch", json=both)).status_code == 400, bad
    for query in ({}, {"unitId": room, "stage": "beta"}, {"unitId": room, "expand": "all"}):
        assert (await asp.request("GET", path, params=query)).status_code == 400, query
    many = {"items": [{**good, "itemId": number} for number in range(101)]}
    assert (await asp.request("POST", f"{path}/batch", json=many)).status_code == 400
    assert len(await skills_of(asp, room)) == 1
    sim.set_forbidden(room)
    with pytest.raises(errors.Forbidden):
        await asp.skills.enable(SKILL, room)
