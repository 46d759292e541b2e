"""Deletion of notifications."""

from __future__ import annotations

from typing import Any, get_args

import httpx
import pytest

from alexa_props.simulator import NotificationKind, Simulator

KINDS: tuple[NotificationKind, ...] = get_args(NotificationKind)
UNKNOWN = "amzn1.alexa.unit.did.UNKNOWN"


def query(unit_id: str, kind: str = KINDS[0]) -> dict[str, str]:
    return {"recipients.id": unit_id, "recipients.type": "Unit", "notification.variants.type": kind}


def body(*unit_ids: str, kinds: object = KINDS) -> dict[str, Any]:
    return {"recipients": [{"type": "Unit", "id": unit_id} for unit_id in unit_ids], "notificationTypes": kinds}


def fill(sim: Simulator, *unit_ids: str) -> None:
    for unit_id in unit_ids:
        for kind in KINDS:
            sim.notify(unit_id, kind)


async def test_deletes_notifications_of_a_unit(api: httpx.AsyncClient, sim: Simulator) -> None:
    for kind in KINDS:
        room, other = sim.rooms[:2]
        fill(sim, room, other)
        before = sim.notifications(room), sim.notifications(other)
        assert min(before[0].values()) > 0, kind
        sim.set_offline(*sim.endpoints_in(room))  # they are not the devices'
        for _ in range(2):  # the second time there is nothing to delete
            response = await api.delete("/v3/notifications", params=query(room, kind))
            assert (response.status_code, response.content) == (202, b""), kind
            assert response.headers["x-amzn-requestid"], kind
            assert (sim.notifications(room), sim.notifications(other)) == ({**before[0], kind: 0}, before[1]), kind
        assert (sim.calls[-1].operation, sim.calls[-1].unit_id) == ("notifications.delete", room), kind


async def test_keeps_notifications_of_units_below(api: httpx.AsyncClient, sim: Simulator) -> None:
    floor = sim.tree.units[sim.rooms[0]].parent_id
    assert floor is not None
    fill(sim, floor, sim.rooms[0])
    before = sim.notifications(sim.rooms[0])
    assert (await api.post("/v3/notifications/delete", json=body(floor))).status_code == 202
    assert (sim.notifications(floor), sim.notifications(sim.rooms[0])) == (dict.fromkeys(KINDS, 0), before)


async def test_deletes_notifications_of_many_units(api: httpx.AsyncClient, sim: Simulator) -> None:
    rooms, other = sim.rooms[:3], sim.rooms[3]
    fill(sim, *rooms, other)
    before = {unit_id: sim.notifications(unit_id) for unit_id in sim.rooms}
    first = body(*rooms, kinds=[KINDS[1]])
    response = await api.post("/v3/notifications/delete", json=first)
    assert (response.status_code, response.content) == (202, b"")
    assert [sim.notifications(unit_id) for unit_id in rooms] == [{**before[each], KINDS[1]: 0} for each in rooms]
    assert (sim.calls[-1].operation, sim.calls[-1].body) == ("notifications.delete_many", first)
    assert (await api.post("/v3/notifications/delete", json=body(*rooms, *rooms))).status_code == 202
    assert [sim.notifications(unit_id) for unit_id in rooms] == [dict.fromkeys(KINDS, 0)] * 3
    assert sim.notifications(other) == before[other]


async def test_deletes_notifications_of_endpoints(api: httpx.AsyncClient, sim: Simulator) -> None:
    room, (first, second) = sim.rooms[0], sim.endpoints_in(sim.rooms[0])
    fill(sim, room, first, second)
    before = {each: sim.notifications(each) for each in (room, second)}
    sim.set_offline(first)  # they are in the service's record
    sent = {"recipients": [{"type": "Endpoint", "id": first}], "notificationTypes": [KINDS[0]]}
    assert (await api.post("/v3/notifications/delete", json=sent)).status_code == 202
    assert sim.notifications(first)[KINDS[0]] == 0 < sim.notifications(first)[KINDS[1]]
    assert {each: sim.notifications(each) for each in (room, second)} == before
    mixed = body(room)
    mixed["recipients"].append({"type": "Endpoint", "id": second})
    assert (await api.post("/v3/notifications/delete", json=mixed)).status_code == 202
    assert [sim.notifications(each) for each in (room, second)] == [dict.fromkeys(KINDS, 0)] * 2
    sim.set_forbidden(sim.rooms[1])
    # A unit's id is not an endpoint's.
    for endpoint_id, status in ((sim.endpoints_in(sim.rooms[1])[0], 403), ("none", 404), (room, 404)):
        sent["recipients"] = [{"type": "Endpoint", "id": endpoint_id}]
        assert (await api.post("/v3/notifications/delete", json=sent)).status_code == status


