"""What is deleted with a unit, an endpoint, a profile or a contact, whichever group stores it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from alexa_props import SmartProperties, errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.address_books import Contact
from alexa_props.smart_properties.campaigns import TextWrappingCard
from tests.wire import ONCE, clients

CARD = {"en-US": TextWrappingCard(primary_text="Pool")}


@pytest.fixture
async def asp(sim: Simulator) -> AsyncIterator[SmartProperties]:
    async with sim.smart_properties(retry=ONCE) as asp:
        yield asp


async def gone(*calls: Awaitable[Any]) -> None:
    for call in calls:
        with pytest.raises(errors.NotFound):
            await call


async def test_a_unit_takes_along_what_was_made_for_it(
    asp: SmartProperties, sim: Simulator, seconds: list[float]
) -> None:
    on, (room, other) = clients(sim), sim.rooms[:2]
    before = [each.id async for each in asp.device_groups.list(other)]
    [automation] = [each async for each in asp.automations.list(room)]
    [subscription] = [each async for each in asp.event_subscriptions.list(unit_id=room)]
    [campaign] = [each async for each in asp.campaigns.query([room])]
    for_both = await asp.campaigns.create([room, other], CARD)
    profile = await asp.communication_profiles.get_for_unit(room)
    assert profile is not None
    session = await asp.discovery_sessions.create(room, "amzn1.ask.skill.one")
    endpoints, icons = sim.endpoints_in(room), on.device_group
    sim.delay_effect(60, "campaigns.delete")
    await asp.campaigns.delete(campaign)

    await asp.units.delete(room)
    await gone(
        asp.automations.get(automation),
        asp.event_subscriptions.get(subscription),
        asp.campaigns.get(campaign),
        asp.communication_profiles.get(profile),
        asp.discovery_sessions.get(session),
        asp.device_groups.rename(icons, "Group"),
        asp.device_groups.list(room),
    )
    assert [each async for each in asp.event_subscriptions.list()] == []
    seconds[0] += 60
    assert (await asp.campaigns.get(for_both)).unit_ids == (other,)
    assert [each.id async for each in asp.device_groups.list(other)] == before
    assert [each.id for each in sim.tree.unassigned][: len(endpoints)] == endpoints
    # A reset brings all of it back, under the same ids.
    sim.reset()
    assert [each async for each in asp.automations.list(room)] == [automation]
    assert await asp.communication_profiles.get(profile) == profile


async def test_what_the_seed_makes_on_first_use_is_not_that_of_the_next_room(
    asp: SmartProperties, sim: Simulator
) -> None:
    room, other = sim.rooms[:2]
    await asp.units.delete(room)
    assert [each async for each in asp.automations.list(other)] == []
    assert [each.unit_ids async for each in asp.campaigns.list()] == [(other,)]
    async with Simulator(rooms=0, seed=7) as empty, empty.smart_properties() as on_empty:
        floor = await on_empty.units.create(empty.units[1], "Floor")
        first = await on_empty.units.create(floor, "Room")
        assert [each async for each in on_empty.automations.list(first)] == []
        assert [each async for each in on_empty.device_groups.list(first)] == []


@pytest.mark.parametrize("new_ids", [True, False])
async def test_an_endpoint_leaves_its_groups_when_it_moves_or_is_removed(
    asp: SmartProperties, sim: Simulator, new_ids: bool
) -> None:
    sim.new_endpoint_ids = new_ids
    room, (first, second) = sim.rooms[0], sim.endpoints_in(sim.rooms[0])
    group = await asp.device_groups.create(room, "Group", [first, second])

    async def members() -> list[str]:
        found = [each async for each in asp.device_groups.list(room, expand="all") if each.id == group]
        return [device.id for device in found[0].member_devices]

    await asp.endpoints.associate(second, room)
    assert await members() == [first, second]
    await asp.endpoints.associate(second, sim.rooms[1])
    assert await members() == [first]
    await asp.endpoints.forget(first)
    assert await members() == []


async def test_a_contact_takes_along_its_inbound_calls(asp: SmartProperties, sim: Simulator) -> None:
    on = clients(sim)
    profile, association = on.profile, asp.reciprocal_associations
    book = await asp.address_books.create("Bar")
    first, second = [await asp.contacts.create(book, Contact("Bar", phone_numbers=["+12055551233"])) for _ in "12"]
    for contact in (first, second):
        await association.create(profile, contact)
    await asp.contacts.delete(book, first)
    await gone(association.get(profile, first), asp.contacts.get(book, first))
    assert (await association.get(profile, second)).status == "ACTIVE"
    await asp.address_books.delete(book)
    await gone(association.get(profile, second))


async def test_a_profile_takes_along_the_users_of_service_providers(asp: SmartProperties, sim: Simulator) -> None:
    on, associations = clients(sim), asp.account_associations
    await associations.create(on.service_provider, "1", on.target_profile)
    await asp.communication_profiles.delete(on.profile)
    found = [each.external_user_id async for each in associations.query(on.service_provider, [on.external_user, "1"])]
    assert found == ["1"]


async def test_what_belongs_to_a_forbidden_unit_is_hidden_and_refused(asp: SmartProperties, sim: Simulator) -> None:
    on, room = clients(sim), sim.rooms[0]
    [trunk, *_] = await asp.sip_trunks.list()
    [extension] = [each.extension async for each in asp.extension_mappings.list(trunk)]
    campaign = await asp.campaigns.create(sim.rooms[:3], CARD)
    associations, provider, user = asp.account_associations, on.service_provider, on.external_user
    assert extension is not None
    sim.set_forbidden(room)
    for call in (
        asp.extension_mappings.get(trunk, extension),
        asp.extension_mappings.update(trunk, extension, on.target_profile),
        asp.extension_mappings.delete(trunk, extension),
        associations.update(provider, user, on.target_profile),
        associations.delete(provider, user),
        asp.campaigns.get(campaign),
        asp.campaigns.delete(campaign),
        asp.endpoints.query({"match": {"associatedUnits.id": room}}),
    ):
        with pytest.raises(errors.Forbidden):
            await call
    assert [each async for each in asp.extension_mappings.list(trunk)] == []
    assert [each async for each in associations.query(provider, [user])] == []
    assert campaign not in [each.campaign_id async for each in asp.campaigns.list()]
