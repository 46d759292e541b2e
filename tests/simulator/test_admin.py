"""Scripting over HTTP."""

from __future__ import annotations

import httpx

from alexa_props.simulator import Simulator


async def test_shows_ids_and_credentials(local: httpx.AsyncClient, sim: Simulator) -> None:
    world = (await local.get("/_simulator")).json()
    assert world["rooms"] == sim.rooms
    assert world["endpoints"] == sim.endpoints
    assert world["devices"] == sim.devices
    assert world["organization_id"] == sim.organization_id
    assert world["client_id"] == sim.client_id


async def test_scripts_and_lists_faults(api: httpx.AsyncClient, sim: Simulator) -> None:
    fault = {"operation": "units.get", "kind": "status", "status": 500, "times": 2, "unit_id": sim.rooms[0]}
    assert (await api.post("/_simulator/faults", json=fault)).json()["hits"] == 0
    assert (await api.get(f"/v2/units/{sim.rooms[0]}")).status_code == 500
    (listed,) = (await api.get("/_simulator/faults")).json()
    assert (listed["hits"], listed["kind"], listed["unit_id"]) == (1, "status", sim.rooms[0])
    assert (await api.delete("/_simulator/faults")).status_code == 204
    assert (await api.get(f"/v2/units/{sim.rooms[0]}")).status_code == 200


async def test_scripts_everything_else(api: httpx.AsyncClient, sim: Simulator, naps: list[float]) -> None:
    async def post(path: str, **body: object) -> None:
        response = await api.post(f"/_simulator/{path}", json=body)
        assert response.status_code == 200, response.text

    room = sim.rooms[0]
    first, second = sim.endpoints_in(room)
    await post("quota", operation="units.get", rate=1, burst=1, retry_after=3)
    await post("latency", operation="units.get", seconds=4)
    assert (await api.get(f"/v2/units/{room}")).status_code == 200
    assert (await api.get(f"/v2/units/{room}")).headers["retry-after"] == "3"
    assert naps == [4, 4]
    await post("effect_delay", operation="endpoints.*", seconds=5)
    assert (sim.effect_delay_of("endpoints.get"), sim.effect_delay_of("units.get")) == (5, 0)
    await post("offline", ids=[first, sim.devices[0]])
    await post("failing", endpoint_ids=[second])
    assert (await api.delete("/v1/alerts/alarms", params={"unitId": room})).status_code == 500
    assert not sim.inventory.devices[sim.devices[0]].online
    await post("offline", ids=[first], offline=False)
    await post("failing", endpoint_ids=[second], code=None)
    await post("forbidden", unit_ids=[room])
    assert (await api.delete("/v1/alerts/alarms", params={"unitId": room})).status_code == 401
    await post("settings", empty_pages=1, end_of_list="null", token_lifetime=9, rotate_refresh_tokens=True)
    assert (sim.empty_pages, sim.end_of_list, sim.login.lifetime, sim.login.rotates) == (1, "null", 9, True)
    await post("expire_tokens")
    assert (await api.get(f"/v2/units/{room}")).status_code == 401
    await post("reset")
    assert sim.empty_pages == 0
    assert sim.calls == []


async def test_lists_and_clears_calls(api: httpx.AsyncClient, sim: Simulator) -> None:
    for _ in range(3):
        await api.get(f"/v2/units/{sim.rooms[0]}")
    await api.get("/v2/units/unknown")
    seen = (await api.get("/_simulator/calls", params={"operation": "units.get", "status": 200, "limit": 2})).json()
    assert seen["count"] == 3
    assert len(seen["calls"]) == 2
    assert seen["calls"][0]["unit_id"] == sim.rooms[0]
    assert (await api.get("/_simulator/calls", params={"limit": "all"})).status_code == 400
    assert (await api.delete("/_simulator/calls")).status_code == 204
    assert (await api.get("/_simulator/calls")).json() == {"count": 0, "calls": []}


NONSENSE: list[tuple[str, object]] = [
    ("faults", {"operation": "units.lst", "kind": "html"}),
    ("faults", {"operation": "units.list", "kind": "explode"}),
    ("faults", {"operation": "units.list"}),
    ("faults", {"operation": "units.list", "kind": "html", "colour": "blue"}),
    ("faults", {"operation": "units.list", "kind": "html", "delay": "long"}),
    ("faults", {"operation": 5, "kind": "html"}),
    ("faults", []),
    ("quota", {"operation": "units.list", "rate": "fast"}),
    ("latency", {"seconds": "long"}),
    ("offline", {"ids": ["nothing"]}),
    ("offline", {"ids": "nothing"}),
    ("offline", {}),
    ("forbidden", {"unit_ids": ["nothing"]}),
    ("failing", {"endpoint_ids": [1]}),
    ("settings", {"colour": "blue"}),
    ("settings", {"empty_pages": "many"}),
    ("settings", {"end_of_list": "never"}),
    ("reset", {"colour": "blue"}),
]


async def test_refuses_invalid_scripts(local: httpx.AsyncClient) -> None:
    for path, body in NONSENSE:
        response = await local.post(f"/_simulator/{path}", json=body)
        assert response.status_code == 400, (path, body)
        assert response.json()["error"], (path, body)
        assert (await local.post(f"/_simulator/{path}", content=b"{")).status_code == 400, (path, body)
