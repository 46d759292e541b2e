"""The wire of reminders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alexa_props.simulator import Simulator
from alexa_props.smart_properties.reminders import (
    AbsoluteTrigger,
    CreatedReminders,
    RecurringTrigger,
    RelativeTrigger,
    Reminder,
    Speech,
)
from tests.wire.row import LAST_PAGE, Wire

CREATE, UPDATE = "POST /v2/alerts/reminders", "PUT /v2/alerts/reminders/reminder-1"
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
TEXTS: dict[str, str | Speech] = {
    "en-US": Speech("Lunch is at noon", "<speak>Lunch is at noon</speak>"),
    "de-DE": "Mittagessen um zwölf",
}
RULE = "FREQ=MONTHLY;BYMONTHDAY=5;BYHOUR=10;INTERVAL=1;"
RECURRING = RecurringTrigger(
    [RULE], datetime(2024, 5, 10, 6, tzinfo=LOS_ANGELES), datetime(2024, 8, 10, 10, tzinfo=LOS_ANGELES)
)
REQUESTED = datetime(2024, 5, 1, tzinfo=UTC)


def reminder(trigger: dict[str, Any], *content: dict[str, str]) -> dict[str, Any]:
    return {"trigger": trigger, "alertInfo": {"spokenInfo": {"content": [*content]}}}


def recipient(endpoint: str = "endpoint-1") -> dict[str, str]:
    return {"type": "Endpoint", "id": endpoint}


BOTH = (
    {"locale": "en-US", "text": "Lunch is at noon", "ssml": "<speak>Lunch is at noon</speak>"},
    {"locale": "de-DE", "text": "Mittagessen um zwölf"},
)
ABSOLUTE = {
    "type": "SCHEDULED_ABSOLUTE",
    "scheduledTime": "2024-06-21T16:30:00.000",
    "timeZoneId": "America/Los_Angeles",
}
RECURRENCE = {
    "type": "SCHEDULED_ABSOLUTE",
    "timeZoneId": "America/Los_Angeles",
    "recurrence": {
        "startDateTime": "2024-05-10T06:00:00.000",
        "endDateTime": "2024-08-10T10:00:00.000",
        "recurrenceRules": [RULE],
    },
}
STORED = {"reminderId": "reminder-1", "more": {"a": 1}}


def of_another_room(sim: Simulator) -> str:
    """Return a reminder in the second room, if there is one: tests delete those of the first."""
    endpoint = sim.tree.endpoints[sim.endpoints_in(sim.rooms[:2][-1])[0]]
    return next(iter(endpoint.reminders))


IDS = {"reminder": of_another_room}
MODELS = {"reminder": Reminder("reminder-1")}

WIRE = {
    "reminders.list": Wire(
        lambda on: on.asp.reminders.list(on.endpoint),
        "GET /v2/alerts/reminders?recipient.type=Endpoint&recipient.id=endpoint-1&owner=~caller",
        response={"results": [STORED, {}], **LAST_PAGE},
        result=[Reminder("reminder-1"), Reminder()],
    ),
    "reminders.create": Wire(
        lambda on: on.asp.reminders.create(
            [on.endpoint], AbsoluteTrigger(datetime(2024, 6, 21, 16, 30, tzinfo=LOS_ANGELES)), TEXTS
        ),
        CREATE,
        body={"recipients": [recipient()], "reminder": reminder(ABSOLUTE, *BOTH)},
        response={"successResults": [{"reminderId": "a"}, {"reminderId": "b", "more": 5}], "failed": []},
        result=CreatedReminders((Reminder("a"), Reminder("b"))),
    ),
    "reminders.create, with every argument": Wire(
        lambda on: on.asp.reminders.create(
            [on.endpoint, "b", on.endpoint], RelativeTrigger(600), {"en-US": "Lunch"}, request_time=REQUESTED
        ),
        CREATE,
        body={
            "recipients": [recipient(), recipient("b")],
            "requestTime": "2024-05-01T00:00:00.000Z",
            "reminder": reminder(
                {"type": "SCHEDULED_RELATIVE", "offsetInSeconds": 600}, {"locale": "en-US", "text": "Lunch"}
            ),
        },
    ),
    "reminders.create, recurring": Wire(
        lambda on: on.asp.reminders.create([on.endpoint], RECURRING, {"en-US": Speech(ssml="<speak>Lunch</speak>")}),
        CREATE,
        body={
            "recipients": [recipient()],
            "reminder": reminder(RECURRENCE, {"locale": "en-US", "ssml": "<speak>Lunch</speak>"}),
        },
        response={},
        result=CreatedReminders(),
    ),
    "reminders.get": Wire(
        lambda on: on.asp.reminders.get(on.reminder),
        "GET /v2/alerts/reminders/reminder-1",
        response=STORED,
        result=Reminder("reminder-1"),
    ),
    "reminders.update": Wire(
        lambda on: on.asp.reminders.update(on.reminder, on.endpoint, RECURRING, TEXTS, request_time=REQUESTED),
        UPDATE,
        body={
            "recipient": recipient(),
            "requestTime": "2024-05-01T00:00:00.000Z",
            "reminder": reminder(RECURRENCE, *BOTH),
        },
        response=STORED,
        result=Reminder("reminder-1"),
    ),
    "reminders.update, without an end": Wire(
        lambda on: on.asp.reminders.update(
            on.reminder, on.endpoint, RecurringTrigger((RULE,), RECURRING.start), {"en-US": "Lunch"}
        ),
        UPDATE,
        body={
            "recipient": recipient(),
            "reminder": reminder(
                {**RECURRENCE, "recurrence": {"startDateTime": "2024-05-10T06:00:00.000", "recurrenceRules": [RULE]}},
                {"locale": "en-US", "text": "Lunch"},
            ),
        },
    ),
    "reminders.delete": Wire(lambda on: on.asp.reminders.delete(on.reminder), "DELETE /v2/alerts/reminders/reminder-1"),
}
