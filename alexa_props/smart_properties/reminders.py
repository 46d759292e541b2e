"""Reminders: what devices say at some time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_id, require_ids, require_text, require_whole, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_field_types, require_models
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.content import localized, utc
from alexa_props.smart_properties.ids import EndpointId
from alexa_props.smart_properties.protocol import page_of, present

__all__ = [
    "OPERATIONS",
    "AbsoluteTrigger",
    "CreatedReminders",
    "RecurringTrigger",
    "RelativeTrigger",
    "Reminder",
    "Reminders",
    "Speech",
]


@attrs.frozen
class AbsoluteTrigger:
    """Once, at a time whose zone has a name: `datetime(2026, 6, 21, 16, 30, tzinfo=ZoneInfo("Europe/Berlin"))`."""

    time: dt.datetime


@attrs.frozen
class RelativeTrigger:
    """Once, some seconds after the request."""

    seconds: int


@attrs.frozen
class RecurringTrigger:
    """Repeatedly, by rules."""

    rules: Sequence[str]
    """Such as "FREQ=MONTHLY;BYMONTHDAY=5;BYHOUR=16;BYMINUTE=30;INTERVAL=1;"."""
    start: dt.datetime
    """Its time zone is that of the rules, and must have a name."""
    end: dt.datetime | None = None


Trigger: TypeAlias = AbsoluteTrigger | RelativeTrigger | RecurringTrigger


@attrs.frozen
class Speech:
    """What a reminder says, with SSML."""

    text: str | None = None
    ssml: str | None = None
    """Such as `<speak>Lunch is at noon</speak>`."""


@attrs.frozen
class Reminder(Identified, Lenient):
    """A reminder on an endpoint. Its form is not documented: see `raw`. Methods that take a reminder id take it too."""

    id_arguments = ("reminder_id",)
    id_field = "reminder_id"

    reminder_id: str | None = None
    """Inferred from the response to a creation."""


@attrs.frozen
class CreatedReminders(Lenient):
    """The reminders that were created. How those that failed are reported is not documented: see `raw`."""

    success_results: tuple[Reminder, ...] = ()
    """One per endpoint on which it was created."""


ReminderId: TypeAlias = str | Reminder

_REMINDERS: Final = "/v2/alerts/reminders"
_WIRE: Final = {"recipient_type": "recipient.type", "endpoint_id": "recipient.id"}

_api: Final = Group("reminders", "reminders-api.html")
LIST: Final = _api.get("list", _REMINDERS, page_of(Reminder), required=("endpoint_id",), wire=_WIRE)
CREATE: Final = _api.post("create", _REMINDERS, CreatedReminders, nullable=True, check_with="list")
GET: Final = _api.get("get", f"{_REMINDERS}/{{reminder_id}}", Reminder)
UPDATE: Final = _api.put("update", f"{_REMINDERS}/{{reminder_id}}", Reminder, nullable=True)
DELETE: Final = _api.delete("delete", f"{_REMINDERS}/{{reminder_id}}")
OPERATIONS: Final = _api.operations


class Reminders(Resource):
    """Create, read, replace and delete reminders on endpoints, up to 250 on each.

        created = await asp.reminders.create([endpoint_id], RelativeTrigger(600), {"en-US": "Check out at eleven"})
        print(await asp.reminders.list(endpoint_id))

    `alerts.delete_reminders` deletes all reminders of a unit.
    """

    def list(self, endpoint_id: EndpointId) -> Pager[Reminder]:
        """List the reminders on an endpoint that this account created. No paging is documented."""
        return self._pager(LIST, recipient_type="Endpoint", endpoint_id=endpoint_id, owner="~caller")

    async def create(
        self,
        endpoint_ids: Iterable[EndpointId],
        trigger: Trigger,
        texts: Mapping[str, str | Speech],
        *,
        request_time: dt.datetime | None = None,
    ) -> CreatedReminders | None:
        """Create a reminder on one or more endpoints, and return what was created; None if the response has no body.

        It may fail on some endpoints. How many a request can have is not documented. `texts` are by locale, such as
        "en-US". `request_time`, when it was requested, is used by Amazon's tool, but not documented.
        """
        endpoints = list(dict.fromkeys(require_ids("endpoint_ids", endpoint_ids, 1)))
        return await self._call(
            CREATE,
            recipients=[_recipient(endpoint_id) for endpoint_id in endpoints],
            request_time=None if request_time is None else utc("request_time", request_time),
            reminder=_reminder(trigger, texts),
            subject=summarize(endpoints),
        )

    async def get(self, reminder_id: ReminderId) -> Reminder:
        """Return a reminder."""
        return await self._call(GET, reminder_id=reminder_id)

    async def update(
        self,
        reminder_id: ReminderId,
        endpoint_id: EndpointId,
        trigger: Trigger,
        texts: Mapping[str, str | Speech],
        *,
        request_time: dt.datetime | None = None,
    ) -> Reminder | None:
        """Replace a reminder on an endpoint; None if the response has no body. A retry restarts a `RelativeTrigger`."""
        return await self._call(
            UPDATE,
            reminder_id=reminder_id,
            recipient=_recipient(require_id("endpoint_id", endpoint_id)),
            request_time=None if request_time is None else utc("request_time", request_time),
            reminder=_reminder(trigger, texts),
        )

    async def delete(self, reminder_id: ReminderId) -> None:
        """Delete a reminder."""
        await self._call(DELETE, reminder_id=reminder_id)


def _recipient(endpoint_id: str) -> dict[str, str]:
    return {"type": "Endpoint", "id": endpoint_id}


def _reminder(trigger: Trigger, texts: Mapping[str, str | Speech]) -> dict[str, object]:
    content = []
    for locale, each in localized("texts", texts, str, Speech).items():
        speech = Speech(each) if isinstance(each, str) else each
        require_field_types(speech)
        if not speech.text and not speech.ssml:
            raise ConfigurationError(f"texts[{locale!r}] must have a text or SSML")
        content.append({"locale": locale, **present(text=speech.text, ssml=speech.ssml)})
    return {"trigger": _trigger(trigger), "alertInfo": {"spokenInfo": {"content": content}}}


def _trigger(trigger: Trigger) -> dict[str, object]:
    match trigger:
        case AbsoluteTrigger(time):
            local, zone = _local("time", time)
            return {"type": "SCHEDULED_ABSOLUTE", "scheduledTime": local, "timeZoneId": zone}
        case RelativeTrigger(seconds):
            return {"type": "SCHEDULED_RELATIVE", "offsetInSeconds": require_whole("seconds", seconds)}
        case RecurringTrigger():
            return _recurring(trigger)
        case _:
            kinds = "an AbsoluteTrigger, a RelativeTrigger or a RecurringTrigger"
            raise ConfigurationError(f"trigger must be {kinds}, not {trigger!r:.80}")


def _recurring(trigger: RecurringTrigger) -> dict[str, object]:
    rules = [require_text("rules", rule) for rule in require_models("rules", trigger.rules, str)]
    start, zone = _local("start", trigger.start)
    recurrence: dict[str, object] = {"recurrenceRules": rules, "startDateTime": start}
    if trigger.end is not None:
        recurrence["endDateTime"], other = _local("end", trigger.end)
        if other != zone:
            raise ConfigurationError(f"end must be in the time zone of start, {zone}, not in {other}")
    return {"type": "SCHEDULED_ABSOLUTE", "timeZoneId": zone, "recurrence": recurrence}


def _local(argument: str, time: dt.datetime) -> tuple[str, str]:
    """Return a time as local clocks show it, and the name of its zone."""
    zone = getattr(time.tzinfo, "key", None) if isinstance(time, dt.datetime) else None
    if not isinstance(zone, str):
        example = 'zoneinfo.ZoneInfo("Europe/Berlin")'
        raise ConfigurationError(f"{argument} must be a datetime with a named time zone, {example}, not {time!r:.80}")
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds"), zone
