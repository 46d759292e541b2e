"""Scripted faults in process and on a socket, quotas, latency, and the record of calls."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
import pytest

from alexa_props.simulator import KINDS, ConnectionDropped, Simulator

LIST = "endpoints.list"


async def deletion(api: httpx.AsyncClient, unit_id: str) -> httpx.Response:
    return await api.delete("/v1/alerts/alarms", params={"unitId": unit_id})


async def listing(api: httpx.AsyncClient) -> httpx.Response:
    return await api.get("/v2/endpoints", params={"owner": "~caller", "expand": "all"})


async def test_drop_before_is_not_handled(both: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[0]
    sim.fail("alerts.delete_alarms", "drop_before", unit_id=room)
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        await deletion(both, room)
    assert type(caught.value) is httpx.RemoteProtocolError
    assert caught.value.request.method == "DELETE"
    assert sim.alert_count("alarms", room) > 0
    assert (sim.calls[-1].fault, sim.calls[-1].status) == ("drop_before", None)
    assert (await deletion(both, room)).status_code == 204


async def test_drop_after_is_handled(both: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[0]
    fault = sim.fail("alerts.delete_alarms", "drop_after", unit_id=room)
    assert (await deletion(both, sim.rooms[1])).status_code == 204
    with pytest.raises(httpx.RemoteProtocolError):
        await deletion(both, room)
    assert sim.alert_count("alarms", room) == 0
    assert (sim.calls[-1].fault, sim.calls[-1].status) == ("drop_after", None)
    assert (fault.seen, fault.hits) == (1, 1)
    assert sim.count("alerts.delete_alarms", 204) == 1
    assert sim.count("alerts.delete_alarms") == 2


async def test_cut_body(both: httpx.AsyncClient, sim: Simulator) -> None:
    sim.fail(LIST, "cut_body")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await listing(both)
    sim.fail(LIST, "cut_body")
    received = b""
    with pytest.raises(httpx.RemoteProtocolError):  # noqa: PT012 - the response starts well
        async with both.stream("GET", "/v2/endpoints", params={"owner": "~caller"}) as response:
            assert response.status_code == 200
            length = int(response.headers["content-length"])
            async for chunk in response.aiter_raw():
                received += chunk
    assert received.startswith(b'{"results"')
    assert len(received) == length // 2
    assert sim.calls[-1].status == 200
    assert len((await listing(both)).json()["results"]) == 10


async def test_cut_body_of_an_empty_response_is_dropped(both: httpx.AsyncClient, sim: Simulator) -> None:
    sim.fail("alerts.*", "cut_body")
    with pytest.raises(httpx.RemoteProtocolError):
        await deletion(both, sim.rooms[0])
    assert sim.alert_count("alarms", sim.rooms[0]) == 0


async def test_html_response(both: httpx.AsyncClient, sim: Simulator) -> None:
    sim.fail(LIST, "html", status=502, times=2)
    sim.fail(LIST, "html", body="<p>busy</p>", headers={"Retry-After": "7"})
    for _ in range(2):
        response = await listing(both)
        assert (response.status_code, response.headers["content-type"]) == (502, "text/html; charset=utf-8")
        assert "<h1>502</h1>" in response.text
    response = await listing(both)
    assert (response.status_code, response.text, response.headers["retry-after"]) == (503, "<p>busy</p>", "7")
    assert (await listing(both)).status_code == 200


async def test_status_response(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[0]
    sim.fail(LIST, "status", status=500)
    sim.fail(LIST, "status", headers={"Retry-After": "1"}, body="")
    sim.fail(LIST, "status", status=418, body={"type": "TEAPOT"})
    sim.fail("alerts.delete_alarms", "status", status=500)
    sim.fail("alerts.delete_alarms", "status", status=204)
    sim.fail("token", "status")
    first, second, third = [await listing(api) for _ in range(3)]
    assert (first.status_code, first.json()["type"]) == (500, "INTERNAL_SERVER_ERROR")
    assert (second.status_code, second.content, second.headers["retry-after"]) == (503, b"", "1")
    assert (third.status_code, third.json()) == (418, {"type": "TEAPOT"})
    response = await deletion(api, room)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "endpointId" not in response.json()["errors"][0]
    assert (await deletion(api, room)).status_code == 204
    assert sim.alert_count("alarms", room) > 0
    response = await api.post("/auth/o2/token")
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


async def test_scripted_response_replaces_a_refusal(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.fail(LIST, "status", status=418)
    response = await api.get("/v2/endpoints", headers={"Authorization": "Bearer wrong"})
    assert (response.status_code, sim.calls[-1].authorization) == (418, "Bearer")


async def test_stale_token_in_every_dialect(api: httpx.AsyncClient, a4b: Any, sim: Simulator) -> None:
    for operation in ("*", "token"):
        sim.fail(operation, "stale_token", times=3)
    assert (await listing(api)).status_code == 401
    response = await deletion(api, sim.rooms[0])
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    response = await a4b("SearchUsers")
    assert (response.status_code, response.json()["__type"]) == (400, "ExpiredTokenException")
    response = await api.post("/auth/o2/token")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert (await listing(api)).status_code == 200


async def test_slow_body(both: httpx.AsyncClient, sim: Simulator, naps: list[float]) -> None:
    sim.fail(LIST, "slow", delay=3.5, chunk_size=100)
    response = await listing(both)
    assert len(response.json()["results"]) == 10
    assert naps == [3.5] * (-(-len(response.content) // 100) + 1)


async def test_fault_by_device(a4b: Any, sim: Simulator) -> None:
    device = sim.devices[1]
    sim.fail("devices.get", "status", status=400, code="AccessDeniedException", device_id=device, times=None)
    assert (await a4b("GetDevice", {"DeviceArn": sim.devices[0]})).status_code == 200
    for _ in range(3):
        assert (await a4b("GetDevice", {"DeviceArn": device})).json()["__type"] == "AccessDeniedException"
    sim.clear_faults()
    assert (await a4b("GetDevice", {"DeviceArn": device})).status_code == 200
    for status, code in ((500, "InternalFailure"), (503, "ServiceUnavailable")):
        sim.fail("devices.get", "status", status=status)
        response = await a4b("GetDevice", {"DeviceArn": device})
        assert (response.status_code, response.json()["__type"]) == (status, code)


async def test_after_and_times_select_calls(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.fail(LIST, "status", after=1, times=2)
    statuses = [(await listing(api)).status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]


async def test_fault_by_endpoint(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.fail("endpoints.*", "status", endpoint_id=sim.endpoints[1], times=None)
    assert (await api.get(f"/v2/endpoints/{sim.endpoints[0]}")).status_code == 200
    assert (await api.get(f"/v2/endpoints/{sim.endpoints[1]}")).status_code == 503
    assert (await api.get(f"/v2/endpoints/{sim.endpoints[1]}/features/connectivity")).status_code == 503
    assert (await listing(api)).status_code == 200


async def test_rejects_invalid_arguments(sim: Simulator) -> None:
    with pytest.raises(ValueError, match=r"units\.lst"):
        sim.fail("units.lst", "html")
    with pytest.raises(ValueError):
        sim.fail("units.list", "explode")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sim.fail("units.list", "html", times="once")  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        sim.fail("units.list", "status", status=99)
    with pytest.raises(ValueError):
        sim.quota("nothing.*", 1)
    with pytest.raises(ValueError):
        sim.quota("units.list", -1)
    with pytest.raises(ValueError):
        sim.quota("units.list", 1, 0)
    with pytest.raises(ValueError):
        sim.latency(-1)
    with pytest.raises(ValueError):
        sim.latency(1, "units.lst")
    with pytest.raises(ValueError):
        sim.set_end_of_list("never")  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        Simulator(rooms=-1)
    assert len(KINDS) == 7


async def test_plain_asgi_transport_loses_connections(sim: Simulator) -> None:
    sim.fail("token", "drop_before")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sim.app), base_url=sim.base_url) as client:
        with pytest.raises(ConnectionDropped):
            await client.post("/auth/o2/token")


async def test_quota_is_a_token_bucket_per_operation(
    api: httpx.AsyncClient, sim: Simulator, seconds: list[float]
) -> None:
    sim.quota("*", 2, 3, retry_after=0.5)
    assert [(await listing(api)).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert (await deletion(api, sim.rooms[0])).status_code == 204
    seconds[0] = 0.5
    assert [(await listing(api)).status_code for _ in range(2)] == [200, 429]
    seconds[0] = 100
    responses = [await listing(api) for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert responses[-1].headers["retry-after"] == "0.5"
    assert (await api.post("/auth/o2/token")).status_code == 401  # "*" leaves the token endpoint alone
    sim.quota(LIST, 10)
    assert [(await listing(api)).status_code for _ in range(11)] == [200] * 10 + [429]
    sim.quota("*", None)
    sim.quota(LIST, None)
    assert (await listing(api)).status_code == 200
    sim.quota(LIST, 0.5)
    assert [(await listing(api)).status_code for _ in range(2)] == [200, 429]
    sim.quota(LIST, None)
    sim.quota("token", 1)
    await api.post("/auth/o2/token")
    response = await api.post("/auth/o2/token")
    assert (response.status_code, response.json()["error"]) == (429, "slow_down")


async def test_refused_token_takes_no_permit(api: httpx.AsyncClient, sim: Simulator) -> None:
    sim.quota(LIST, 0, 1)
    assert (await api.get("/v2/endpoints", headers={"Authorization": "Bearer no"})).status_code == 401
    assert (await listing(api)).status_code == 200
    assert (await listing(api)).status_code == 429


async def test_latest_latency_that_covers_an_operation_counts(
    api: httpx.AsyncClient, sim: Simulator, naps: list[float]
) -> None:
    sim.latency(0.25)
    sim.latency(2, "endpoints.*")
    await listing(api)
    await deletion(api, sim.rooms[0])
    await api.post("/auth/o2/token")
    assert naps == [2, 0.25]
    sim.latency(0)
    await listing(api)
    assert naps == [2, 0.25]


async def test_records_a_cancelled_call(sim: Simulator) -> None:
    patient = Simulator(rooms=1)
    patient.latency(60, "token")
    async with httpx.AsyncClient(transport=patient.transport(), base_url=patient.base_url) as client:
        with anyio.move_on_after(0.01):
            await client.post("/auth/o2/token")
    assert [(call.operation, call.status) for call in patient.calls] == [("token", None)]


async def test_records_calls(both: httpx.AsyncClient, sim: Simulator, seconds: list[float]) -> None:
    seconds[0] = 12.5
    response = await both.get(f"/v2/units/{sim.rooms[0]}", headers={"User-Agent": "tester/1"})
    call = sim.calls[-1]
    assert (call.operation, call.method, call.time, call.status) == ("units.get", "GET", 12.5, 200)
    assert (call.unit_id, call.user_agent, call.fault, call.body) == (sim.rooms[0], "tester/1", None, None)
    assert call.request_id == response.headers["x-amzn-requestid"]
    assert sim.count() == 2
    assert sim.count(status=200) == 2
    with pytest.raises(AttributeError):
        call.status = 500  # type: ignore[misc]
    sim.clear_calls()
    assert (sim.calls, sim.count()) == ([], 0)


async def test_records_a_bounded_number_of_calls() -> None:
    small = Simulator(rooms=1, kept_calls=3)
    async with httpx.AsyncClient(transport=small.transport(), base_url=small.base_url) as client:
        for _ in range(5):
            await client.get("/nowhere")
    assert len(small.calls) == 3
    assert small.count("unknown", 404) == 5


async def test_rejects_large_bodies(local: httpx.AsyncClient, sim: Simulator) -> None:
    response = await local.put("/v2/units", content=b"x" * (2 << 20))
    assert response.status_code == 413
    assert json.loads(response.content)["type"] == "REQUEST_TOO_LARGE"
