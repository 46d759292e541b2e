"""Every operation on the wire: what is sent for a call, and what comes of the response."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from alexa_props import errors
from alexa_props.for_business.devices import Device
from alexa_props.operation import Listing
from alexa_props.paging import Page, Pager
from alexa_props.smart_properties.batch import BatchResult
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.units import Unit
from tests.helpers import Seen, Service, answer, for_business, smart_properties
from tests.wire import CALLS, ID_NAMES, MODELS, OPERATIONS, WIRE, Clients, Wire, canned, with_id, with_ids


def id_text(name: str) -> str:
    """Return the id of a kind as it is in the rows."""
    return "room-2" if name == "spare" else f"{name.replace('_', '-')}-1"


# "spare-profile-1" is replaced before "profile-1".
ID_TEXTS = sorted(map(id_text, ID_NAMES), key=len, reverse=True)
ODD_ID = "~a/../b ?c=d&é🛏%2F#\x00"


def clients_of(service: Service) -> Clients:
    return Clients(smart_properties(service), for_business(service))


def serving(row: Wire) -> Service:
    return Service(204 if row.response is None else answer(200, row.response))


async def perform(row: Wire, on: Clients) -> Any:
    call = row.call(on)
    return [item async for item in call] if isinstance(call, Pager) else await call


def line(seen: Seen) -> str:
    """The request as rows have it."""
    return f"{seen.method} {seen.url.raw_path.decode()} {seen.headers.get('X-Amz-Target', '')}".rstrip()


def body_of(seen: Seen) -> Any:
    return seen.json if seen.content else None


async def requested(row: Wire, change: Callable[[Clients], Clients] = lambda on: on) -> tuple[str, Any]:
    """Return the line and the body of the request of a row, for clients that were changed."""
    service = serving(row)
    await perform(row, change(clients_of(service)))
    (seen,) = service.seen
    return line(seen), body_of(seen)


def names(row: Wire, one_id: str) -> bool:
    """Return whether the request names an id."""
    return one_id in row.request + json.dumps(row.body)


# Each row


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert set(CALLS) == set(OPERATIONS)
    assert {key.partition(",")[0] for key in WIRE} == set(OPERATIONS)


def test_every_row_says_whether_its_operation_may_be_sent_twice() -> None:
    for key, row in WIRE.items():
        usual = not row.request.startswith("POST") or "AlexaForBusiness" in row.request
        expected = usual if row.idempotent is None else row.idempotent
        assert OPERATIONS[key.partition(",")[0]].idempotent == expected, key


@pytest.mark.parametrize("key", WIRE)
async def test_request_and_result(key: str) -> None:
    row = WIRE[key]
    service = serving(row)
    result = await perform(row, clients_of(service))
    (seen,) = service.seen
    assert (line(seen), body_of(seen)) == (row.request, row.body)
    assert result == row.result
    if OPERATIONS[key.partition(",")[0]].target is None:
        assert seen.headers["Accept"] == "application/json"
        assert seen.headers.get("Content-Type") == (None if row.body is None else "application/json")
    else:
        assert seen.headers["Content-Type"] == "application/x-amz-json-1.1"
        assert (seen.token or "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    # A POST states its length, also if it has no body.
    has_length = seen.method == "POST" or row.body is not None
    assert seen.headers.get("Content-Length") == (str(len(seen.content)) if has_length else None)
    assert seen.content.isascii()


# Rules for all rows, one loop each


async def test_every_id_is_refused_when_it_is_empty() -> None:
    for key, row in WIRE.items():
        # An id may also be a part of another one.
        named = [name for name in ID_NAMES if names(row, id_text(name))]
        refused = [name for name in named if await is_refused(row, name)]
        assert bool(refused) == bool(named), key
        # Those that are not refused are not in the request, which does not change without them.
        others = {name: "" for name in ID_NAMES if name not in refused}
        assert await requested(row, lambda on, others=others: with_ids(on, others)) == (row.request, row.body), key  # type: ignore[misc]


async def is_refused(row: Wire, name: str) -> bool:
    service = serving(row)
    try:
        await perform(row, with_ids(clients_of(service), {name: ""}))
    except errors.ConfigurationError as error:
        return "must be an id" in str(error) and service.seen == []
    return False


async def test_ids_are_opaque_and_encoded_in_every_request() -> None:
    for key, row in WIRE.items():
        expected, body = row.request, json.dumps(row.body)
        for one_id in ID_TEXTS:
            expected = expected.replace(one_id, quote(ODD_ID, safe="~"))
            body = body.replace(f'"{one_id}"', json.dumps(ODD_ID))
        assert await requested(row, lambda on: with_id(on, ODD_ID)) == (expected, json.loads(body)), key


async def test_models_stand_in_for_their_ids_in_every_request() -> None:
    device = Device(device_arn="device-1")
    for key, row in WIRE.items():
        for models in (
            {"room": Unit("room-1"), "organization": UnitRef("organization-1"), "spare": Unit("room-2")},
            {"room": UnitRef("room-1"), "endpoint": Endpoint("endpoint-1"), "device": device, **MODELS},
        ):
            sent = await requested(row, lambda on, models=models: with_ids(on, models))  # type: ignore[misc]
            assert sent == (row.request, row.body), key


async def test_an_error_names_the_operation_its_subject_and_the_request() -> None:
    for name, call in CALLS.items():
        async with canned(403, {"message": "no"}) as on:
            with pytest.raises(errors.Forbidden) as caught:
                await call(on)
        error, text = caught.value, str(caught.value)
        assert (error.operation, error.request_id, error.attempts) == (name, "r-1", 1)
        # Without a subject it is just the name; with one it is an id that the request has, or what it creates.
        subject = text.removeprefix(name).partition(": 403 ")[0]
        named = [one_id for one_id in ID_TEXTS if names(WIRE[name], one_id)]
        assert text.startswith(name), text
        assert any(one_id in subject for one_id in named) if named else names(WIRE[name], subject.strip("()'")), text
        assert "request id r-1" in text


async def test_a_204_is_none_or_an_empty_list_or_an_error_and_its_body_is_not_read() -> None:
    nullable = {key.partition(",")[0] for key, row in WIRE.items() if row.response is None}
    for name, call in CALLS.items():
        operation = OPERATIONS[name]
        for body in (b"", b"<not json>", b'{"id": "u", "errors": [{"endpointId": "e"}]}'):
            async with canned(204, body, {"Content-Type": "application/json"}) as on:
                if name == "endpoint_settings.get_many":
                    assert set((await call(on)).values()) == {None}
                elif isinstance(operation, Listing) and operation.target is None:
                    assert await call(on) == Page((), request_id="r-1"), name
                elif name in nullable or operation.nullable:
                    assert await call(on) in (None, BatchResult()), name
                else:
                    with pytest.raises(errors.DecodeError, match=r"no body \(204, request id r-1\)"):
                        await call(on)


async def test_what_returns_nothing_reads_no_body() -> None:
    for name, call in CALLS.items():
        if WIRE[name].response is None:
            for status, body in ((200, None), (200, b"<html>"), (201, [7]), (202, {"id": 5}), (299, b"null")):
                async with canned(status, body) as on:
                    assert await call(on) is None, (name, status, body)


async def test_what_is_too_long_for_a_url_is_an_error_of_its_arguments() -> None:
    for name, call in CALLS.items():
        if any(one_id in WIRE[name].request for one_id in ID_TEXTS):
            service = Service(204)
            with pytest.raises(errors.ConfigurationError, match=rf"^{name} cannot be sent .*too long$"):
                await call(with_id(clients_of(service), "x" * 70_000))
            assert service.seen == []