async def test_accepts_up_to_100_recipients(api: httpx.AsyncClient, sim: Simulator) -> None:
    units = (sim.rooms * 3)[:101]
    assert (await api.post("/v3/notifications/delete", json=body(*units))).status_code == 400
    assert any(any(sim.notifications(room).values()) for room in sim.rooms)
    assert (await api.post("/v3/notifications/delete", json=body(*units[:100]))).status_code == 202
    assert not any(any(sim.notifications(room).values()) for room in sim.rooms)


async def test_unknown_and_forbidden_units(api: httpx.AsyncClient, sim: Simulator) -> None:
    room, other = sim.rooms[:2]
    sim.set_forbidden(room)
    fill(sim, room, other)
    before = sim.notifications(other)
    for unit_id, status, code in ((UNKNOWN, 404, "NOT_FOUND"), (room, 403, "FORBIDDEN")):
        for response in (
            await api.delete("/v3/notifications", params=query(unit_id)),
            await api.post("/v3/notifications/delete", json=body(other, unit_id)),
        ):
            assert (response.status_code, response.json()["type"]) == (status, code)
    assert sim.notifications(other) == before
    assert min(sim.notifications(room).values()) > 0


BAD_QUERIES: list[dict[str, str | None]] = [
    {"recipients.id": ""},
    {"recipients.id": None},
    {"recipients.type": "Endpoint"},
    {"recipients.type": "unit"},
    {"recipients.type": None},
    {"notification.variants.type": "Announcement"},
    {"notification.variants.type": ""},
    {"notification.variants.type": None},
]


async def test_rejects_invalid_queries(api: httpx.AsyncClient, sim: Simulator) -> None:
    for change in BAD_QUERIES:
        fill(sim, sim.rooms[0])
        before = sim.notifications(sim.rooms[0])
        params = {name: value for name, value in {**query(sim.rooms[0]), **change}.items() if value is not None}
        response = await api.delete("/v3/notifications", params=params)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), change
        assert sim.notifications(sim.rooms[0]) == before, change


BAD_BODIES: list[object] = [
    None,
    [],
    "all",
    {"recipients": None},
    {"recipients": []},
    {"recipients": {"type": "Unit", "id": "x"}},
    {"recipients": ["x"]},
    {"recipients": [{"id": "x"}]},
    {"recipients": [{"type": "Unit"}]},
    {"recipients": [{"type": "Unit", "id": ""}]},
    {"recipients": [{"type": "Unit", "id": 5}]},
    {"recipients": [{"type": ["Unit"], "id": "x"}]},
    {"recipients": [{"type": "Endpoint", "id": ""}]},
    {"recipients": [{"type": "Room", "id": "x"}]},
    {"notificationTypes": None},
    {"notificationTypes": []},
    {"notificationTypes": KINDS[0]},
    {"notificationTypes": ["Announcement"]},
    {"notificationTypes": [*KINDS, "Announcement"]},
    {"notificationTypes": [None]},
    {"notificationTypes": [[]]},
]


async def test_rejects_invalid_bodies(api: httpx.AsyncClient, sim: Simulator) -> None:
    for change in BAD_BODIES:
        fill(sim, sim.rooms[0])
        before = sim.notifications(sim.rooms[0])
        sent = {**body(sim.rooms[0]), **change} if isinstance(change, dict) else change
        response = await api.post("/v3/notifications/delete", json=sent)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), change
        assert sim.notifications(sim.rooms[0]) == before, change


def test_initial_notifications_vary(sim: Simulator) -> None:
    before = {unit_id: sim.notifications(unit_id) for unit_id in sim.units}
    for kind in KINDS:
        assert {before[room][kind] for room in sim.rooms} == {0, 1, 2}
    twin = Simulator(rooms=45, endpoints_per_room=2, seed=7, properties=2, unassigned_endpoints=3)
    assert {unit_id: twin.notifications(unit_id) for unit_id in reversed(twin.units)} == before
    room = sim.rooms[0]
    sim.notifications(room).clear()
    assert sim.notifications(room) == before[room]
    sim.notify(room, KINDS[1])
    assert sim.notifications(room) == {**before[room], KINDS[1]: before[room][KINDS[1]] + 1}
    with pytest.raises(ValueError, match="Announcement"):
        sim.notify(room, "Announcement")  # type: ignore[arg-type]
    sim.reset()
    assert sim.notifications(room) == before[room]
