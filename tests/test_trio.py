"""Everything but the pool runs on trio, in real time, with `transport=` in place of the pool."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest

from alexa_props import AlexaForBusiness, DefaultStation, LoginWithAmazon, RetryPolicy, SigV4, SmartProperties, errors


@pytest.fixture
def anyio_backend() -> str:
    return "trio"


def smart_properties_service(request: httpx.Request) -> httpx.Response:
    match request.method, request.url.path:
        case "POST", "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "Atza|1", "expires_in": 3600})
        case "GET", "/v2/units":
            start = int(request.url.params.get("nextToken", "0"))
            context = {"nextToken": str(start + 1)} if start < 2 else {}
            return httpx.Response(200, json={"results": [{"id": f"u{start}"}], "paginationContext": context})
        case "DELETE", "/v1/alerts/alarms":
            failed = {"endpointId": "e1", "code": "DEVICE_UNREACHABLE"}
            return httpx.Response(500, json={"errors": [failed]})
        case "PUT", _:
            return httpx.Response(204)
        case _:
            return httpx.Response(200, json={"providerId": "TUNEIN", "stationId": "s1"})


async def test_smart_properties_on_trio() -> None:
    auth = LoginWithAmazon(client_id="id", client_secret="secret", refresh_token="Atzr|1")
    events: list[object] = []
    async with SmartProperties(
        auth=auth, transport=httpx.MockTransport(smart_properties_service), hooks=[events.append]
    ) as asp:
        station = DefaultStation("TUNEIN", "s1")
        await asp.unit_settings.set_default_music_station("u", station)
        assert await asp.unit_settings.get_default_music_station("u") == station
        assert [unit.id async for unit in asp.units.list("org")] == ["u0", "u1", "u2"]
        async with asp.units.list("org").prefetch() as units:
            assert [unit.id async for unit in units] == ["u0", "u1", "u2"]
        assert [failure.endpoint_id async for failure in asp.alerts.delete_alarms("u")] == ["e1"]
        with pytest.raises(errors.EndpointFailures):
            await asp.alerts.delete_alarms("u")
        assert (await asp.with_options(deadline=5).request("GET", "/v2/x")).status_code == 200
    assert events


async def test_alexa_for_business_on_trio_with_retries_and_concurrency() -> None:
    refused = iter([400, 503])

    def serve(request: httpx.Request) -> httpx.Response:
        status = next(refused, 200)
        if status != 200:
            return httpx.Response(status, json={"__type": "ThrottlingException"} if status == 400 else {})
        return httpx.Response(200, json={"Device": {"DeviceArn": json.loads(request.content)["DeviceArn"]}})

    auth = SigV4(access_key="AKIDEXAMPLE", secret_key="secret")
    seen: set[str | None] = set()

    async with (
        AlexaForBusiness(auth=auth, transport=httpx.MockTransport(serve), retry=RetryPolicy(base=0.01)) as a4b,
        anyio.create_task_group() as tasks,
    ):

        async def get(arn: str) -> None:
            seen.add((await a4b.devices.get(arn)).device_arn)

        for number in range(5):
            tasks.start_soon(get, f"arn-{number}")
    assert seen == {f"arn-{number}" for number in range(5)}
