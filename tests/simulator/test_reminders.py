"""Reminders in the simulator: one state for them, their deletion by unit, and their number."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.reminders import AbsoluteTrigger, RecurringTrigger, RelativeTrigger, Reminders
from tests.wire import ONCE

BERLIN = ZoneInfo("Europe/Berlin")
SOON, TEXTS = RelativeTrigger(600), {"en-US": "Lunch"}
WEEKLY = RecurringTrigger(["FREQ=WEEKLY;BYDAY=MO;"], datetime(2030, 1, 1, 9, tzinfo=BERLIN))


async def ids(reminders: Reminders, endpoint_id: str) -> list[str | None]:
    return [each.reminder_id for each in await reminders.list(endpoint_id)]


async def test_a_reminder_from_creation_to_deletion(sim: Simulator) -> None:
    asp = sim.smart_properties(retry=ONCE)
    reminders, (first, second) = asp.reminders, sim.endpoints_in(sim.rooms[0])
    sim.set_alerts("reminders", first, 2)
    sim.set_alerts("reminders", second, 0)
    before = await ids(reminders, first)
    created = await reminders.create([first, second], AbsoluteTrigger(datetime(2030, 1, 1, 9, tzinfo=BERLIN)), TEXTS)
    assert created is not None
    one, other = (each.reminder_id or "" for each in created.success_results)
    assert await ids(reminders, first) == [*before, one]
    assert await ids(reminders, second) == [other]
    assert [sim.alert_count("reminders", each) for each in (first, second, sim.rooms[0])] == [3, 1, 4]

    assert (await reminders.get(one)).raw["recipient"]["id"] == first
    await reminders.update(one, first, WEEKLY, TEXTS)
    assert (await reminders.get(one)).raw["reminder"]["trigger"]["recurrence"]["recurrenceRules"] == [*WEEKLY.rules]
    moved = await reminders.update(one, second, SOON, TEXTS)
    assert moved is not None
    assert (moved.reminder_id, moved.raw["recipient"]["id"]) == (one, second)
    assert (await ids(reminders, first), await ids(reminders, second)) == (before, [other, one])

    await reminders.delete(one)
    assert sim.alert_count("reminders", second) == 1
    await asp.alerts.delete_reminders(sim.rooms[0])
    assert (await ids(reminders, first), await ids(reminders, second)) == ([], [])
    for call in (reminders.get(other), reminders.delete(other), reminders.update(other, second, SOON, TEXTS)):
        with pytest.raises(errors.NotFound):
            await call
    sim.reset()
    known = (await ids(reminders, first))[0] or ""
    sim.reset()
    assert (await reminders.get(known)).raw["recipient"]["id"] == first
    assert sim.alert_count("reminders", first) == len(await ids(reminders, first)) > 0
    # Ids are never used twice.
    sim.set_alerts("reminders", first, 3)
    listed = await ids(reminders, first)
    sim.set_alerts("reminders", first, 3)
    assert not {*listed} & {*await ids(reminders, first)}


async def test_an_endpoint_has_up_to_250(sim: Simulator) -> None:
    reminders, (first, second) = sim.smart_properties(retry=ONCE).reminders, sim.endpoints_in(sim.rooms[0])
    sim.set_alerts("reminders", first, 249)
    before = sim.alert_count("reminders", second)
    await reminders.create([first], SOON, TEXTS)
    full = reminders.update((await reminders.list(second)).items[0], first, SOON, TEXTS)
    for call in (reminders.create([second, first], SOON, TEXTS), full):
        with pytest.raises(errors.BadRequest, match="at most 250"):
            await call
    assert [sim.alert_count("reminders", each) for each in (first, second)] == [250, before]
    await reminders.update((await reminders.list(first)).items[0], first, SOON, TEXTS)
    with pytest.raises(ValueError, match="count"):
        sim.set_alerts("reminders", first, 251)


async def test_devices_that_are_offline_or_forbidden(sim: Simulator) -> None:
    reminders, (first, second) = sim.smart_properties(retry=ONCE).reminders, sim.endpoints_in(sim.rooms[0])
    stored = (await reminders.list(first)).items[0]
    sim.set_offline(first)
    created = await reminders.create([first, second], SOON, TEXTS)
    assert created is not None
    assert [each.reminder_id for each in created.success_results] == (await ids(reminders, second))[-1:]
    assert await reminders.get(stored) == stored
    for call in (
        reminders.create([first], SOON, TEXTS),
        reminders.update(stored, first, SOON, TEXTS),
        reminders.update(stored, second, SOON, TEXTS),
        reminders.delete(stored),
    ):
        with pytest.raises(errors.DeviceUnreachable, match=r"try again when the device is online"):
            await call
    sim.set_offline(first, offline=False)
    sim.set_forbidden(sim.rooms[0])
    for refused in (reminders.get(stored), reminders.list(first), reminders.create([first], SOON, TEXTS)):
        with pytest.raises(errors.Forbidden):
            await refused


TRIGGERS: list[Any] = [
    {},
    {"type": "SOMETIMES"},
    {"type": "SCHEDULED_RELATIVE"},
    {"type": "SCHEDULED_RELATIVE", "offsetInSeconds": 0},
    {"type": "SCHEDULED_ABSOLUTE", "scheduledTime": "2030-01-01T09:00:00.000"},
    {"type": "SCHEDULED_ABSOLUTE", "scheduledTime": "2030-01-01T09:00:00.000", "timeZoneId": "Europe/Atlantis"},
    {"type": "SCHEDULED_ABSOLUTE", "scheduledTime": "2030-01-01T09:00:00.000", "timeZoneId": "../etc/passwd"},
    {"type": "SCHEDULED_ABSOLUTE", "scheduledTime": "2030-01-01T09:00:00Z", "timeZoneId": "Europe/Berlin"},
    {"type": "SCHEDULED_ABSOLUTE", "timeZoneId": "Europe/Berlin"},
    {"type": "SCHEDULED_ABSOLUTE", "timeZoneId": "Europe/Berlin", "recurrence": {"recurrenceRules": []}},
    {"type": "SCHEDULED_ABSOLUTE", "timeZoneId": "Europe/Berlin", "recurrence": {"recurrenceRules": ["daily"]}},
]
CONTENTS: list[Any] = [None, [], [5], [{"text": "Lunch"}], [{"locale": "en-US"}], [{"locale": "en-US", "text": 5}]]


async def test_rejects_invalid_requests(api: httpx.AsyncClient, sim: Simulator) -> None:
    endpoint = sim.endpoints[0]
    trigger, content = {"type": "SCHEDULED_RELATIVE", "offsetInSeconds": 5}, [{"locale": "en-US", "text": "Lunch"}]

    def body(*recipients: Any, trigger: Any = trigger, content: Any = content) -> dict[str, Any]:
        reminder = {"trigger": trigger, "alertInfo": {"spokenInfo": {"content": content}}}
        return {"recipients": [*recipients], "reminder": reminder}

    recipient = {"type": "Endpoint", "id": endpoint}
    before = sim.alert_count("reminders", endpoint)
    for sent in (
        [],
        {},
        body(),
        body({"type": "Unit", "id": sim.rooms[0]}),
        body(5),
        *(body(recipient, trigger=each) for each in TRIGGERS),
        *(body(recipient, content=each) for each in CONTENTS),
        {**body(recipient), "requestTime": 5},
    ):
        response = await api.post("/v2/alerts/reminders", json=sent)
        assert (response.status_code, response.json()["type"]) == (400, "BAD_REQUEST"), sent
    for query in (
        {"recipient.type": "Endpoint", "recipient.id": endpoint},
        {"recipient.type": "Unit", "recipient.id": endpoint, "owner": "~caller"},
        {"recipient.type": "Endpoint", "owner": "~caller"},
    ):
        assert (await api.get("/v2/alerts/reminders", params=query)).status_code == 400, query
    assert sim.alert_count("reminders", endpoint) == before
