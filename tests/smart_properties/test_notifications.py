"""Deleting notifications: what goes on the wire, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.notifications import NotificationKind
from tests.helpers import Service, answer, smart_properties

DEVICE, VISUAL = NotificationKind.DEVICE_NOTIFICATION, NotificationKind.PERSISTENT_VISUAL_ALERT
ENCODED = [
    ("amzn1.alexa.unit.did.AB-C_1", "amzn1.alexa.unit.did.AB-C_1"),
    ("~caller.defaultUnitId", "~caller.defaultUnitId"),
    ("a/b?c=d&e#f", "a%2Fb%3Fc%3Dd%26e%23f"),
    ("%2F +", "%252F%20%2B"),
    ("Zürich 🛏\x00", "Z%C3%BCrich%20%F0%9F%9B%8F%00"),
]
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
CALLS: dict[str, Any] = {
    "delete": lambda notifications: notifications.delete("u"),
    "delete_many": lambda notifications: notifications.delete_many(["u"]),
}


def body(units: list[str], kinds: list[str]) -> dict[str, Any]:
    return {"recipients": [{"type": "Unit", "id": unit} for unit in units], "notificationTypes": kinds}


# Of one unit


@pytest.mark.parametrize(("unit_id", "query"), ENCODED)
@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        ((), "DeviceNotification"),
        ((DEVICE,), "DeviceNotification"),
        ((VISUAL,), "PersistentVisualAlert"),
        (("PersistentVisualAlert",), "PersistentVisualAlert"),
    ],
)
async def test_delete(unit_id: str, query: str, kinds: Any, kind: str) -> None:
    service = Service(204)
    await smart_properties(service).notifications.delete(unit_id, *kinds)
    (seen,) = service.seen
    path, _, pairs = seen.url.raw_path.decode().partition("?")
    assert (seen.method, path) == ("DELETE", "/v3/notifications")
    assert sorted(pairs.split("&")) == [
        f"notification.variants.type={kind}",
        f"recipients.id={query}",
        "recipients.type=Unit",
    ]
    assert (seen.content, "Content-Type" in seen.headers) == (b"", False)


@pytest.mark.parametrize("unit_id", NOT_IDS)
async def test_delete_of_what_is_no_unit(unit_id: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^unit_id must be an id"):
        await smart_properties(service).notifications.delete(unit_id)
    assert service.seen == []


@pytest.mark.parametrize("kind", NOT_KINDS)
async def test_what_cannot_be_deleted(kind: Any) -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    said = r'^kind must be "DeviceNotification" or "PersistentVisualAlert", not .*; announcements cannot be deleted'
    with pytest.raises(errors.ConfigurationError, match=said):
        await notifications.delete("u", kind)
    with pytest.raises(errors.ConfigurationError, match=said):
        await notifications.delete_many(["u"], [DEVICE, kind])
    assert service.seen == []


# Of many units


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ((["a"],), body(["a"], ["DeviceNotification"])),
        ((["b", "a"], [DEVICE]), body(["b", "a"], ["DeviceNotification"])),
        ((("a", "b", "a"), (VISUAL,)), body(["a", "b"], ["PersistentVisualAlert"])),
        (({"a": 1}, {VISUAL: 1, DEVICE: 2}), body(["a"], ["PersistentVisualAlert", "DeviceNotification"])),
        ((iter("ab"), iter([DEVICE, "DeviceNotification"])), body(["a", "b"], ["DeviceNotification"])),
        ((["Zürich/🛏\x00"],), body(["Zürich/🛏\x00"], ["DeviceNotification"])),
    ],
)
async def test_delete_many(arguments: Any, sent: dict[str, Any]) -> None:
    service = Service(204)
    await smart_properties(service).notifications.delete_many(*arguments)
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path.decode()) == ("POST", "/v3/notifications/delete")
    assert seen.json == sent
    assert seen.headers["Content-Type"] == "application/json"


async def test_a_hundred_units_are_sent_and_no_more() -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    units = [f"u{number}" for number in range(101)]
    await notifications.delete_many(units[:100] * 2)
    assert service.seen[0].json == body(units[:100], ["DeviceNotification"])
    with pytest.raises(errors.ConfigurationError, match=r"^unit_ids must be 1 to 100 units, not 101: send several"):
        await notifications.delete_many(units)
    with pytest.raises(errors.ConfigurationError, match=r"^unit_ids must be 1 to 100 units, not 0"):
        await notifications.delete_many([])
    with pytest.raises(errors.ConfigurationError, match=r"^name at least one kind"):
        await notifications.delete_many(units[:1], [])
    assert len(service.seen) == 1


@pytest.mark.parametrize("value", [None, "amzn1.unit", b"ab", 5, True, DEVICE])
async def test_what_is_no_list(value: Any) -> None:
    service = Service(204)
    notifications = smart_properties(service).notifications
    with pytest.raises(errors.ConfigurationError, match=r"^unit_ids must be a list, not "):
        await notifications.delete_many(value)
    with pytest.raises(errors.ConfigurationError, match=r"^kinds must be a list, not "):
        await notifications.delete_many(["u"], value)
    assert service.seen == []


@pytest.mark.parametrize("unit_id", NOT_IDS)
async def test_one_that_is_no_unit_stops_all(unit_id: Any) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=r"^unit_ids must be an id"):
        await smart_properties(service).notifications.delete_many(["u", unit_id])
    assert service.seen == []


# What comes back


@pytest.mark.parametrize("response", [204, answer(200), answer(200, json={"results": []}), answer(201), answer(202)])
@pytest.mark.parametrize("name", CALLS)
async def test_deleting_reads_no_answer(name: str, response: Any) -> None:
    service = Service(response)
    assert await CALLS[name](smart_properties(service).notifications) is None
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("units", "who"), [(["u"], "'u'"), (["u", "v"], "'u and 1 more'"), (["u", "v", "w", "u"], "'u and 2 more'")]
)
async def test_refusals_say_of_which_units(units: list[str], who: str) -> None:
    service = Service(answer(400, {"type": "SOME_TYPE", "message": "said"}, x_amzn_RequestId="request-1"))
    with pytest.raises(errors.BadRequest) as caught:
        await smart_properties(service).notifications.delete_many(units)
    assert str(caught.value).startswith(f'notifications.delete_many({who}): 400 SOME_TYPE "said" (request id request-1')
    assert len(service.seen) == 1
