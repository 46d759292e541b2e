"""Calling on the simulator: profiles, and what depends on them in this group and in that of the PBX."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from alexa_props import RetryPolicy, SmartProperties, errors, fleet
from alexa_props.simulator import Simulator
from alexa_props.simulator.smart_properties.address_books import ADDRESS_BOOKS, CONTACTS
from alexa_props.simulator.smart_properties.communications import PROFILES
from alexa_props.smart_properties.address_books import Contact
from alexa_props.smart_properties.communications import BlockingRule, CommunicationProfile, NewProfile, Toggle

PROFILE = "/v1/communications/profile"


@pytest.fixture
def contact(sim: Simulator) -> str:
    """A contact with a phone number."""
    return CONTACTS.ids(sim, ADDRESS_BOOKS.ids(sim)[0])[0]


@pytest.fixture
async def asp(sim: Simulator) -> AsyncIterator[SmartProperties]:
    async with sim.smart_properties(retry=RetryPolicy(max_attempts=1)) as asp:
        yield asp


async def test_a_profile_is_created_once_found_by_its_unit_renamed_and_deleted(
    asp: SmartProperties, sim: Simulator
) -> None:
    profiles, room = asp.communication_profiles, sim.rooms[5]
    with pytest.raises(errors.NotFound, match="no communication profile"):
        await profiles.get_for_unit(room)
    created = await profiles.create(room)
    assert (created.unit_id, created.name) == (room, "Guest")
    assert created.id.startswith("amzn1.alexa.communications.profile.did.A")
    assert sim.calls[-1].unit_id == room
    renamed = CommunicationProfile(created.id, room, "Room 9")
    assert await profiles.create(room, name="Room 9") == renamed
    assert await profiles.create(room) == renamed
    await profiles.update(created, "Suite")
    suite = CommunicationProfile(created.id, room, "Suite")
    assert await profiles.get(created.id) == await profiles.get_for_unit(room) == suite
    await profiles.delete(suite)
    for call in (profiles.get(suite), profiles.get_for_unit(room), profiles.update(suite, "S"), profiles.delete(suite)):
        with pytest.raises(errors.NotFound):
            await call
    assert (await profiles.create(room)).id != created.id
    sim.reset()
    assert (await profiles.create(room)).id == created.id


async def test_a_fleet_creates_profiles_and_reports_the_units_that_failed(asp: SmartProperties, sim: Simulator) -> None:
    new = [NewProfile(room, f"Room {number}") for number, room in enumerate([*sim.rooms, "unknown"])]
    create_many = asp.communication_profiles.create_many
    async with fleet.run_many(create_many, new, size=20, key=lambda each: str(each.unit_id)) as run:
        failed = {outcome.key: outcome.error async for outcome in run if outcome.error is not None}
    assert set(failed) == {"unknown"}
    assert isinstance(failed["unknown"], errors.NotFound)
    found = [await asp.communication_profiles.get_for_unit(room) for room in sim.rooms]
    assert [profile.name for profile in found if profile] == [each.name for each in new[:-1]]
    # Those that the first rooms had were renamed.
    assert PROFILES.ids(sim)[:2] == [profile.id for profile in found[:2] if profile]


async def test_profiles_of_units_without_permission_are_refused(
    asp: SmartProperties, sim: Simulator, contact: str
) -> None:
    mine, theirs = PROFILES.ids(sim)[:2]
    sim.set_forbidden(sim.rooms[1])
    for call in (
        asp.communication_profiles.create(sim.rooms[1]),
        asp.communication_profiles.create_many([NewProfile(sim.rooms[1])]),
        asp.communication_profiles.get_for_unit(sim.rooms[1]),
        asp.communication_profiles.get(theirs),
        asp.reciprocal_associations.create(theirs, contact),
        asp.drop_in_preferences.set(mine, theirs, "ENABLED"),
        asp.blocking_rules.set(theirs, mine, "ENABLED"),
    ):
        with pytest.raises(errors.Forbidden):
            await call


async def test_a_contact_can_call_once_the_association_is_in_effect(
    asp: SmartProperties, sim: Simulator, contact: str, seconds: list[float]
) -> None:
    profile, other = PROFILES.ids(sim)[:2]
    associations = asp.reciprocal_associations
    for call in (associations.get(profile, contact), associations.delete(profile, contact)):
        with pytest.raises(errors.NotFound):
            await call
    sim.delay_effect(5, "reciprocal_associations.create")
    created = await associations.create(profile, contact)
    seconds[0] += 4
    repeated = await associations.create(profile, contact)
    assert [each and each.status for each in (created, repeated)] == ["PENDING", "PENDING"]
    seconds[0] += 1
    found = await associations.get(profile, contact)
    assert (found.status, found.raw) == ("ACTIVE", {"contact": {"id": contact}, "status": "ACTIVE"})
    with pytest.raises(errors.NotFound):
        await associations.get(other, contact)
    await associations.delete(profile, contact)
    with pytest.raises(errors.NotFound):
        await associations.get(profile, contact)


async def test_drop_in_and_blocking_are_set_for_pairs_of_profiles(asp: SmartProperties, sim: Simulator) -> None:
    first, second, third = PROFILES.ids(sim)
    drop_in, blocking = asp.drop_in_preferences, asp.blocking_rules
    await drop_in.set(first, second, "ENABLED")
    assert (await drop_in.get(first, second)).value is Toggle.ENABLED
    assert (await drop_in.get(second, first)).value is Toggle.DISABLED

    for target, value in ((second, Toggle.ENABLED), (third, Toggle.ENABLED), (second, Toggle.DISABLED)):
        await blocking.set(first, target, value)
    rules = [BlockingRule(second, Toggle.DISABLED), BlockingRule(third, Toggle.ENABLED)]
    assert [rule async for rule in blocking.list(first, page_size=1)] == rules
    [enabled] = [rule async for rule in blocking.list(first, value="ENABLED")]
    assert (enabled, type(enabled.value)) == (rules[1], Toggle)
    assert [rule async for rule in blocking.list(second)] == []


async def test_what_points_at_a_deleted_profile_is_deleted_too(
    asp: SmartProperties, sim: Simulator, contact: str
) -> None:
    profile, other = PROFILES.ids(sim)[:2]
    book, pointing = ADDRESS_BOOKS.ids(sim)[0], Contact("Room", alexa_communication_profile_id=profile)
    pointing_id = await asp.contacts.create(book, pointing)
    await asp.drop_in_preferences.set(other, profile, "ENABLED")
    await asp.blocking_rules.set(other, profile, "ENABLED")
    (trunk, _) = await asp.sip_trunks.list()
    await asp.extension_mappings.create(trunk, "4102", other)
    mapped = [mapping.extension async for mapping in asp.extension_mappings.list(trunk)]
    await asp.communication_profiles.delete(profile)
    left = [mapping.extension async for mapping in asp.extension_mappings.list(trunk)]
    assert (mapped, left) == (["4101", "4102"], ["4102"])
    assert [rule async for rule in asp.blocking_rules.list(other)] == []
    for call in (
        asp.drop_in_preferences.get(other, profile),
        asp.drop_in_preferences.set(profile, other, "ENABLED"),
        asp.blocking_rules.set(other, profile, "ENABLED"),
        asp.reciprocal_associations.create(profile, contact),
        asp.reciprocal_associations.create(other, pointing_id),
        asp.contacts.get(book, pointing_id),
        asp.contacts.create(book, pointing),
        asp.contacts.create_many(book, [pointing]),
        asp.contacts.update(book, contact, pointing),
        asp.extension_mappings.create(trunk, "4103", profile),
        asp.extension_mappings.update(trunk, "4102", profile),
    ):
        with pytest.raises(errors.NotFound):
            await call


BAD = [
    ("GET", "", None),
    ("GET", "?entity.type=ROOM&entity.id=UNIT", None),
    ("GET", "?entity.type=UNIT", None),
    ("POST", "", {"name": "A"}),
    ("POST", "", {"entity": {"type": "ROOM", "id": "UNIT"}}),
    ("POST", "", {"entity": {"type": "UNIT", "id": "UNIT"}, "name": 5}),
    ("PUT", "/ID", {"name": ""}),
    ("PUT", "/ID", {}),
    ("POST", "/ID/reciprocalAssociations", {"contact": "c"}),
    ("GET", "/ID/reciprocalAssociations", None),
    ("GET", "/ID/contacts/settings/DropIn", None),
    ("PUT", "/ID/contacts/settings/DropIn?alexaCommunicationProfileId=ID", {"value": True}),
    ("PUT", "/ID/contacts/settings/Block?alexaCommunicationProfileId=ID", {"value": "enabled"}),
    ("PUT", "/ID/contacts/settings/Block", {"value": "ENABLED"}),
    ("GET", "/ID/contacts/settings/Block?value=enabled", None),
]


async def test_rejects_invalid_requests(api: httpx.AsyncClient, sim: Simulator) -> None:
    profile = PROFILES.ids(sim)[0]
    for method, path, body in BAD:
        response = await api.request(method, f"{PROFILE}{path}".replace("ID", profile), json=body)
        assert response.status_code == 400, (method, path, body)
    item = {"itemId": "a", "entity": {"type": "UNIT", "id": sim.rooms[3]}}
    unnamed = {name: member for name, member in item.items() if name != "itemId"}
    for items in ([], [item] * 101, [unnamed], [item, {**item, "entity": {"id": "u"}}], [item, {**item, "name": 5}]):
        response = await api.post("/v1/communications/profiles/batch", json={"items": items})
        assert response.status_code == 400, items
    query = {"entity.type": "UNIT", "entity.id": sim.rooms[3]}
    assert (await api.get(PROFILE, params=query)).status_code == 404
