"""Responses of extreme size: parsed once, and bounded before they block the event loop."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.hooks import Event
from tests.helpers import Amazon, Service, answer, for_business, login, smart_properties
from tests.wire import ONCE

MOST = 50_000


class Parsed:
    """Counts how often JSON is parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        self._loads = json.loads
        monkeypatch.setattr("alexa_props.responses.json.loads", self._load)

    def _load(self, content: bytes) -> Any:
        self.times += 1
        return self._loads(content)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Parsed:
    return Parsed(monkeypatch)


def failing_on(count: int, **members: str) -> bytes:
    return json.dumps({"errors": [{"endpointId": f"endpoint-{number}", **members} for number in range(count)]}).encode()


FAILED = {"errors": [{"endpointId": "endpoint-1", "code": "DEVICE_UNREACHABLE"}]}
REFUSED = {"errors": [{"code": "FORBIDDEN"}]}
ONCE_EACH: dict[str, tuple[type[errors.AlexaError], int, object, Callable[[Any], Awaitable[Any]]]] = {
    "deletion, 504": (errors.EndpointFailures, 504, FAILED, lambda asp: asp.alerts.delete_alarms("u")),
    "deletion, 401": (errors.EndpointFailures, 401, FAILED, lambda asp: asp.alerts.delete_alarms("u")),
    "deletion, refused": (errors.Forbidden, 401, REFUSED, lambda asp: asp.alerts.delete_alarms("u")),
    "read, 400": (errors.BadRequest, 400, {"code": "c"}, lambda asp: asp.units.get("u")),
    "device, 504": (errors.DeviceUnreachable, 504, FAILED, lambda asp: asp.endpoints.get("e")),
    "read, 200": (errors.DecodeError, 200, [], lambda asp: asp.units.get("u")),
}


@pytest.mark.parametrize("name", ONCE_EACH)
async def test_a_response_is_parsed_once(name: str, parsed: Parsed, caplog: pytest.LogCaptureFixture) -> None:
    kind, status, body, call = ONCE_EACH[name]
    caplog.set_level(logging.DEBUG, "alexa_props")
    events: list[Event] = []
    amazon = Amazon()
    amazon.api.script = [answer(status, body)]
    with pytest.raises(kind):
        await call(smart_properties(amazon, auth=login(), retry=ONCE, hooks=[events.append]))
    # The token is the other one: looking for an OAuth error in it takes no parsing.
    assert parsed.times == 2


async def test_a_response_of_alexa_for_business_is_parsed_once(parsed: Parsed) -> None:
    with pytest.raises(errors.NotFound):
        await for_business(Service(answer(400, {"__type": "NotFoundException", "message": "m"}))).devices.get("d")
    assert parsed.times == 1


async def test_a_deletion_may_fail_on_very_many_endpoints() -> None:
    asp = smart_properties(Service(httpx.Response(500, content=failing_on(MOST, code="C", description="d"))))
    with pytest.raises(errors.EndpointFailures, match="failed on 50000 endpoint") as caught:
        await asp.alerts.delete_alarms("room-1")
    assert len(caught.value.failures) == MOST
    assert caught.value.failures[-1] == errors.EndpointFailure("room-1", f"endpoint-{MOST - 1}", "C", "d")


async def test_a_message_names_only_the_most_frequent_of_many_codes() -> None:
    entries = [{"endpointId": "e", "code": f"CODE_{number}" + "x" * 1_000} for number in range(300)]
    entries += [{"endpointId": "e", "code": "FREQUENT"}] * 2
    with pytest.raises(errors.EndpointFailures, match=r"302 endpoint.*: 2 FREQUENT, 1 CODE_0x") as caught:
        await smart_properties(Service(answer(500, {"errors": entries}))).alerts.delete_alarms("room-1")
    assert "and 296 other codes (" in str(caught.value)
    assert len(str(caught.value)) < 800
    assert len({failure.code for failure in caught.value.failures}) == 301


TOO_MANY = failing_on(MOST + 1)
# Each value takes time and memory, whatever it is.
TOO_MANY_VALUES = b'{"errors": [' + b"{}," * 2_000_001 + b"{}]}"


@pytest.mark.parametrize("status", [200, 401, 504])
@pytest.mark.parametrize("body", [TOO_MANY, TOO_MANY_VALUES], ids=["endpoints", "values"])
async def test_a_deletion_that_names_too_many_endpoints_is_an_error(body: bytes, status: int) -> None:
    asp = smart_properties(Service(httpx.Response(status, content=body)), retry=ONCE)
    with pytest.raises(errors.DecodeError, match=r"delete_alarms\('room-1'\).*more than 50,000 endpoints"):
        await asp.alerts.delete_alarms("room-1")
    with pytest.raises(errors.DecodeError):
        await anext(aiter(asp.alerts.delete_alarms("room-1")))


@pytest.mark.parametrize("count", [MOST, MOST + 1])
async def test_a_page_is_bounded(count: int) -> None:
    page = {"results": [{"id": "u"}] * count, "Users": [{}] * count}
    service = Service(answer(200, page))
    for pager in (smart_properties(service).units.list("u"), for_business(service).users.search()):
        if count <= MOST:
            assert len(await pager) == count
        else:
            with pytest.raises(errors.DecodeError, match="an array of at most 50,000 was expected, not one of 50,001"):
                await pager


async def test_a_response_of_too_many_values_is_not_parsed(parsed: Parsed) -> None:
    for status, kind in ((200, errors.DecodeError), (400, errors.BadRequest)):
        with pytest.raises(kind, match=r"units\.get"):
            await smart_properties(Service(httpx.Response(status, content=TOO_MANY_VALUES))).units.get("u")
    assert parsed.times == 0


async def test_reading_a_page_stops_at_the_faults_that_a_message_names() -> None:
    page = {"results": [{"id": "u"}, *[{}] * 1_000]}
    with pytest.raises(errors.DecodeError, match=r"missing @ results\[1\]\.id; .*results\[5\]\.id; and more \(200"):
        await smart_properties(Service(answer(200, page))).units.list("u")
