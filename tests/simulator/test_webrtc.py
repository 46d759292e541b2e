"""Service providers, their mappings and their users: one life, and what is refused."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.simulator.smart_properties.communications import PROFILES
from alexa_props.smart_properties.webrtc import DisplayName, SkillConfiguration

CARE, NURSES = DisplayName("en-US", "Care"), DisplayName("en-US", "Nurses")


async def refused(kind: type[errors.ApiError], call: Awaitable[Any]) -> None:
    with pytest.raises(kind):
        await call


async def test_a_service_provider_is_registered_connected_and_deleted_last(sim: Simulator) -> None:
    async with sim.smart_properties() as asp:
        provider_id = await asp.service_providers.create("care", display_name=[CARE])
        await refused(errors.Conflict, asp.service_providers.create("care"))
        await asp.service_providers.update(provider_id, [NURSES])
        provider = await asp.service_providers.get(provider_id)
        assert (provider.service_provider_logical_id, provider.display_name) == ("care", (NURSES,))

        await refused(errors.NotFound, asp.network_mappings.get(provider))
        await refused(errors.NotFound, asp.network_mappings.update(provider, "skill-1"))
        await asp.network_mappings.create(provider, "skill-1")
        await refused(errors.Conflict, asp.network_mappings.create(provider, "skill-2"))
        await asp.network_mappings.update(provider, "skill-2")
        mapping = await asp.network_mappings.get(provider)
        assert mapping.skill_configuration == SkillConfiguration("skill-2")

        await refused(errors.BadRequest, asp.service_providers.delete(provider))
        await asp.network_mappings.delete(provider)
        await refused(errors.NotFound, asp.network_mappings.delete(provider))
        await asp.service_providers.delete(provider)
        await refused(errors.NotFound, asp.service_providers.get(provider))
        await refused(errors.NotFound, asp.network_mappings.create(provider, "skill-1"))


async def test_users_are_associated_found_moved_and_deleted(sim: Simulator) -> None:
    async with sim.smart_properties() as asp:
        provider_id, (profile, new, _) = await asp.service_providers.create("care"), PROFILES.ids(sim)
        users = [str(number) for number in range(12)]
        for user in users:
            await asp.account_associations.create(provider_id, user, profile)
        await refused(errors.Conflict, asp.account_associations.create(provider_id, "3", new))
        await refused(errors.NotFound, asp.account_associations.create(provider_id, "12", "unknown"))
        await refused(errors.NotFound, asp.account_associations.update(provider_id, "3", "unknown"))
        await refused(errors.NotFound, asp.account_associations.update(provider_id, "unknown", new))
        await asp.account_associations.update(provider_id, "3", new)
        await asp.account_associations.delete(provider_id, "4")
        await refused(errors.NotFound, asp.account_associations.delete(provider_id, "4"))

        found = {
            association.external_user_id: association.amazon_id
            async for association in asp.account_associations.query(provider_id, [*users, "unknown"])
        }
        assert found == {**{user: profile for user in users if user != "4"}, "3": new}
        # More users than fit into a page.
        assert sum(call.operation == "account_associations.query" for call in sim.calls) == 2
        await refused(errors.BadRequest, asp.service_providers.delete(provider_id))
        # A deleted profile takes its associations with it.
        for each in (profile, new):
            await asp.communication_profiles.delete(each)
        await asp.service_providers.delete(provider_id)


BAD: list[tuple[str, str, object]] = [
    ("POST", "", {}),
    ("POST", "", {"serviceProviderLogicalId": "a", "displayName": {"en-US": "A"}}),
    ("POST", "", {"serviceProviderLogicalId": "a", "displayName": [{"locale": "en-US"}]}),
    ("PUT", "/ID", {"serviceProviderLogicalId": "a"}),
    ("PUT", "/ID/network", {"networkType": "SKILL"}),
    ("PUT", "/ID/network", {"networkType": "SIP", "skillConfiguration": {"skillId": "s"}}),
    ("POST", "/ID/externalUsers", {"externalUserId": "1", "amazonId": "PROFILE"}),
    ("POST", "/ID/externalUsers/query", {"filters": {"externalUserIds": []}}),
    ("POST", "/ID/externalUsers/query", {"filters": {"externalUserIds": [1]}}),
    ("POST", "/ID/externalUsers/query", {"filters": [{"externalUserIds": ["1"]}]}),
    ("DELETE", "/ID/externalUsers", None),
]


@pytest.mark.parametrize(("method", "path", "body"), BAD)
async def test_rejects_invalid_requests(
    api: httpx.AsyncClient, sim: Simulator, method: str, path: str, body: object
) -> None:
    async with sim.smart_properties() as asp:
        provider_id = await asp.service_providers.create("care")
        await asp.network_mappings.create(provider_id, "skill-1")
    target = f"/v1/communications/serviceProviders{path.replace('ID', provider_id)}"
    response = await api.request(method, target, json=body)
    assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST")
