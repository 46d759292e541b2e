"""Wi-Fi: where passwords go and where they do not, quotes, and bad input."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

from alexa_props import RateLimit, SmartProperties, errors
from alexa_props.hooks import Event
from alexa_props.settings import Secret
from alexa_props.smart_properties.wifi import CredentialConfiguration, WifiConfiguration
from tests.helpers import Service, answer, login, smart_properties
from tests.secrets.leaks import Leaks, faces, watching
from tests.wire import ONCE

PASSWORD = "correct-horse-canary-42"
LEAKS = Leaks({"password": PASSWORD, "access token": "Atza|canary-access"})


def network(password: str | Secret = PASSWORD) -> WifiConfiguration:
    return WifiConfiguration("Guest", credential_configuration=CredentialConfiguration(private_shared_key=password))


async def test_a_password_is_in_no_message_event_repr_or_traceback() -> None:
    seen: list[Event] = []
    with watching(LEAKS):
        for status in (400, 401, 403, 500, 200):
            body = {"type": PASSWORD, "message": f'"{PASSWORD}" is refused', "id": 5}
            for response in (answer(status, body, X_Amzn_RequestId=PASSWORD), httpx.ReadTimeout("gone")):
                asp = smart_properties(Service(response), retry=ONCE, hooks=[seen.append])
                if status == 200 and isinstance(response, httpx.Response):
                    await asp.wifi.save([network()])
                    continue
                with pytest.raises(errors.AlexaError, match=r"^wifi\.save\('Guest and 1 more'\): ") as failed:
                    await asp.wifi.save([network(), WifiConfiguration("b")])
                LEAKS.check_error(failed.value)
        for odd in ([network(), 5], [network()] * 33):
            with pytest.raises(errors.ConfigurationError) as caught:
                await asp.wifi.assign("e", odd)  # type: ignore[arg-type]
            LEAKS.check_error(caught.value)
    assert seen
    for thing in (network(), network().credential_configuration, *seen):
        LEAKS.check(faces(thing))
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(network())


async def test_a_password_of_punctuation_is_hidden_with_and_without_its_quotes() -> None:
    for text in ('"a!b?c#1$" is refused', "a!b?c#1$ is refused"):
        with pytest.raises(errors.BadRequest) as caught:
            await smart_properties(Service(answer(400, {"message": text}))).wifi.save([network("a!b?c#1$")])
        assert "is refused" in str(caught.value)
        assert "b?c" not in str(caught.value)


async def test_a_password_is_sent_to_the_credential_locker_of_the_region_with_the_token_in_both_headers() -> None:
    hosts: Any = {"NA": "com", "EU": "eu", "FE": "jp"}
    for region, end in hosts.items():
        grant = answer(json={"access_token": "Atza|canary-access", "token_type": "bearer", "expires_in": 3600})
        service = Service(grant, answer(202), answer(202, {"submittedOperationId": "o"}))
        async with SmartProperties(
            auth=login(), region=region, transport=service, rate_limit=RateLimit(per_second=1e6)
        ) as asp:
            await asp.wifi.save([network(), network(Secret(PASSWORD))])
            assert await asp.wifi.assign("e", [network()]) == "o"
        _, saved, assigned = service.seen
        assert (saved.url.host, saved.token) == (f"credential-locker-service.amazon.{end}", "Bearer Atza|canary-access")
        assert saved.headers["x-amz-access-token"] == "Atza|canary-access"
        keys = [each["credentialConfiguration"]["privateSharedKey"] for each in saved.json["wifiConfigurations"]]
        assert keys == [f'"{PASSWORD}"'] * 2
        assert assigned.url.host.endswith("amazonalexa.com")
        assert "x-amz-access-token" not in assigned.headers
        assert LEAKS.of(assigned.content) == []


async def test_a_missing_scope_is_named() -> None:
    for status in (401, 403):
        with pytest.raises(errors.ApiError, match="credential_locker::wifi_management"):
            await smart_properties(Service(status)).wifi.list("e")


@pytest.mark.parametrize(
    "configurations",
    [[], (), "Guest", b"x", None, 5, {}, ["Guest"], [WifiConfiguration("")], [WifiConfiguration("\ud800")]],
)
async def test_rejects_invalid_networks(configurations: Any) -> None:
    service = Service(202)
    wifi = smart_properties(service).wifi
    for call in (wifi.save(configurations), wifi.assign("e", configurations), wifi.forget("e", configurations)):
        with pytest.raises(errors.ConfigurationError, match=r"configurations|ssid"):
            await call
    assert service.seen == []


async def test_32_networks_are_the_most_for_an_endpoint() -> None:
    service = Service(202)
    wifi = smart_properties(service).wifi
    with pytest.raises(errors.ConfigurationError, match="configurations must be a list of 1 to 32 items, not of 33"):
        await wifi.assign("e", [network()] * 33)
    assert service.seen == []
    await wifi.save([network()] * 33)


UNKNOWN: list[Any] = [{}, {"wifiConfigurations": None}, {"wifiConfigurations": "x"}, {"wifiConfigurations": [{}]}]


async def test_responses_of_an_unknown_form_keep_their_json() -> None:
    for body in UNKNOWN:
        wifi = smart_properties(Service(answer(json=body))).wifi
        found = await wifi.list("e")
        assert (found.wifi_configurations, found.raw) == ((), body)
        status = await wifi.get_status("e", "o")
        assert (status.status, status.raw) == (None, body)
        assert await wifi.assign("e", [network()]) is None
    shown = {"wifiConfigurations": [{"ssid": name, "keyManagement": "NONE"} for name in ('"a"', "a", '"', '""a""')]}
    listed = await smart_properties(Service(answer(json=shown))).wifi.list("e")
    assert [each.ssid for each in listed.wifi_configurations] == ["a", "a", '"', '"a"']
    assert listed.raw == shown
