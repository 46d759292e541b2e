"""Every public method on canned bytes: every status, with bodies that make sense and with others."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.paging import Page
from alexa_props.smart_properties.endpoint_settings import Setting
from tests.conformance.actions import (
    ABOUT_A_DEVICE,
    ACTIONS,
    ASP,
    DELETIONS,
    OPERATIONS,
    canned,
    failure_of,
)

SUCCESS: dict[str, Any] = {
    "unit_settings.get_default_music_station": {"providerId": "I_HEART_RADIO", "stationId": "4802"},
    "unit_settings.set_default_music_station": None,
    "alerts.delete_alarms": None,
    "alerts.delete_timers": None,
    "alerts.delete_reminders": None,
    "units.list": {"results": [{"id": "u"}], "paginationContext": {"nextToken": None}},
    "units.get": {"id": "u"},
    "endpoints.list": {"results": [{"id": "e"}]},
    "endpoints.get": {"id": "e"},
    "endpoints.connectivity": {"properties": [{"name": "reachability", "value": {"value": "OK"}}]},
    "units.create": {"id": "u"},
    "units.update": None,
    "units.delete": None,
    "endpoint_settings.get": ["en-US"],
    "endpoint_settings.set": None,
    "endpoint_settings.get_many": {"settings": [{"key": "System.locales", "value": ["en-US"]}]},
    "endpoint_settings.get_address": {"city": "Ulm"},
    "endpoint_settings.set_address": None,
    "features.get_speaker": {"properties": [{"name": "volume", "value": {"value": 40}}]},
    "features.set_volume": None,
    "features.adjust_volume": None,
    "features.get_bluetooth": {"operations": [{"name": "unpair"}]},
    "features.unpair_bluetooth": None,
    "notifications.delete": None,
    "notifications.delete_many": None,
    "devices.get": {"Device": {"DeviceArn": "d"}},
    "devices.search": {"Devices": [{"DeviceArn": "d"}], "TotalCount": 1},
    "devices.events": {"DeviceEvents": [{"Type": "CONNECTION_STATUS", "Value": "ONLINE", "Timestamp": 1.5}]},
    "users.search": {"Users": [{"UserArn": "u"}], "NextToken": ""},
}
READERS = [name for name, body in SUCCESS.items() if body is not None]


def test_every_operation_is_among_them() -> None:
    assert set(ASP) == set(OPERATIONS)
    assert set(ACTIONS) == set(SUCCESS)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("name", ACTIONS)
async def test_any_2xx_is_success(name: str, status: int) -> None:
    async with canned(status, SUCCESS[name]) as on:
        assert (await ACTIONS[name](on) is None) == (SUCCESS[name] is None)


@pytest.mark.parametrize("name", ASP)
async def test_the_body_of_a_204_is_never_parsed(name: str) -> None:
    async with canned(204, b"<not json>", {"Content-Type": "application/json"}) as on:
        if name == "units.create":
            with pytest.raises(errors.DecodeError, match=r"^units\.create\('organization-1'\): .* units\.list"):
                await ACTIONS[name](on)
        elif name == "endpoint_settings.get_many":
            assert await ACTIONS[name](on) == {Setting.LOCALES: None}
        else:
            empty: Page[Any] | None = None if OPERATIONS[name].paging is None else Page((), request_id="r-1")
            assert await ACTIONS[name](on) == empty


@pytest.mark.parametrize("name", ["endpoint_settings.get", "endpoint_settings.get_address"])
async def test_null_is_no_value(name: str) -> None:
    async with canned(200, b"null") as on:
        assert await ACTIONS[name](on) is None


NONSENSE = [b"", b"<html>busy</html>", b'{"results": [', b"[]", b'"text"', b"null", b"17"]
VALUES = {
    ("endpoint_settings.get", b"[]"),
    ("endpoint_settings.get", b"null"),
    ("endpoint_settings.get_address", b"null"),
}


@pytest.mark.parametrize(
    ("name", "body"), [(name, body) for name in READERS for body in NONSENSE if (name, body) not in VALUES]
)
async def test_a_success_that_makes_no_sense_is_no_empty_result(name: str, body: bytes) -> None:
    async with canned(200, body) as on:
        with pytest.raises(errors.DecodeError) as caught:
            await ACTIONS[name](on)
    assert name in str(caught.value)
    assert caught.value.request_id == "r-1"


SHAPES: list[Any] = [
    {"type": "SOME_TYPE", "message": "said"},
    {"errors": [{"code": "SOME_CODE", "description": "said"}]},
    {"__type": "com.amazonaws.a4b#SomeException:http://internal/", "Message": "said"},
    {},
    None,
    b"<html>said</html>",
    [],
    {"errors": "many"},
    {"errors": [None, "one"]},
]
KINDS = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    429: errors.Throttled,
    500: errors.ServerError,
    503: errors.ServerError,
    302: errors.ApiError,
    418: errors.ApiError,
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("status", KINDS)
@pytest.mark.parametrize("name", ACTIONS)
async def test_every_status_with_every_shape_of_body(name: str, status: int, shape: Any) -> None:
    async with canned(status, shape, {"Location": "https://elsewhere.example/"}) as on:
        await failure_of(ACTIONS[name], on, KINDS[status], status)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ABOUT_A_DEVICE)
async def test_a_504_that_does_not_speak_of_the_device_is_a_fault_of_the_service(name: str, shape: Any) -> None:
    async with canned(504, shape) as on:
        await failure_of(ACTIONS[name], on, errors.ServerError, 504)


@pytest.mark.parametrize("code", ["DEVICE_UNREACHABLE", "DEVICE_NOT_REACHABLE"])
@pytest.mark.parametrize("name", ASP)
async def test_a_504_that_speaks_of_the_device(name: str, code: str) -> None:
    kind = errors.DeviceUnreachable if name in (*DELETIONS, *ABOUT_A_DEVICE) else errors.ServerError
    for body in ({"type": code}, {"code": code, "message": "said"}, {"errors": [{"code": code}]}):
        async with canned(504, body) as on:
            error = await failure_of(ACTIONS[name], on, kind, 504)
        assert error.code == code


@pytest.mark.parametrize("name", DELETIONS)
async def test_entries_keep_their_order_and_none_is_lost(name: str) -> None:
    entries = [
        {"code": "DEVICE_UNREACHABLE", "endpointId": "e2", "description": "offline"},
        {"code": "INTERNAL_SERVER_ERROR"},
        {"code": "DEVICE_NOT_REACHABLE", "endpointId": "e1", "new": True},
    ]
    for status in (200, 207, 400, 401, 429, 500, 503, 504):
        async with canned(status, {"errors": entries}) as on:
            deletion: Any = ACTIONS[name](on)
            failures = [failure async for failure in deletion]
        assert [(f.endpoint_id, f.code, f.description) for f in failures] == [
            ("e2", "DEVICE_UNREACHABLE", "offline"),
            (None, "INTERNAL_SERVER_ERROR", None),
            ("e1", "DEVICE_NOT_REACHABLE", None),
        ]


async def test_a_deletion_is_one_shot_and_warns_when_it_is_forgotten() -> None:
    async with canned(204, None) as on:
        deletion = on.asp.alerts.delete_alarms("room-1")
        assert "not sent yet" in repr(deletion)
        await deletion
        with pytest.raises(errors.ConfigurationError, match="one shot"):
            await deletion
        with pytest.raises(errors.ConfigurationError, match="one shot"):
            aiter(deletion)
        with pytest.warns(RuntimeWarning, match="never awaited or iterated: nothing was deleted"):
            on.asp.alerts.delete_alarms("room-1")
