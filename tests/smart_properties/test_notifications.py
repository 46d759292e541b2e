"""Deletion of notifications: which kinds and how many units are accepted, and what errors name."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.notifications import NotificationKind
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
    (({"a": 1}, {VISUAL: 1, DEVICE: 2}), body(["a"], ["PersistentVisualAlert", "DeviceNotification"])),
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
    said = r'^kind must be "DeviceNotification" or "PersistentVisualAlert", not '
    for kind in NOT_KINDS:
        with pytest.raises(errors.ConfigurationError, match=said):
            await notifications.delete("u", kind)
        with pytest.raises(errors.ConfigurationError, match=said):
            await notifications.delete_many(["u"], [DEVICE, kind])
    assert service.seen == []


async def test_a_hundred_units_are_sent_and_no_more() -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    units = [f"u{number}" for number in range(101)]
    await notifications.delete_many(units[:100] * 2)
    assert service.seen[0].json == body(units[:100], ["DeviceNotification"])
    for refused, said in ((units, "unit_ids must be 1 to 100 units, not 101"), ([], "1 to 100 units, not 0")):
        with pytest.raises(errors.ConfigurationError, match=said):
            await notifications.delete_many(refused)
    with pytest.raises(errors.ConfigurationError, match=r"^name at least one kind"):
        await notifications.delete_many(units[:1], [])
    assert len(service.seen) == 1


async def test_rejects_what_is_no_list() -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    nothing: list[Any] = [None, "amzn1.unit", b"ab", 5, True, DEVICE]
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
