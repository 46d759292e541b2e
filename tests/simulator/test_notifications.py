"""Notifications: sent, queried and deleted, and what is refused."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Any, get_args

import httpx
import pytest

from alexa_props import errors, fleet
from alexa_props.simulator import NotificationKind, Simulator
from alexa_props.smart_properties.notifications import (
    Announcement,
    DeviceNotification,
    NotificationRecord,
    PersistentVisualAlert,
)
from alexa_props.smart_properties.visual_alerts import TextWrappingTemplate
from tests.wire import ONCE
from tests.wire.notifications import shown, spoken

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


# Sending and querying

PARCEL = DeviceNotification({"en-US": "Your parcel is at the front desk."})


def alert(start: datetime | None = None, end: datetime | None = None, **options: Any) -> PersistentVisualAlert:
    card = TextWrappingTemplate(primary_text="Breakfast")
    return PersistentVisualAlert({"en-US": card}, start=start, end=end, **options)


def primary_texts(records: list[NotificationRecord]) -> list[str]:
    variants = [variant for each in records for variant in each.raw["notification"]["variants"]]
    values = [value for each in variants for value in each["content"]["variants"][0]["values"]]
    return [value["datasources"]["displayText"]["primaryText"] for value in values]


async def test_a_notification_from_sending_to_deletion(sim: Simulator, start: datetime, seconds: list[float]) -> None:
    notifications, (room, other), endpoint = (
        sim.smart_properties(retry=ONCE).notifications,
        sim.rooms[:2],
        sim.endpoints[4],
    )
    await notifications.delete_many([room, other], KINDS, endpoint_ids=[endpoint])
    none = dict.fromkeys(KINDS, 0)
    sim.delay_effect(10, "notifications.send")
    await notifications.send([room, room], PARCEL, endpoint_ids=[endpoint])
    await notifications.send([room], alert(end=start + timedelta(seconds=60)))
    await notifications.send([room, other], Announcement({"en-US": "Fire drill"}))
    assert [sim.notifications(each) for each in (room, other, endpoint)] == [none] * 3
    assert [each async for each in notifications.query([room])] == []

    seconds[0] = 10
    assert sim.notifications(room) == dict.fromkeys(KINDS, 1)
    assert sim.notifications(other) == none
    assert sim.notifications(endpoint) == {**none, "DeviceNotification": 1}
    found = [each async for each in notifications.query([other, room], endpoint_ids=[endpoint], page_size=1)]
    assert (primary_texts(found), [each.id for each in found[0].recipients]) == (["Breakfast"], [room])

    sim.delay_effect(5, "notifications.delete_many")
    await notifications.delete_many([room], ["DeviceNotification"], endpoint_ids=[endpoint])
    assert sim.notifications(room) == dict.fromkeys(KINDS, 1)
    seconds[0] = 15
    assert sim.notifications(room) == {**none, "PersistentVisualAlert": 1}
    assert sim.notifications(endpoint) == none
    seconds[0] = 60
    assert sim.notifications(room) == none
    sim.reset()
    assert sim.notifications(room) == Simulator(rooms=45, seed=7, properties=2).notifications(room)


async def test_a_device_shows_one_visual_alert_at_a_time(sim: Simulator, start: datetime) -> None:
    notifications, (room, other) = sim.smart_properties(retry=ONCE).notifications, sim.rooms[:2]
    sim.notify(room, "PersistentVisualAlert")  # not sent, so it leaves room for others
    before = sim.notifications(other)
    one, two, three = (start + timedelta(hours=hours) for hours in (1, 2, 3))
    await notifications.send([room], alert(one, two))
    await notifications.send([room], alert(two, three))
    await notifications.send([room], alert(dismissal_time=one))
    await notifications.send([room], PARCEL)
    for second in (alert(one, three), alert(), alert(end=two), alert(three - timedelta(seconds=1))):
        with pytest.raises(errors.BadRequest, match="already has a persistent visual alert"):
            await notifications.send([other, room], second)
    assert sim.notifications(other) == before
    await notifications.delete(room, "PersistentVisualAlert")
    await notifications.send([room], alert())
    assert sim.notifications(room)["PersistentVisualAlert"] == 1


async def test_a_fleet_is_notified_in_batches() -> None:
    sim = Simulator(rooms=120, endpoints_per_room=0, users=0)
    notifications = sim.smart_properties(retry=ONCE).notifications
    none = dict.fromkeys(KINDS, 0)
    async with fleet.run_many(functools.partial(notifications.delete_many, kinds=KINDS), sim.rooms) as run:
        assert [outcome.status async for outcome in run] == ["done"] * 120
    async with fleet.run_many(functools.partial(notifications.send, notification=PARCEL), sim.rooms) as run:
        assert [outcome.status async for outcome in run] == ["done"] * 120
    assert [sim.notifications(room) for room in sim.rooms] == [{**none, "DeviceNotification": 1}] * 120
    assert (sim.count("notifications.delete_many"), sim.count("notifications.send")) == (2, 2)
    # A batch that was refused may have reached some of them, so it is not sent again in halves. A deletion is.
    delete = functools.partial(notifications.delete_many, kinds=KINDS)
    send = functools.partial(notifications.send, notification=PARCEL)
    for call, failures, calls in ((delete, 1, 5), (send, 4, 1)):
        sim.clear_calls()
        async with fleet.run_many(call, [*sim.rooms[:3], UNKNOWN]) as run:
            failed = [outcome.key async for outcome in run if outcome.status != "done"]
        assert (len(failed), sim.count()) == (failures, calls)


async def test_recipients_must_exist_and_be_permitted(sim: Simulator) -> None:
    notifications, (room, other) = sim.smart_properties(retry=ONCE).notifications, sim.rooms[:2]
    before = sim.notifications(other)
    sim.set_forbidden(room)
    for recipient, kind in ((UNKNOWN, errors.NotFound), (room, errors.Forbidden)):
        with pytest.raises(kind):
            await notifications.send([other, recipient], PARCEL)
        with pytest.raises(kind):
            await notifications.query([recipient])
    with pytest.raises(errors.Forbidden):
        await notifications.send([], PARCEL, endpoint_ids=[sim.endpoints_in(room)[0]])
    assert sim.notifications(other) == before


TEXT: dict[str, Any] = spoken("DeviceNotification", en_US="Hello")
VISUAL: dict[str, Any] = shown("textWrappingTemplate", {"displayText": {"primaryText": "Hello"}})
BAD_NOTIFICATIONS: list[Any] = [
    None,
    {},
    {"variants": []},
    {"variants": [*TEXT["variants"], *VISUAL["variants"]]},
    spoken("Message", en_US="Hello"),
    spoken("PersistentVisualAlert", en_US="Hello"),
    spoken("Announcement"),
    spoken("Announcement", en_US=""),
    {"variants": [{"type": "Announcement", "content": {"variants": []}}]},
    shown("unknownTemplate", {}),
    shown("ratingTemplate", []),  # type: ignore[arg-type]
    {"variants": [{**VISUAL["variants"][0], "type": "Announcement"}]},
    {"variants": [{**VISUAL["variants"][0], "dismissalTime": "2025-01-01T08:00:00"}]},
    {"variants": [{**VISUAL["variants"][0], "scheduling": {"activationWindow": {"start": "soon"}}}]},
    {"variants": [{**VISUAL["variants"][0], "deliveryPreferences": "CHIME"}]},
]


async def test_rejects_invalid_notifications(api: httpx.AsyncClient, sim: Simulator) -> None:
    recipients = [{"type": "Unit", "id": sim.rooms[0]}]
    before = sim.notifications(sim.rooms[0])
    for notification in BAD_NOTIFICATIONS:
        response = await api.post("/v3/notifications", json={"recipients": recipients, "notification": notification})
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), notification
    for wrong in (None, [], recipients * 101, [5], [{"type": "Room", "id": "x"}]):
        response = await api.post("/v3/notifications", json={"recipients": wrong, "notification": TEXT})
        assert response.status_code == 400, wrong
    assert sim.notifications(sim.rooms[0]) == before
    by_kind = {"match": {"notification.variants.type": "DeviceNotification"}}
    for query in (None, {"match": {"recipients.id": sim.rooms[0]}}, {"and": [{"match": {"id": "x"}}]}, by_kind):
        assert (await api.post("/v3/notifications/query", json={"query": query})).status_code == 400, query
