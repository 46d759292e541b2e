"""Each class of operations on canned bytes: every status, with bodies of every shape."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alexa_props import errors
from alexa_props.codec import RAW
from alexa_props.smart_properties.batch import read_batch
from tests.helpers import Amazon, answer, login, smart_properties
from tests.wire import CALLS, CLASSES, OPERATIONS, WIRE, Action, Clients, canned

DEVICE_CODES = ("DEVICE_UNREACHABLE", "DEVICE_NOT_REACHABLE")


async def failure_of(action: Action, on: Clients, kind: type[errors.ApiError], status: int) -> errors.ApiError:
    """Return the error, after a check of what every error states."""
    with pytest.raises(kind) as caught:
        await action(on)
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert error.request_id
    assert error.request_id in str(error)
    assert error.operation is not None
    assert str(error).startswith(error.operation)
    return error


# Success


@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
async def test_any_2xx_is_success(status: int) -> None:
    for name in CLASSES.values():
        async with canned(status, WIRE[name].response) as on:
            assert (await CALLS[name](on) is None) == (WIRE[name].response is None), name


INVALID = [b"", b"<html>busy</html>", b'{"results": [', b"{}", b"[]", b'"text"', b"null", b"17"]
VALID = {
    ("endpoint_settings.get", b"[]"),
    ("endpoint_settings.get", b"null"),
    ("endpoint_settings.get_address", b"null"),
    # A unit without a profile.
    ("communication_profiles.get_for_unit", b"{}"),
    # A batch without results.
    ("communication_profiles.create_many", b"{}"),
    # All members of these are optional.
    ("endpoint_settings.get_address", b"{}"),
    ("endpoints.connectivity", b"{}"),
    # Their form is not documented.
    ("device_groups.create", b"{}"),
    ("endpoints.associate", b"{}"),
    ("wifi.assign", b"{}"),
    ("wifi.list", b"{}"),
    *((name, b"{}") for name in CALLS if name.startswith("features.get_")),
}


def is_valid(name: str, body: bytes) -> bool:
    """Return whether a body is valid: it is listed, or the form of the response is not documented."""
    operation = OPERATIONS[name]
    model: Any = operation.model
    if body in (b"{}", b"[]") and model is read_batch:
        return True
    if body == b"{}" and attrs.has(model) and RAW in attrs.fields_dict(model):
        return all(field.default is not attrs.NOTHING for field in attrs.fields(model))
    return (name, body) in VALID or (body == b"" and operation.nullable and operation.method != "GET")


@pytest.mark.parametrize("body", INVALID, ids=repr)
async def test_an_invalid_body_of_a_success_is_an_error_and_never_an_empty_result(body: bytes) -> None:
    for name, call in CALLS.items():
        if WIRE[name].response is None or is_valid(name, body):
            continue
        async with canned(200, body) as on:
            with pytest.raises(errors.DecodeError) as caught:
                await call(on)
        error = caught.value
        assert (error.operation, error.request_id) == (name, "r-1")
        assert str(error).startswith(name)
        assert "(200, request id r-1)" in str(error)


# Errors

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


@pytest.mark.parametrize("name", CLASSES.values(), ids=CLASSES)
async def test_every_status_with_every_shape_of_body(name: str) -> None:
    for status, kind in KINDS.items():
        for shape in SHAPES:
            async with canned(status, shape, {"Location": "https://elsewhere.example/"}) as on:
                error = await failure_of(CALLS[name], on, kind, status)
            if isinstance(shape, dict) and "__type" in shape:
                assert error.code == ("SomeException" if OPERATIONS[name].target else None)


async def test_a_504_that_says_so_is_about_a_device() -> None:
    for name, call in CALLS.items():
        kind = errors.ServerError if OPERATIONS[name].target else errors.DeviceUnreachable
        for code in DEVICE_CODES if name in CLASSES.values() else DEVICE_CODES[:1]:
            bodies = ({"type": code}, {"code": code, "message": "said"}, {"errors": [{"code": code}]})
            for body in bodies if name in CLASSES.values() else bodies[:1]:
                async with canned(504, body) as on:
                    error = await failure_of(call, on, kind, 504)
                assert error.code == (None if OPERATIONS[name].target and "code" not in body else code)


async def test_any_other_504_is_about_the_service_except_of_a_deletion_per_endpoint() -> None:
    for name, call in CALLS.items():
        kind = errors.DeviceUnreachable if OPERATIONS[name].per_endpoint else errors.ServerError
        for shape in SHAPES if name in CLASSES.values() else SHAPES[:1]:
            async with canned(504, shape) as on:
                await failure_of(call, on, kind, 504)


@pytest.mark.parametrize("status", [200, 207, 400, 401, 429, 500, 503, 504])
async def test_entries_keep_their_order_and_none_is_lost(status: int) -> None:
    """On a client that retries: a result that names devices is final, and no reason to replace the token."""
    entries = [
        {"code": "DEVICE_UNREACHABLE", "endpointId": "e2", "description": "offline"},
        {"code": "INTERNAL_SERVER_ERROR"},
        {"code": "DEVICE_NOT_REACHABLE", "endpointId": "e1", "new": True},
        *({"code": "DEVICE_UNREACHABLE", "endpointId": f"e{number}"} for number in range(400, 100, -1)),
    ]
    amazon = Amazon()
    amazon.api.script = [answer(status, {"errors": entries})]
    deletion = smart_properties(amazon, auth=login()).alerts.delete_alarms("room-1")
    failures = [failure async for failure in deletion]
    assert (len(amazon.api.seen), len(amazon.token.seen)) == (1, 1)
    assert [(f.endpoint_id, f.code, f.description) for f in failures] == [
        ("e2", "DEVICE_UNREACHABLE", "offline"),
        (None, "INTERNAL_SERVER_ERROR", None),
        ("e1", "DEVICE_NOT_REACHABLE", None),
        *((f"e{number}", "DEVICE_UNREACHABLE", None) for number in range(400, 100, -1)),
    ]
