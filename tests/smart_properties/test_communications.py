"""Calling between units: batches of profiles, responses that are not documented, and bad input."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.communications import CommunicationProfile, NewProfile
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, answer, smart_properties


async def test_a_batch_of_profiles_has_1_to_100_units() -> None:
    service = Service(answer(202))
    profiles = smart_properties(service).communication_profiles
    units = [NewProfile(Unit(f"u{number}")) for number in range(101)]
    await profiles.create_many(iter(units[:100]))
    assert [item["itemId"] for item in service.seen[0].json["items"]] == [*range(100)]
    nothing: list[Any] = [[], units, None, "u", {"u": 1}, ["u"], [Unit("u")], [units[0], None]]
    for refused in nothing:
        with pytest.raises(errors.ConfigurationError, match=r"^profiles(\[[01]\])? must be "):
            await profiles.create_many(refused)
    with pytest.raises(errors.ConfigurationError, match=r"^unit_id must be an id"):
        await profiles.create_many([units[0], NewProfile("")])
    assert len(service.seen) == 1


async def test_an_error_names_the_first_unit_of_a_batch_and_how_many_more() -> None:
    profiles = smart_properties(Service(400)).communication_profiles
    for units, named in ((["a"], "'a'"), (["a", "b", "c"], "'a and 2 more'")):
        with pytest.raises(errors.BadRequest, match=rf"^communication_profiles\.create_many\({named}\): 400"):
            await profiles.create_many([NewProfile(unit) for unit in units])


PROFILES: list[tuple[Any, CommunicationProfile | None]] = [
    ({"profileId": {"profileId": "p"}}, CommunicationProfile("p")),
    ({"profileId": "p", "entity": {"type": "UNIT", "id": "u"}, "name": "N"}, CommunicationProfile("p", "u", "N")),
    ({"profileId": {"profileId": "p"}, "entity": "u", "name": None, "more": 1}, CommunicationProfile("p")),
    ({"profileId": None}, None),
    ({"profileId": {"profileId": ""}}, None),
    ({}, None),
]


@pytest.mark.parametrize(("body", "expected"), PROFILES)
async def test_a_response_without_an_id_is_no_profile(body: Any, expected: CommunicationProfile | None) -> None:
    profiles = smart_properties(Service(answer(json=body))).communication_profiles
    found = await profiles.get_for_unit("u")
    assert found == expected
    if found is not None:
        assert found.raw == body
        assert await profiles.get(found) == expected
        return
    with pytest.raises(errors.DecodeError, match="has no profileId"):
        await profiles.get("p")


async def test_rejects_invalid_toggles() -> None:
    service = Service(204)
    asp = smart_properties(service)
    bad: list[Any] = ["enabled", "", True, 5]
    for value in bad:
        for send in (
            lambda value=value: asp.drop_in_preferences.set("p", "q", value),
            lambda value=value: asp.blocking_rules.set("p", "q", value),
            lambda value=value: asp.blocking_rules.list("p", value=value),
        ):
            with pytest.raises(errors.ConfigurationError, match=r'^value must be one of "ENABLED", "DISABLED", not '):
                await send()
    nothing: Any = None
    with pytest.raises(errors.ConfigurationError, match=r"needs value$"):
        await asp.blocking_rules.set("p", "q", nothing)
    with pytest.raises(errors.ConfigurationError, match=r"needs name$"):
        await asp.communication_profiles.update("p", nothing)
    assert service.seen == []


async def test_profiles_are_created_again_after_a_lost_response_and_associations_are_not() -> None:
    service = Service(502, answer(201, {"profileId": {"profileId": "p"}}))
    asp = smart_properties(service)
    assert await asp.communication_profiles.create("u") == CommunicationProfile("p")
    assert len(service.seen) == 2
    service = Service(502)
    asp = smart_properties(service)
    with pytest.raises(errors.ServerError, match=r"check with reciprocal_associations\.get whether it took effect"):
        await asp.reciprocal_associations.create("p", "c")
    assert len(service.seen) == 1
