"""Reminders: which times and texts are accepted, and that none is created twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from alexa_props import errors
from alexa_props.smart_properties.reminders import AbsoluteTrigger, RecurringTrigger, RelativeTrigger, Speech
from tests.helpers import Service, answer, smart_properties

BERLIN, PARIS = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Paris")
NOON = datetime(2026, 6, 21, 12, tzinfo=BERLIN)
LOCAL = NOON.replace(tzinfo=None)
ZONE = 'must be a datetime with a named time zone, zoneinfo.ZoneInfo("Europe/Berlin"), not '
TEXTS: dict[str, Any] = {"en-US": "Lunch"}
REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    ("noon", TEXTS, "trigger must be an AbsoluteTrigger, a RelativeTrigger or a RecurringTrigger, not 'noon'"),
    (AbsoluteTrigger(LOCAL), TEXTS, f"time {ZONE}"),
    (AbsoluteTrigger(datetime(2026, 6, 21, 12, tzinfo=UTC)), TEXTS, f"time {ZONE}"),
    (AbsoluteTrigger(datetime(2026, 6, 21, 12, tzinfo=timezone(timedelta(hours=2)))), TEXTS, f"time {ZONE}"),
    (AbsoluteTrigger("2026-06-21T12:00"), TEXTS, f"time {ZONE}"),  # type: ignore[arg-type]
    (RelativeTrigger(0.5), TEXTS, "seconds must be a whole number, not 0.5"),  # type: ignore[arg-type]
    (RelativeTrigger(True), TEXTS, "seconds must be a whole number, not True"),
    (RecurringTrigger([], NOON), TEXTS, "rules must be a list of at least 1 item, not of 0"),
    (RecurringTrigger("FREQ=DAILY;", NOON), TEXTS, "rules must be a list, not str"),
    (RecurringTrigger([5], NOON), TEXTS, "rules[0] must be of type str, not int"),  # type: ignore[list-item]
    (RecurringTrigger(["FREQ=DAILY;"], LOCAL), TEXTS, f"start {ZONE}"),
    (RecurringTrigger(["FREQ=DAILY;"], NOON, LOCAL), TEXTS, f"end {ZONE}"),
    (
        RecurringTrigger(["FREQ=DAILY;"], NOON, datetime(2026, 7, 1, tzinfo=PARIS)),
        TEXTS,
        "end must be in the time zone of start, Europe/Berlin, not in Europe/Paris",
    ),
    (RelativeTrigger(5), {}, "texts must be a dict with at least one locale"),
    (RelativeTrigger(5), {"en-US": 5}, "texts['en-US'] must be of type str or Speech, not 5"),
    (RelativeTrigger(5), {"en-US": Speech()}, "texts['en-US'] must have a text or SSML"),
]


@pytest.mark.parametrize(("trigger", "texts", "said"), REFUSED)
async def test_rejects_invalid_reminders(trigger: Any, texts: dict[str, Any], said: str) -> None:
    service = Service(204)
    reminders = smart_properties(service).reminders
    for call in (reminders.create(["e"], trigger, texts), reminders.update("r", "e", trigger, texts)):
        with pytest.raises(errors.ConfigurationError) as caught:
            await call
        assert str(caught.value).startswith(said)
    assert service.seen == []


async def test_rejects_a_list_without_endpoints_and_a_request_time_without_a_zone() -> None:
    service = Service(204)
    create = smart_properties(service).reminders.create
    with pytest.raises(errors.ConfigurationError, match=r"^endpoint_ids must be a list of at least 1 item"):
        await create([], RelativeTrigger(5), TEXTS)
    with pytest.raises(errors.ConfigurationError, match=r"^request_time must be a datetime with a time zone"):
        await create(["e"], RelativeTrigger(5), TEXTS, request_time=LOCAL)
    assert service.seen == []


@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), 503])
async def test_a_reminder_that_may_exist_is_not_created_again(lost: Any) -> None:
    service = Service(lost)
    with pytest.raises(errors.AlexaError, match=r"reminders.create\('e and 1 more'\).*check with reminders.list"):
        await smart_properties(service).reminders.create(["e", "f"], RelativeTrigger(5), TEXTS)
    assert len(service.seen) == 1


async def test_the_pages_of_a_list_are_followed_although_none_are_documented() -> None:
    first = {"results": [{"reminderId": "a"}], "paginationContext": {"nextToken": "more"}}
    service = Service(answer(200, first), answer(200, {"results": [{}]}))
    found = [each.reminder_id async for each in smart_properties(service).reminders.list("e")]
    assert found == ["a", None]
    assert [request.url.params.get("nextToken") for request in service.seen] == [None, "more"]


async def test_times_are_local() -> None:
    service = Service(204)
    for month, fold in ((1, 0), (7, 0), (10, 1)):
        time = datetime(2026, month, 25, 2, 30, tzinfo=BERLIN, fold=fold)
        await smart_properties(service).reminders.create(["e"], AbsoluteTrigger(time), TEXTS)
        trigger = service.seen[-1].json["reminder"]["trigger"]
        assert trigger["scheduledTime"] == f"2026-{month:02}-25T02:30:00.000"
        assert trigger["timeZoneId"] == "Europe/Berlin"
