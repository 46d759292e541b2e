"""Every public method on canned bytes: every status, with bodies that make sense and with others."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from alexa_props import SmartProperties, errors
from alexa_props.operation import Listing
from alexa_props.paging import Page
from alexa_props.smart_properties.endpoint_settings import Setting
from tests.conformance.actions import (
    A4B,
    ABOUT_A_DEVICE,
    ACTIONS,
    ASP,
    DELETIONS,
    OPERATIONS,
    Clients,
    canned,
    failure_of,
)
from tests.helpers import Amazon, Service, answer, for_business, login, smart_properties

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
    entries = json.dumps({"errors": [{"endpointId": "e", "code": "DEVICE_UNREACHABLE"}]}).encode()
    for body in (b"<not json>", entries):
        await check_204(name, body)


async def check_204(name: str, body: bytes) -> None:
    async with canned(204, body, {"Content-Type": "application/json"}) as on:
        operation = OPERATIONS[name]
        if operation.answer is not None and not operation.nullable:
            with pytest.raises(errors.DecodeError, match=rf"^{re.escape(name)}\(.* no body \(204, request id r-1\)"):
                await ACTIONS[name](on)
        elif name == "endpoint_settings.get_many":
            assert await ACTIONS[name](on) == {Setting.LOCALES: None}
        else:
            empty: Page[Any] | None = Page((), request_id="r-1") if isinstance(operation, Listing) else None
            assert await ACTIONS[name](on) == empty


@pytest.mark.parametrize("name", ["endpoint_settings.get", "endpoint_settings.get_address"])
async def test_null_is_no_value(name: str) -> None:
    async with canned(200, b"null") as on:
        assert await ACTIONS[name](on) is None


NONSENSE = [b"", b"<html>busy</html>", b'{"results": [', b"{}", b"[]", b'"text"', b"null", b"17"]
VALUES = {
    ("endpoint_settings.get", b"[]"),
    ("endpoint_settings.get", b"null"),
    ("endpoint_settings.get_address", b"null"),
    # All members of these are optional.
    ("endpoint_settings.get_address", b"{}"),
    ("endpoints.connectivity", b"{}"),
    ("features.get_speaker", b"{}"),
    ("features.get_bluetooth", b"{}"),
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
        error = await failure_of(ACTIONS[name], on, KINDS[status], status)
    if isinstance(shape, dict) and "__type" in shape:
        assert error.code == ("SomeException" if name in A4B else None)


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
    """With a client that retries: a result that names devices is final, and no reason to replace the token."""
    entries = [
        {"code": "DEVICE_UNREACHABLE", "endpointId": "e2", "description": "offline"},
        {"code": "INTERNAL_SERVER_ERROR"},
        {"code": "DEVICE_NOT_REACHABLE", "endpointId": "e1", "new": True},
        *({"code": "DEVICE_UNREACHABLE", "endpointId": f"e{number}"} for number in range(400, 100, -1)),
    ]
    for status in (200, 207, 400, 401, 429, 500, 503, 504):
        amazon = Amazon()
        amazon.api.script = [answer(status, {"errors": entries})]
        on = clients_of(smart_properties(amazon, auth=login()), "room-1")
        deletion: Any = ACTIONS[name](on)
        failures = [failure async for failure in deletion]
        assert (len(amazon.api.seen), len(amazon.token.seen)) == (1, 1)
        assert [(f.endpoint_id, f.code, f.description) for f in failures] == [
            ("e2", "DEVICE_UNREACHABLE", "offline"),
            (None, "INTERNAL_SERVER_ERROR", None),
            ("e1", "DEVICE_NOT_REACHABLE", None),
            *((f"e{number}", "DEVICE_UNREACHABLE", None) for number in range(400, 100, -1)),
        ]


def clients_of(asp: SmartProperties, one_id: str) -> Clients:
    return Clients(asp, for_business(Service()), one_id, one_id, one_id, one_id, [one_id])


IDS = {
    "a/b": "a%2Fb",
    "../x": "..%2Fx",
    "a?b#c&d=e": "a%3Fb%23c%26d%3De",
    "%2F": "%252F",
    "~caller": "~caller",
    "…": "%E2%80%A6",
}


@pytest.mark.parametrize("name", [name for name in ASP if name != "notifications.delete_many"])
async def test_ids_are_opaque_in_every_operation(name: str) -> None:
    """Percent-encoded in the path or the query, or verbatim in the body; what no URL can tell apart is refused."""
    service = Service(answer(404))
    asp = smart_properties(service)
    for unit_id, encoded in IDS.items():
        on = clients_of(asp, unit_id)
        with pytest.raises(errors.NotFound):
            await ACTIONS[name](on)
        seen = service.seen[-1]
        path, _, query = seen.url.raw_path.decode().partition("?")
        values = [pair.partition("=")[2] for pair in query.split("&")]
        assert encoded in [*path.split("/"), *values] or json.dumps(unit_id) in seen.content.decode(), unit_id
    before = len(service.seen)
    for no_id in ("", ".", ".."):
        on = clients_of(asp, no_id)
        with pytest.raises(errors.ConfigurationError, match="must be an id"):
            await ACTIONS[name](on)
    assert len(service.seen) == before


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
