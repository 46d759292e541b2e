"""Rules that hold for every operation of Smart Properties, whatever its group."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from alexa_props.simulator import ROUTES, Simulator
from tests.simulator.conftest import log_in
from tests.simulator.test_invalid_input import NOT_JSON

NAME = {"type": "PLAIN", "value": {"text": "Room 7"}}
BODIES: dict[str, Any] = {
    "unit_settings.set_default_music_station": {"providerId": "P", "stationId": "1"},
    "units.create": {"parentId": "ORGANIZATION", "name": NAME},
    "units.update": {"name": NAME},
    "endpoints.query": {"query": {"match": {"associatedUnits.id": "ROOM"}}, "expand": ["all"]},
    "endpoint_settings.set": "UTC",
    "endpoint_settings.set_address": {"address": {"city": "Ulm"}},
    "features.set_volume": {"payload": {"volume": 30}},
    "features.adjust_volume": {"payload": {"volumeDelta": -5}},
    "features.unpair_bluetooth": None,
    "notifications.delete_many": {
        "recipients": [{"type": "Unit", "id": "ROOM"}],
        "notificationTypes": ["DeviceNotification"],
    },
}
"""A valid body of operations that need one; None if any body is accepted. Others are called without one."""

QUERY = (
    "unitId=ROOM&parentId=ORGANIZATION&owner=~caller&keys=System.timeZone"
    "&recipients.id=ROOM&recipients.type=Unit&notification.variants.type=DeviceNotification"
)


def requests(sim: Simulator, endpoint_id: str) -> Iterator[tuple[str, str, str, bytes]]:
    """A valid request for each operation: its name, method, target and body."""
    for operation, (method, path) in ROUTES.items():
        text = f"{path}?{QUERY} {json.dumps(BODIES.get(operation))}"
        for name, value in (
            *(("{unitId}", sim.rooms[0]), ("{endpointId}", endpoint_id), ("{key}", "System.timeZone")),
            *(("ROOM", sim.rooms[0]), ("ORGANIZATION", sim.organization_id)),
        ):
            text = text.replace(name, value)
        target, _, body = text.partition(" ")
        yield operation, method, target, body.encode() if operation in BODIES else b""


def test_bodies_are_those_of_operations() -> None:
    assert set(BODIES) <= {operation for operation, (method, _) in ROUTES.items() if method in ("PUT", "POST")}


async def test_rejects_bodies_that_are_not_json(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]

    def state() -> object:
        names = [unit.name for unit in sim.tree.units.values()]
        return sim.settings(endpoint), sim.volume(endpoint), sim.station(sim.rooms[0]), names

    before = state()
    for operation, method, target, _ in requests(sim, endpoint):
        for content in NOT_JSON if operation in BODIES else ():
            response = await api.request(method, target, content=content)
            if BODIES[operation] is None:
                assert response.status_code < 300, operation
                continue
            assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), (operation, content)
            assert (sim.calls[-1].operation, sim.calls[-1].body) == (operation, None)
    assert state() == before
    assert (await api.get("/_simulator/calls")).status_code == 200


async def test_unknown_and_forbidden_endpoints(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[2]
    sim.set_forbidden(*(unit.id for unit in sim.tree.rooms[1:2]))
    for id_, status, code in (("a%2Fb", 404, "NOT_FOUND"), (endpoint, 403, "FORBIDDEN")):
        for operation, method, target, body in requests(sim, id_):
            if "{endpointId}" in ROUTES[operation][1] and (operation in BODIES or method in ("GET", "DELETE")):
                response = await api.request(method, target, content=body)
                assert (response.status_code, response.json()["type"]) == (status, code), operation
                assert (sim.calls[-1].operation, sim.calls[-1].endpoint_id) == (operation, id_.replace("%2F", "/"))


async def test_a_socket_gives_the_same_responses_as_the_process() -> None:
    async def responses(client: httpx.AsyncClient, sim: Simulator) -> list[tuple[str, int, dict[str, str], bytes]]:
        await log_in(client, sim)
        found = []
        for operation, method, target, body in requests(sim, sim.endpoints[0]):
            response = await client.request(method, target, content=body)
            assert response.status_code < (300 if operation in BODIES else 500), (operation, response.text)
            found.append((operation, response.status_code, dict(response.headers), response.content))
        assert [call.operation for call in sim.calls] == ["token", *ROUTES]
        return found

    def now() -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)

    sim, served = (Simulator(rooms=3, seed=5, now=now) for _ in range(2))
    async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as client:
        expected = await responses(client, sim)
    async with served.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        assert await responses(client, served) == expected
