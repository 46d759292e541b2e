"""SIP trunks and extensions on the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from alexa_props import RetryPolicy, SmartProperties, errors
from alexa_props.simulator import Simulator
from alexa_props.simulator.smart_properties.communications import PROFILES
from alexa_props.simulator.smart_properties.pbx import TRUNKS
from alexa_props.smart_properties.pbx import ExtensionMapping, FqdnPeer, IpPeer, SipTrunk, Tls

TRUNK = "/v1/communications/network/siptrunk"
TLS = [Tls("primary", "-----BEGIN CERTIFICATE----- ...")]


@pytest.fixture
async def asp(sim: Simulator) -> AsyncIterator[SmartProperties]:
    async with sim.smart_properties(retry=RetryPolicy(max_attempts=1)) as asp:
        yield asp


async def test_a_trunk_is_created_replaced_and_deleted(asp: SmartProperties, sim: Simulator) -> None:
    trunks, peers = asp.sip_trunks, [IpPeer("pbx1", "203.0.113.10", 5061), IpPeer("pbx2", "203.0.113.11", 5061)]
    created = await trunks.create(TLS, peers)
    assert created is not None
    found = await trunks.get(created)
    assert found == SipTrunk(created.id, "ACTIVE", tuple(TLS), tuple(peers))
    assert [trunk.id async for trunk in trunks.list(page_size=2)] == [*TRUNKS.ids(sim)[:2], created.id]
    await trunks.update(created, TLS, FqdnPeer("pbx.example.com", 5061))
    replaced = await trunks.get(created)
    assert replaced == SipTrunk(created.id, "ACTIVE", tuple(TLS), peer=FqdnPeer("pbx.example.com", "5061"))
    await trunks.delete(replaced)
    for call in (trunks.get(created), trunks.delete(created), trunks.update(created, TLS, peers)):
        with pytest.raises(errors.NotFound):
            await call


async def test_extensions_are_mapped_to_profiles_that_exist(asp: SmartProperties, sim: Simulator) -> None:
    trunk, mappings, (profile, other, _) = TRUNKS.ids(sim)[0], asp.extension_mappings, PROFILES.ids(sim)
    for extension in range(4102, 4115):
        await mappings.create(trunk, str(extension), profile)
    # The simulator lists ten at a time, and the client follows the token.
    assert [each.extension async for each in mappings.list(trunk)] == [str(number) for number in range(4101, 4115)]
    with pytest.raises(errors.Conflict, match=r"extension_mappings\.create\('4102'\)"):
        await mappings.create(trunk, "4102", other)
    await mappings.update(trunk, "4102", other)
    assert await mappings.get(trunk, "4102") == ExtensionMapping("4102", other, "communication-profile")
    await mappings.delete(trunk, "4102")
    for call in (
        mappings.get(trunk, "4102"),
        mappings.update(trunk, "4102", other),
        mappings.delete(trunk, "4102"),
        mappings.create(trunk, "4102", "unknown"),
        mappings.create("unknown", "4102", other),
        mappings.list("unknown"),
    ):
        with pytest.raises(errors.NotFound):
            await call
    sim.set_forbidden(sim.rooms[1])
    with pytest.raises(errors.Forbidden):
        await mappings.create(trunk, "4102", other)


async def test_a_trunk_with_extensions_is_not_deleted(asp: SmartProperties, sim: Simulator) -> None:
    trunk = TRUNKS.ids(sim)[0]
    with pytest.raises(errors.BadRequest, match="has extensions"):
        await asp.sip_trunks.delete(trunk)
    async for mapping in asp.extension_mappings.list(trunk):
        await asp.extension_mappings.delete(trunk, mapping.extension or "")
    await asp.sip_trunks.delete(trunk)


async def test_a_reset_restores_trunks_and_extensions(asp: SmartProperties, sim: Simulator) -> None:
    trunk, spare = TRUNKS.ids(sim)
    await asp.communication_profiles.delete(PROFILES.ids(sim)[0])
    await asp.sip_trunks.delete(spare)
    assert [each async for each in asp.extension_mappings.list(trunk)] == []
    sim.reset()
    assert [each.profile_id async for each in asp.extension_mappings.list(trunk)] == PROFILES.ids(sim)[:1]
    assert TRUNKS.ids(sim) == [trunk, spare]


async def test_rejects_invalid_requests(api: httpx.AsyncClient, sim: Simulator) -> None:
    tls, peer = {"name": "a", "certificateChain": "c"}, {"name": "b", "port": "5061"}
    good = {"tls": [tls], "peer": peer}
    bad: list[Any] = [
        [],
        {"tls": [tls]},
        {**good, "tls": []},
        {**good, "tls": [tls, {"name": "a"}]},
        {**good, "peers": [{**peer, "ip": "203.0.113.10"}]},
        {**good, "peer": {**peer, "port": 5061}},
        {"tls": [tls], "peers": []},
        {"tls": [tls], "peers": [peer]},
    ]
    trunk = TRUNKS.ids(sim)[0]
    for body in bad:
        assert (await api.post(TRUNK, json=body)).status_code == 400, body
        assert (await api.put(f"{TRUNK}/{trunk}", json=body)).status_code == 400, body
    assert len(TRUNKS.ids(sim)) == 2
    mapping = {"routingType": "communication-profile", "commsProfileId": PROFILES.ids(sim)[0]}
    for name in mapping:
        for value in (None, "", 5):
            response = await api.put(f"{TRUNK}/{trunk}/extension/4101", json={**mapping, name: value})
            assert response.status_code == 400, (name, value)
