"""Rules that hold for every operation of Smart Properties, whatever its group."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import httpx

from alexa_props import SmartProperties, errors
from alexa_props.simulator import ROUTES, Simulator
from tests.simulator.conftest import log_in
from tests.simulator.test_invalid_input import NOT_JSON
from tests.wire import CALLS, IDS, ONCE, clients, with_ids

STATUSES = {
    200: ("campaigns.create", "endpoints.associate", "notifications.send"),
    201: (
        *("address_books.create", "contacts.create", "communication_profiles.create", "service_providers.create"),
        *("units.create", "users.create"),
    ),
    202: ("campaigns.delete", "role_assignments.create_many", "role_assignments.delete_many", "skills.enable"),
    204: ("skills.disable", "units.update", "unit_settings.set_default_music_station", "alerts.delete_alarms"),
}
"""Those of Amazon's pages and samples."""


async def requests(sim: Simulator, endpoint_id: str | None = None) -> list[tuple[str, str, str, bytes]]:
    """Return a valid request per operation, as the client sends it: name, method, target and body.

    Args:
        sim: The simulator.
        endpoint_id: The id in place of those of endpoints.
    """
    found: dict[str, httpx.Request] = {}
    on = clients(sim)
    if endpoint_id is not None:
        others = [name for name in IDS if getattr(on, name) in sim.tree.endpoints]
        on = with_ids(on, dict.fromkeys(("endpoint", *others), endpoint_id))

    for operation in ROUTES:

        def record(request: httpx.Request, operation: str = operation) -> httpx.Response:
            found.setdefault(operation, request)
            return httpx.Response(500)

        asp = SmartProperties(auth=httpx.Auth(), transport=httpx.MockTransport(record), retry=ONCE)
        with contextlib.suppress(errors.AlexaError):
            # A call may take an id out of the list of the spare ones.
            await CALLS[operation](attrs.evolve(on, asp=asp, spare=[*on.spare]))
    return [(name, each.method, each.url.raw_path.decode(), each.content) for name, each in found.items()]


async def test_rejects_bodies_that_are_not_json(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]

    def state() -> object:
        names = [unit.name for unit in sim.tree.units.values()]
        return sim.settings(endpoint), sim.volume(endpoint), sim.station(sim.rooms[0]), names

    valid = await requests(sim)
    before = state()
    for operation, method, target, body in valid:
        for content in NOT_JSON if body else ():
            response = await api.request(method, target, content=content)
            assert response.status_code == 400, (operation, content)
            assert response.json()["type"] == "BAD_REQUEST", (operation, content)
            assert (sim.calls[-1].operation, sim.calls[-1].body) == (operation, None)
    assert state() == before
    assert (await api.get("/_simulator/calls")).status_code == 200


def shapes(value: Any) -> Iterator[Any]:
    """Yield JSON in which one thing is of another kind, in a list, or missing."""
    yield from (None, 5, {}, [value])
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: value[other] for other in value if other != name}
            yield from ({**value, name: shape} for shape in shapes(member))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], shape, *value[index + 1 :]] for shape in shapes(item))


async def test_bodies_of_any_shape_are_accepted_or_refused(api: httpx.AsyncClient, sim: Simulator) -> None:
    for operation, method, target, body in await requests(sim):
        for shape in shapes(json.loads(body)) if body else ():
            response = await api.request(method, target, json=shape)
            assert response.status_code < 500, (operation, shape)
    assert sim.count(status=400) > sim.count(status=200) > 0


async def test_unknown_and_forbidden_endpoints(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[2]
    sim.set_forbidden(*(unit.id for unit in sim.tree.rooms[1:2]))
    for id_, status, code in (("a/b", 404, "NOT_FOUND"), (endpoint, 403, "FORBIDDEN")):
        for operation, method, target, body in await requests(sim, id_):
            if "{endpointId}" in ROUTES[operation][1]:
                response = await api.request(method, target, content=body)
                assert (response.status_code, response.json()["type"]) == (status, code), operation
                assert (sim.calls[-1].operation, sim.calls[-1].endpoint_id) == (operation, id_)


async def test_a_socket_gives_the_same_responses_as_the_process() -> None:
    async def responses(client: httpx.AsyncClient, sim: Simulator) -> list[tuple[str, int, dict[str, str], bytes]]:
        await log_in(client, sim)
        found = []
        for operation, method, target, body in await requests(sim):
            response = await client.request(method, target, content=body)
            assert response.status_code < 300, (operation, response.text)
            found.append((operation, response.status_code, dict(response.headers), response.content))
        assert [call.operation for call in sim.calls] == ["token", *ROUTES]
        statuses = {call.operation: call.status for call in sim.calls}
        for status, operations in STATUSES.items():
            assert {operation: statuses[operation] for operation in operations} == dict.fromkeys(operations, status)
        return found

    def now() -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)

    sim, served = (Simulator(rooms=3, seed=5, now=now) for _ in range(2))
    async with httpx.AsyncClient(transport=sim.transport(), base_url=sim.base_url) as client:
        expected = await responses(client, sim)
    async with served.serve() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        assert await responses(client, served) == expected
