"""Units created, renamed and deleted, also while they are listed."""

from __future__ import annotations

from typing import Any

import httpx

from alexa_props.simulator import Simulator

UNKNOWN = "amzn1.alexa.unit.did.UNKNOWN"


def named(text: object, **others: object) -> dict[str, Any]:
    return {"name": {"type": "PLAIN", "value": {"text": text}}, **others}


async def create(api: httpx.AsyncClient, parent_id: str, name: str = "Suite") -> str:
    response = await api.post("/v2/units", json=named(name, parentId=parent_id))
    assert response.status_code == 201, response.text
    unit_id: str = response.json()["id"]
    return unit_id


async def page(api: httpx.AsyncClient, parent_id: str, token: str | None = None) -> tuple[list[str], str | None]:
    params = {"parentId": parent_id, "queryDepth": "all", **({"nextToken": token} if token else {})}
    response = await api.get("/v2/units", params=params)
    assert response.status_code == 200, response.text
    ids = [item["id"] for item in response.json()["results"]]
    return ids, response.json().get("paginationContext", {}).get("nextToken")


async def listed(api: httpx.AsyncClient, parent_id: str, token: str | None = None) -> list[str]:
    found, token = await page(api, parent_id, token)
    while token:
        more, token = await page(api, parent_id, token)
        found += more
    return found


async def test_creates_a_unit(api: httpx.AsyncClient, sim: Simulator) -> None:
    floor = sim.tree.units[sim.rooms[0]].parent_id
    assert floor is not None
    rooms, before = sim.rooms, await listed(api, floor)
    unit_id = await create(api, floor, "H\u00f4tel \U0001f3e8")
    call = sim.calls[-1]
    assert (call.operation, call.unit_id, call.status) == ("units.create", floor, 201)
    assert call.body == named("H\u00f4tel \U0001f3e8", parentId=floor)
    assert (await api.get(f"/v2/units/{unit_id}")).json() == {
        "id": unit_id,
        **named("H\u00f4tel \U0001f3e8"),
        "level": 3,
        "parentId": floor,
    }
    assert await listed(api, floor) == [*before, unit_id]
    assert sim.rooms == [*rooms, unit_id]
    assert (sim.endpoints_in(unit_id), sim.station(unit_id), set(sim.notifications(unit_id).values())) == (
        [],
        None,
        {0},
    )
    below = await create(api, unit_id)
    assert sim.tree.units[below].level == 4
    assert sim.rooms == [*rooms, unit_id]


async def test_ids_of_new_units_come_from_the_seed(
    local: httpx.AsyncClient, api: httpx.AsyncClient, sim: Simulator
) -> None:
    known = set(sim.units)
    ids = [await create(api, sim.organization_id) for _ in range(3)]
    assert len({*ids}) == 3
    assert not known & {*ids}
    sim.reset()
    assert set(sim.units) == known
    assert [await create(api, sim.organization_id) for _ in range(3)] == ids
    other = Simulator(rooms=45, seed=8, properties=2)
    assert other.tree.create_unit(other.tree.organization, "Suite", 0).id not in ids


async def test_allows_at_most_15_levels(api: httpx.AsyncClient, sim: Simulator) -> None:
    parent = sim.tree.organization.children[0].id
    for _ in range(14):
        parent = await create(api, parent)
    assert sim.tree.units[parent].level == 15
    response = await api.post("/v2/units", json=named("Too deep", parentId=parent))
    assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST")
    assert sim.tree.units[parent].children == []


NO_NAMES: list[object] = [
    None,
    [],
    "Suite",
    {},
    {"name": "Suite"},
    {"name": None},
    {"name": {"value": {"text": "Suite"}}},
    {"name": {"type": "SSML", "value": {"text": "Suite"}}},
    {"name": {"type": "PLAIN"}},
    {"name": {"type": "PLAIN", "value": "Suite"}},
    named(""),
    named(5),
    named(None),
]


async def test_rejects_invalid_names(api: httpx.AsyncClient, sim: Simulator) -> None:
    for body in NO_NAMES:
        units, names = sim.units, [unit.name for unit in sim.tree.units.values()]
        full = {**body, "parentId": sim.organization_id} if isinstance(body, dict) else body
        for response in (await api.post("/v2/units", json=full), await api.put(f"/v2/units/{sim.rooms[0]}", json=body)):
            assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), body
        assert (sim.units, [unit.name for unit in sim.tree.units.values()]) == (units, names), body


NO_PARENTS: list[dict[str, object]] = [{}, {"parentId": ""}, {"parentId": None}, {"parentId": 5}, {"parentId": ["x"]}]


async def test_rejects_invalid_parents(api: httpx.AsyncClient, sim: Simulator) -> None:
    for parent in NO_PARENTS:
        response = await api.post("/v2/units", json=named("Suite", **parent))
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), parent
        assert sim.calls[-1].unit_id in (None, ""), parent


