"""Notifications: which kinds, texts, times and how many recipients are accepted, and what errors name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.smart_properties.campaigns import MediaCard
from alexa_props.smart_properties.notifications import Announcement, NotificationKind, PersistentVisualAlert
from alexa_props.smart_properties.visual_alerts import (
    ImageListTemplate,
    OptionListTemplate,
    RatingTemplate,
    TextWrappingTemplate,
)
from tests.helpers import Service, answer, smart_properties

DEVICE, VISUAL = NotificationKind.DEVICE_NOTIFICATION, NotificationKind.PERSISTENT_VISUAL_ALERT
NOT_IDS: list[Any] = [None, "", ".", "..", 5, True, b"x", ["u"], {"u": "v"}, "\ud800"]
NOT_KINDS: list[Any] = [
    None,
    "Announcement",
    "devicenotification",
    "",
    5,
    True,
    b"DeviceNotification",
    [],
    {},
    [DEVICE],
]


def body(units: list[str], kinds: list[str]) -> dict[str, Any]:
    return {"recipients": [{"type": "Unit", "id": unit} for unit in units], "notificationTypes": kinds}


SENT: list[tuple[Any, dict[str, Any]]] = [
    ((["b", "a"], [DEVICE]), body(["b", "a"], ["DeviceNotification"])),
    ((("a", "b", "a"), (VISUAL,)), body(["a", "b"], ["PersistentVisualAlert"])),
    (({"a": 1}.keys(), (VISUAL, DEVICE)), body(["a"], ["PersistentVisualAlert", "DeviceNotification"])),
    ((iter("ab"), iter([DEVICE, "DeviceNotification"])), body(["a", "b"], ["DeviceNotification"])),
    ((["Zürich/🛏\x00"],), body(["Zürich/🛏\x00"], ["DeviceNotification"])),
]


async def test_units_and_kinds_are_sent_once_each_and_in_order() -> None:
    service = Service(204)
    for arguments, expected in SENT:
        await smart_properties(service).notifications.delete_many(*arguments)
        assert service.seen[-1].json == expected


async def test_rejects_what_is_no_kind() -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    said = r'^kind must be one of "DeviceNotification", "PersistentVisualAlert", not .*announcements cannot be deleted$'
    for kind in NOT_KINDS:
        with pytest.raises(errors.ConfigurationError, match=said):
            await notifications.delete("u", kind)
        with pytest.raises(errors.ConfigurationError, match=said):
            await notifications.delete_many(["u"], [DEVICE, kind])
    assert service.seen == []


async def test_a_notification_is_sent_to_a_hundred_units_and_no_more() -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    units = [f"u{number}" for number in range(101)]
    await notifications.delete_many(units[:100] * 2)
    assert service.seen[0].json == body(units[:100], ["DeviceNotification"])
    await notifications.delete_many(units[:50], endpoint_ids=units[:50])
    said = r"^unit_ids and endpoint_ids together must be a list of .* items?, not of "
    for refused, endpoints in ((units, []), ([], []), (units[:100], ["e"]), ([], units)):
        with pytest.raises(errors.ConfigurationError, match=said):
            await notifications.send(refused, Announcement({"en-US": "Hello"}), endpoint_ids=endpoints)
    with pytest.raises(errors.ConfigurationError, match=said):
        await notifications.delete_many([])
    with pytest.raises(errors.ConfigurationError, match=said):
        notifications.query()
    await notifications.query(units)
    await notifications.delete_many(units)  # no page has a limit
    with pytest.raises(errors.ConfigurationError, match=r"^kinds must be a list of at least 1 item"):
        await notifications.delete_many(units[:1], [])
    assert len(service.seen) == 4


async def test_rejects_what_is_no_list() -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    nothing: list[Any] = [None, "amzn1.unit", b"ab", 5, True, DEVICE, {"u": 1}]
    for value in nothing:
        with pytest.raises(errors.ConfigurationError, match=r"^unit_ids must be a list, not "):
            await notifications.delete_many(value)
        with pytest.raises(errors.ConfigurationError, match=r"^kinds must be a list, not "):
            await notifications.delete_many(["u"], value)
    assert service.seen == []


async def test_one_bad_id_among_good_ones_is_refused() -> None:
    service = Service(204)
    for unit_id in NOT_IDS:
        with pytest.raises(errors.ConfigurationError, match=r"^unit_ids must be an id"):
            await smart_properties(service).notifications.delete_many(["u", unit_id])
    assert service.seen == []


async def test_an_error_names_the_first_unit_and_counts_the_rest() -> None:
    for units, subject in ((["u"], "'u'"), (["u", "v"], "'u and 1 more'"), (["u", "v", "w", "u"], "'u and 2 more'")):
        service = Service(answer(400, {"type": "SOME_TYPE", "message": "said"}, x_amzn_RequestId="request-1"))
        with pytest.raises(errors.BadRequest) as caught:
            await smart_properties(service).notifications.delete_many(units)
        text = f'notifications.delete_many({subject}): 400 SOME_TYPE "said" (request id request-1'
        assert str(caught.value).startswith(text)


CARD = TextWrappingTemplate(primary_text="Breakfast")
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
LOCAL = NOON.replace(tzinfo=None)
EARLIEST = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
REFUSED: list[tuple[Any, str]] = [
    ("Hello", "notification must be an Announcement, a DeviceNotification or a PersistentVisualAlert, not 'Hello'"),
    (Announcement({}), 'texts must be a dict with at least one locale, such as "en-US"'),
    (Announcement("Hello"), "texts must be a dict"),  # type: ignore[arg-type]
    (Announcement({"": "Hello"}), "texts must have locales such as \"en-US\" as keys, not ''"),
    (Announcement({"en-US": 5}), "texts['en-US'] must be of type str, not 5"),  # type: ignore[dict-item]
    (Announcement({"en-US": "\ud800"}), "texts must be text: '\\ud800' holds half a surrogate pair"),
    (PersistentVisualAlert({"en-US": "Hello"}), "cards['en-US'] must be of type AlertTemplate"),  # type: ignore[dict-item]
    (PersistentVisualAlert({"en-US": MediaCard()}), "cards['en-US'] must be of type AlertTemplate"),  # type: ignore[dict-item]
    (PersistentVisualAlert({"en-US": RatingTemplate(hint_text="\udc00")}), "hint_text must be text"),
    (PersistentVisualAlert({"en-US": OptionListTemplate(option_list=[])}), "option_list must be a list of at least 1"),
    (PersistentVisualAlert({"en-US": ImageListTemplate(image_list="a")}), "image_list must be a list"),  # type: ignore[arg-type]
    (PersistentVisualAlert({"en-US": CARD}, start=LOCAL), "start must be a datetime with a time zone"),
    (PersistentVisualAlert({"en-US": CARD}, start=NOON, end=LOCAL), "end must be a datetime with"),
    (PersistentVisualAlert({"en-US": CARD}, end="2025-01-01T00:00Z"), "end must be a datetime"),  # type: ignore[arg-type]
    (PersistentVisualAlert({"en-US": CARD}, end=EARLIEST), "end must be a datetime"),
    (PersistentVisualAlert({"en-US": CARD}, dismissal_time=LOCAL), "dismissal_time must be a datetime"),
    (PersistentVisualAlert({"en-US": CARD}, restrict_actions="A"), "restrict_actions must be a list, each a string"),
]


@pytest.mark.parametrize(("notification", "said"), REFUSED)
async def test_rejects_invalid_notifications(notification: Any, said: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError) as caught:
        await smart_properties(service).notifications.send(["u"], notification)
    assert str(caught.value).startswith(said)
    assert service.seen == []


@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), 503])
async def test_a_notification_that_may_have_been_sent_is_not_sent_again(lost: Any) -> None:
    service = Service(lost)
    with pytest.raises(
        errors.AlexaError, match=r"notifications.send\('u and 1 more'\).*check with notifications.query"
    ):
        await smart_properties(service).notifications.send(["u"], Announcement({"en-US": "Hello"}), endpoint_ids=["e"])
    assert len(service.seen) == 1


async def test_throttled_notifications_are_sent_once_accepted() -> None:
    service = Service(429, 429, 200)
    await smart_properties(service).notifications.send(["u"], Announcement({"en-US": "Hello"}))
    assert len(service.seen) == 3
