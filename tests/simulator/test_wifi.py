"""Wi-Fi: networks saved, assigned, listed and forgotten."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.wifi import (
    CertificateAuthorityRef,
    CredentialConfiguration,
    KeyManagement,
    WifiConfiguration,
)
from tests.wire import ONCE

PASSWORD = "hunter2-hunter2"
GUEST = WifiConfiguration("Guest", credential_configuration=CredentialConfiguration(private_shared_key=PASSWORD))
SAVE = "/credentiallocker/v2/saveWifiConfigurations"


async def test_a_network_replaces_another(sim: Simulator, seconds: list[float]) -> None:
    wifi, endpoint = sim.smart_properties(retry=ONCE).wifi, sim.endpoints[0]
    [first] = (await wifi.list(endpoint)).wifi_configurations
    with pytest.raises(errors.BadRequest):
        await wifi.assign(endpoint, [GUEST])
    await wifi.save([GUEST])
    for other in (WifiConfiguration("Guest", KeyManagement.NONE), WifiConfiguration("guest")):
        with pytest.raises(errors.BadRequest):
            await wifi.assign(endpoint, [GUEST, other])

    sim.delay_effect(30, "wifi.assign")
    operation_id = await wifi.assign(endpoint, [WifiConfiguration("Guest", priority=3)])
    assert operation_id is not None
    in_progress = await wifi.get_status(endpoint, operation_id)
    assert (await wifi.list(endpoint)).wifi_configurations == (first,)
    seconds[0] += 30
    done = await wifi.get_status(endpoint, operation_id)
    assert (in_progress.status, done.status, done.raw["submittedOperationId"]) == (
        "IN_PROGRESS",
        "SUCCEEDED",
        operation_id,
    )
    assert (await wifi.list(endpoint)).wifi_configurations == (first, WifiConfiguration("Guest", priority=3))
    for endpoint_id, id_ in ((endpoint, "nobody"), (sim.endpoints[1], operation_id)):
        with pytest.raises(errors.NotFound):
            await wifi.get_status(endpoint_id, id_)

    # Its networks survive a move, since the device stays online.
    moved = await sim.smart_properties().endpoints.associate(endpoint, sim.rooms[1])
    assert moved is not None
    assert (await wifi.get_status(moved, operation_id)).status == "SUCCEEDED"
    await wifi.forget(moved, [first])
    await wifi.forget(moved, [first, WifiConfiguration("nothing")])
    assert [each.ssid for each in (await wifi.list(moved)).wifi_configurations] == ["Guest"]
    await wifi.forget(moved, [GUEST], quoted=False)
    assert (await wifi.list(moved)).wifi_configurations == ()
    # Without a network it cannot be reached.
    with pytest.raises(errors.DeviceUnreachable):
        await wifi.assign(moved, [GUEST])


async def test_an_endpoint_has_at_most_32_networks(sim: Simulator) -> None:
    wifi, endpoint = sim.smart_properties(retry=ONCE).wifi, sim.endpoints[0]
    networks = [WifiConfiguration(f"n{number}", "NONE") for number in range(32)]
    await wifi.save(networks)
    with pytest.raises(errors.BadRequest, match="32"):
        await wifi.assign(endpoint, networks)
    await wifi.assign(endpoint, networks[:31])
    await wifi.assign(endpoint, networks[:31])
    assert len((await wifi.list(endpoint)).wifi_configurations) == 32
    sim.reset()
    with pytest.raises(errors.BadRequest, match="saved"):
        await wifi.assign(endpoint, networks[:1])


async def test_enterprise_networks_need_a_certificate_authority(sim: Simulator) -> None:
    asp = sim.smart_properties(retry=ONCE)
    authority_id = await asp.certificate_authorities.create("Campus", rotation_months=6)
    authority = await asp.certificate_authorities.get(authority_id)
    credentials = CredentialConfiguration(certificate_authority=CertificateAuthorityRef(authority))
    campus = WifiConfiguration("Campus", "WPA2_EAP", credential_configuration=credentials)
    await asp.wifi.save([campus])
    await asp.certificate_authorities.delete(authority)
    with pytest.raises(errors.NotFound, match="certificate authority"):
        await asp.wifi.save([campus])


async def test_no_password_is_recorded_or_stored(sim: Simulator, api: httpx.AsyncClient) -> None:
    await sim.smart_properties().wifi.save([GUEST])
    malformed = {"wifiConfigurations": [{"ssid": "x", "credentialConfiguration": {"privateKey": PASSWORD}}]}
    assert (await api.post(SAVE, json=malformed)).status_code == 400
    assert [call.operation for call in sim.calls][-2:] == ["wifi.save", "wifi.save"]
    assert sim.calls[-2].body == {
        "wifiConfigurations": [{"ssid": '"Guest"', "keyManagement": "WPAPSK", "credentialConfiguration": "…"}]
    }
    shown = (await api.get("/_simulator/calls")).text
    assert "Guest" in shown
    assert "hunter2" not in shown + repr(sim.calls) + repr(vars(sim.store))


WPA: dict[str, Any] = {"ssid": '"a"', "keyManagement": "WPAPSK"}
MALFORMED: list[Any] = [
    None,
    [],
    {},
    {"wifiConfigurations": []},
    {"wifiConfigurations": {}},
    {"wifiConfigurations": ["x"]},
    *(
        {"wifiConfigurations": [each]}
        for each in (
            {},
            {"ssid": "a", "keyManagement": "NONE"},
            {"ssid": '""', "keyManagement": "NONE"},
            {"ssid": '"a"'},
            {"ssid": '"a"', "keyManagement": 5},
            WPA,
            {**WPA, "credentialConfiguration": "x"},
            {**WPA, "credentialConfiguration": {"privateSharedKey": PASSWORD}},
            {**WPA, "keyManagement": "WPA2_EAP", "credentialConfiguration": {"certificateAuthority": {}}},
        )
    ),
]


async def test_rejects_invalid_networks(sim: Simulator, api: httpx.AsyncClient) -> None:
    connectivity = f"/v2/endpoints/{sim.endpoints[0]}/features/connectivity"
    for body in MALFORMED:
        assert (await api.post(SAVE, json=body)).status_code == 400, json.dumps(body)
    for path in ("addOrUpdateWifiConfigurations", "forgetWifiConfigurations"):
        for body in (*MALFORMED[:6], {"payload": []}, *({"payload": each} for each in MALFORMED[:7])):
            assert (await api.post(f"{connectivity}/{path}", json=body)).status_code == 400, json.dumps(body)
    await sim.smart_properties().wifi.save([GUEST])
    odd = {"payload": {"wifiConfigurations": [{"ssid": '"Guest"', "keyManagement": "WPAPSK", "priority": True}]}}
    assert (await api.post(f"{connectivity}/addOrUpdateWifiConfigurations", json=odd)).status_code == 400