async def test_unknown_and_forbidden_units(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[0]
    sim.set_forbidden(room)
    for unit_id, status in ((UNKNOWN, 404), (room, 403)):
        assert (await api.post("/v2/units", json=named("Suite", parentId=unit_id))).status_code == status
        assert (await api.put(f"/v2/units/{unit_id}", json=named("Suite"))).status_code == status
        assert (await api.delete(f"/v2/units/{unit_id}")).status_code == status
        assert sim.calls[-1].unit_id == unit_id
    assert (sim.tree.units[room].name, sim.tree.units[room].children) == ("Room 101", [])


async def test_renames_a_unit(api: httpx.AsyncClient, sim: Simulator) -> None:
    room, hotel = sim.rooms[0], sim.units[1]
    response = await api.put(f"/v2/units/{room}", json=named("Suite 1", parentId=hotel))
    assert (response.status_code, response.content) == (204, b"")
    assert (await api.get(f"/v2/units/{room}")).json()["name"] == named("Suite 1")["name"]
    assert sim.tree.units[room].parent_id not in (None, hotel)
    assert len(sim.endpoints_in(room)) == 2
    assert (await api.put(f"/v2/units/{sim.organization_id}", json=named("Head office"))).status_code == 204
    call = sim.calls[-1]
    assert (call.operation, call.unit_id, call.body) == ("units.update", sim.organization_id, named("Head office"))
    sim.reset()
    assert sim.tree.units[room].name == "Room 101"


async def test_deletes_a_unit(api: httpx.AsyncClient, sim: Simulator) -> None:
    room = sim.rooms[1]
    before, rooms, endpoints = await listed(api, sim.organization_id), sim.rooms, sim.endpoints
    response = await api.delete(f"/v2/units/{room}")
    assert (response.status_code, response.content) == (204, b"")
    assert (sim.calls[-1].operation, sim.calls[-1].unit_id) == ("units.delete", room)
    assert (await api.get(f"/v2/units/{room}")).status_code == 404
    assert (await api.delete(f"/v2/units/{room}")).status_code == 404
    assert (await api.delete("/v1/alerts/alarms", params={"unitId": room})).status_code == 401
    assert await listed(api, sim.organization_id) == [unit_id for unit_id in before if unit_id != room]
    assert sim.rooms == [rooms[0], *rooms[2:]]
    assert sim.endpoints == endpoints
    sim.reset()
    assert sim.rooms == rooms
    assert await listed(api, sim.organization_id) == before


async def test_endpoints_of_a_deleted_unit_become_unassigned(api: httpx.AsyncClient, sim: Simulator) -> None:
    async def ids(**params: str) -> list[str]:
        return [item["id"] for item in (await api.get("/v2/endpoints", params=params)).json()["results"]]

    room, spare = sim.rooms[0], sim.endpoints[-3:]
    moved = sim.endpoints_in(room)
    settings = sim.settings(moved[0])
    assert await ids(**{"associatedUnits.id": "~caller.defaultUnitId"}) == spare
    assert (await api.delete(f"/v2/units/{room}")).status_code == 204
    assert await ids(**{"associatedUnits.id": "~caller.defaultUnitId"}) == [*moved, *spare]
    assert await ids(**{"associatedUnits.id": room}) == []
    assert await ids(owner="~caller") == sim.endpoints[:10]
    shown = (await api.get(f"/v2/endpoints/{moved[0]}", params={"expand": "all"})).json()
    assert shown["associatedUnits"] == []
    setup = "Alexa.ManagedDevice.Settings.setupModePrivileges"
    assert sim.settings(moved[0]) == {**settings, setup: ["ALL_SETTINGS"]}


async def test_keeps_units_with_children_and_the_organization(api: httpx.AsyncClient, sim: Simulator) -> None:
    floor = sim.tree.units[sim.rooms[0]].parent_id
    units = sim.units
    for unit_id in (floor, sim.organization_id):
        response = await api.delete(f"/v2/units/{unit_id}")
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST")
    assert sim.units == units
    alone = Simulator(rooms=0, seed=1)
    async with httpx.AsyncClient(transport=alone.transport(), base_url=alone.base_url) as client:
        form = {"grant_type": "refresh_token", "refresh_token": alone.refresh_token}
        token = await client.post("/auth/o2/token", data=form, auth=(alone.client_id, alone.client_secret))
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        for unit_id, status in ((alone.units[1], 204), (alone.organization_id, 400)):
            assert (await client.delete(f"/v2/units/{unit_id}")).status_code == status
    assert alone.units == [alone.organization_id]


async def test_deletes_a_property_bottom_up(api: httpx.AsyncClient, sim: Simulator) -> None:
    hotel = sim.units[1]
    units = [*await listed(api, hotel), hotel]
    for unit_id in sorted(units, key=lambda each: -sim.tree.units[each].level):
        assert (await api.delete(f"/v2/units/{unit_id}")).status_code == 204
    assert not {*units} & {*sim.units}
    assert hotel not in await listed(api, sim.organization_id)
    assert len(await listed(api, sim.organization_id)) == len(sim.units) - 1


async def test_listing_continues_while_units_are_created_and_deleted(api: httpx.AsyncClient, sim: Simulator) -> None:
    all_units = await listed(api, sim.organization_id)
    first, token = await page(api, sim.organization_id)
    assert len(first) == 10
    rooms = [unit_id for unit_id in all_units if unit_id in {*sim.rooms}]
    # One that was listed, the one that the next page begins with, one in the middle of it, and the very last.
    gone = [next(each for each in first if each in rooms), all_units[10], all_units[15], all_units[-1]]
    for unit_id in gone:
        assert (await api.delete(f"/v2/units/{unit_id}")).status_code == 204
    parent = sim.tree.units[rooms[5]].parent_id
    assert parent is not None
    new = [await create(api, each) for each in (parent, sim.organization_id)]
    rest = await listed(api, sim.organization_id, token)
    assert rest == [*(each for each in all_units[10:] if each not in gone), *new]
    assert await listed(api, sim.organization_id) == [*(each for each in all_units if each not in gone), *new]
