"""Every public method with every documented status: on the simulator, in-process and by socket, and on canned bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest

from alexa_props import AlexaForBusiness, DefaultStation, RetryPolicy, SmartProperties, errors
from alexa_props.simulator import Simulator

STATION = DefaultStation("I_HEART_RADIO", "4802")
ONCE = RetryPolicy(max_attempts=1)
NOBODY = "amzn1.alexa.unit.did.NOBODY"
NOTHING = "arn:aws:a4b:us-east-1:123456789012:device/nothing"


@attrs.frozen
class Clients:
    asp: SmartProperties
    a4b: AlexaForBusiness
    room: str
    endpoint: str
    device: str
    organization: str


Action = Callable[[Clients], Awaitable[Any]]

ASP: dict[str, Action] = {
    "unit_settings.get_default_music_station": lambda c: c.asp.unit_settings.get_default_music_station(c.room),
    "unit_settings.set_default_music_station": lambda c: c.asp.unit_settings.set_default_music_station(c.room, STATION),
    "alerts.delete_alarms": lambda c: c.asp.alerts.delete_alarms(c.room),
    "alerts.delete_timers": lambda c: c.asp.alerts.delete_timers(c.room),
    "alerts.delete_reminders": lambda c: c.asp.alerts.delete_reminders(c.room),
    "units.list": lambda c: c.asp.units.list(c.organization),
    "units.get": lambda c: c.asp.units.get(c.room),
    "endpoints.list": lambda c: c.asp.endpoints.list(unit_id=c.room),
    "endpoints.get": lambda c: c.asp.endpoints.get(c.endpoint),
    "endpoints.connectivity": lambda c: c.asp.endpoints.connectivity(c.endpoint),
}
A4B: dict[str, Action] = {
    "devices.get": lambda c: c.a4b.devices.get(c.device),
    "devices.search": lambda c: c.a4b.devices.search(),
    "devices.events": lambda c: c.a4b.devices.events(c.device),
    "users.search": lambda c: c.a4b.users.search(),
}
ACTIONS = {**ASP, **A4B}
DELETIONS = [name for name in ASP if name.startswith("alerts.")]


@pytest.fixture(params=["in-process", "socket"])
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    async with Simulator(rooms=3, endpoints_per_room=2, seed=5) as sim:
        if request.param == "in-process":
            yield sim
        else:
            async with sim.serve():
                yield sim


def clients(sim: Simulator) -> Clients:
    return Clients(
        asp=sim.smart_properties(retry=ONCE),
        a4b=sim.for_business(retry=ONCE),
        room=sim.rooms[0],
        endpoint=sim.endpoints[0],
        device=sim.devices[0],
        organization=sim.organization_id,
    )


@asynccontextmanager
async def canned(status: int, body: object, headers: dict[str, str] | None = None) -> AsyncIterator[Clients]:
    """Clients whose service always answers with these bytes."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content, headers={"X-Amzn-RequestId": "r-1", **(headers or {})})

    auth = httpx.BasicAuth("anybody", "anything")
    async with (
        SmartProperties(auth=auth, transport=httpx.MockTransport(answer), retry=ONCE) as asp,
        AlexaForBusiness(auth=auth, transport=httpx.MockTransport(answer), retry=ONCE) as a4b,
    ):
        yield Clients(asp, a4b, "room-1", "endpoint-1", "device-1", "organization-1")


async def failure_of(action: Action, on: Clients, kind: type[errors.ApiError], status: int) -> errors.ApiError:
    """The error, after checking what every error says."""
    with pytest.raises(kind) as caught:
        await action(on)
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert error.request_id
    assert error.request_id in str(error)
    assert error.operation is not None
    assert error.operation in str(error)
    return error


# On the simulator.


async def test_station_200_and_204(sim: Simulator) -> None:
    on = clients(sim)
    await on.asp.unit_settings.set_default_music_station(on.room, STATION)
    assert await on.asp.unit_settings.get_default_music_station(on.room) == STATION
    sim.set_station(on.room, None)
    assert await on.asp.unit_settings.get_default_music_station(on.room) is None


@pytest.mark.parametrize("name", DELETIONS)
async def test_deletion_204_deletes_everything_in_the_room_and_nothing_else(sim: Simulator, name: str) -> None:
    on = clients(sim)
    kind: Any = name.removeprefix("alerts.delete_")
    for endpoint in sim.endpoints:
        sim.set_alerts(kind, endpoint, 2)
    assert await ACTIONS[name](on) is None
    assert [sim.alert_count(kind, room) for room in sim.rooms] == [0, 4, 4]
    # Nothing to delete counts as done.
    assert await ACTIONS[name](on) is None


async def test_lists_and_gets_200(sim: Simulator) -> None:
    on = clients(sim)
    units = [unit async for unit in on.asp.units.list(on.organization, depth="all", expand="all", page_size=2)]
    assert [unit.id for unit in units if unit.id in sim.rooms] == sim.rooms
    assert await on.asp.units.get(on.room) == next(unit for unit in units if unit.id == on.room)
    endpoints = [e async for e in on.asp.endpoints.list(unit_id=on.room, expand=["all", "feature:connectivity"])]
    assert [endpoint.id for endpoint in endpoints] == sim.endpoints_in(on.room)
    assert [endpoint.reachability for endpoint in endpoints] == ["OK", "OK"]
    one = await on.asp.endpoints.get(on.endpoint, expand=["all", "feature:connectivity"])
    # The samples of the features were taken at different times.
    assert attrs.evolve(one, features=()) == attrs.evolve(endpoints[0], features=())
    assert one.serial_number is not None
    by_number = [e.id async for e in on.asp.endpoints.list(serial_number=one.serial_number)]
    assert by_number == [one.id]
    assert one.connections[0].mac_address is not None
    by_mac = [e.id async for e in on.asp.endpoints.list(mac_address=one.connections[0].mac_address)]
    assert by_mac == [one.id]
    assert len([e async for e in on.asp.endpoints.list(owner="~caller")]) == len(sim.endpoints)
    sim.set_offline(on.endpoint)
    assert (await on.asp.endpoints.connectivity(on.endpoint)).reachability != "OK"


async def test_searches_and_gets_200(sim: Simulator) -> None:
    on = clients(sim)
    found = [device async for device in on.a4b.devices.search(sort=["DeviceName"], page_size=7)]
    assert {device.device_arn for device in found} == set(sim.devices)
    assert [d.device_name for d in found] == sorted(d.device_name or "" for d in found)
    page = await on.a4b.devices.search(filters={"ConnectionStatus": ["OFFLINE"]})
    assert page.total_count == len([d for d in found if info_of(d) == "OFFLINE"])
    one = await on.a4b.devices.get(on.device)
    assert one.device_arn == on.device
    assert one.device_status_info is not None
    events = [event async for event in on.a4b.devices.events(on.device, event_type="CONNECTION_STATUS", page_size=10)]
    moments = [event.timestamp for event in events if event.timestamp is not None]
    assert len(moments) == len(events) > 0
    assert moments == sorted(moments, reverse=True)
    assert all(moment.utcoffset() is not None for moment in moments)
    leaving = [u async for u in on.a4b.users.search(filters={"EnrollmentStatus": ["DISASSOCIATING"]})]
    assert leaving
    assert {user.enrollment_status for user in leaving} == {"DISASSOCIATING"}


def info_of(device: Any) -> str | None:
    return None if device.device_status_info is None else device.device_status_info.connection_status


@pytest.mark.parametrize("name", ASP)
async def test_401_refreshes_the_token_once_and_no_more(sim: Simulator, name: str) -> None:
    on = clients(sim)
    sim.fail(name, "stale_token", times=None)
    await failure_of(ACTIONS[name], on, errors.Unauthorized, 401)
    assert sim.count(name) == 2
    assert sim.count("token") == 2


@pytest.mark.parametrize("name", ASP)
async def test_a_token_that_expired_early_is_replaced_unseen(sim: Simulator, name: str) -> None:
    on = clients(sim)
    await ACTIONS[name](on)
    sim.expire_tokens()
    await ACTIONS[name](on)
    assert sim.count("token") == 2
    assert sim.count(name, 401) == 1


@pytest.mark.parametrize("name", [n for n in ASP if n.startswith("unit_settings.")])
async def test_403(sim: Simulator, name: str) -> None:
    on = clients(sim)
    sim.set_forbidden(on.room)
    await failure_of(ACTIONS[name], on, errors.Forbidden, 403)


@pytest.mark.parametrize("name", DELETIONS)
@pytest.mark.parametrize("room", [None, NOBODY])
async def test_401_forbidden_refreshes_nothing(sim: Simulator, name: str, room: str | None) -> None:
    on = clients(sim)
    sim.set_forbidden(on.room)
    error = await failure_of(ACTIONS[name], attrs.evolve(on, room=room or on.room), errors.Forbidden, 401)
    assert error.code == "FORBIDDEN"
    assert sim.count("token") == 1
    assert sim.count(name) == 1


@pytest.mark.parametrize("name", ACTIONS)
async def test_over_the_quota(sim: Simulator, name: str) -> None:
    on = clients(sim)
    sim.quota(name, 0.001, 1, retry_after=7)
    await ACTIONS[name](on)
    error = await failure_of(ACTIONS[name], on, errors.Throttled, 429 if name in ASP else 400)
    assert error.retry_after == 7
    assert sim.count(name) == 2


@pytest.mark.parametrize("name", ACTIONS)
async def test_400(sim: Simulator, name: str) -> None:
    on = clients(sim)
    sim.fail(name, "status", status=400)
    await failure_of(ACTIONS[name], on, errors.BadRequest, 400)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("name", ACTIONS)
async def test_a_fault_of_the_service_is_retried_and_then_said(sim: Simulator, name: str, status: int) -> None:
    on = clients(sim)
    patient = attrs.evolve(
        on,
        asp=on.asp.with_options(retry=RetryPolicy(max_attempts=2, base=0)),
        a4b=on.a4b.with_options(retry=RetryPolicy(max_attempts=2, base=0)),
    )
    sim.fail(name, "status", status=status, times=None)
    if name in DELETIONS and status == 504:
        await failure_of(ACTIONS[name], patient, errors.DeviceUnreachable, 504)
        assert sim.count(name) == 1
    else:
        error = await failure_of(ACTIONS[name], patient, errors.ServerError, status)
        assert error.attempts == sim.count(name) == 2


@pytest.mark.parametrize("name", DELETIONS)
@pytest.mark.parametrize(("offline", "failing", "status"), [(2, 0, 504), (0, 2, 500), (1, 1, 500), (1, 0, 504)])
async def test_devices_that_fail_are_streamed_or_raised_and_never_retried(
    sim: Simulator, name: str, offline: int, failing: int, status: int
) -> None:
    on = attrs.evolve(clients(sim), asp=sim.smart_properties(retry=RetryPolicy(max_attempts=4)))
    kind: Any = name.removeprefix("alerts.delete_")
    ill = sim.endpoints_in(on.room)
    for endpoint in ill:
        sim.set_alerts(kind, endpoint, 1)
    sim.set_offline(*ill[:offline])
    sim.set_failing(*ill[offline : offline + failing])
    error = await failure_of(ACTIONS[name], on, errors.EndpointFailures, status)
    assert isinstance(error, errors.EndpointFailures)
    assert {failure.endpoint_id for failure in error.failures} == set(ill[: offline + failing])
    assert {failure.unit_id for failure in error.failures} == {on.room}
    assert sim.count(name) == 1
    deletion: Any = ACTIONS[name](on)
    assert [failure async for failure in deletion] == list(error.failures)


@pytest.mark.parametrize("name", ["devices.get", "devices.events"])
async def test_not_found(sim: Simulator, name: str) -> None:
    error = await failure_of(ACTIONS[name], attrs.evolve(clients(sim), device=NOTHING), errors.NotFound, 400)
    assert error.code == "NotFoundException"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "cut_body", "html"])
@pytest.mark.parametrize("name", ACTIONS)
async def test_a_broken_exchange_is_repeated_unseen(sim: Simulator, name: str, kind: Any) -> None:
    on = attrs.evolve(
        clients(sim),
        asp=sim.smart_properties(retry=RetryPolicy(max_attempts=2, base=0)),
        a4b=sim.for_business(retry=RetryPolicy(max_attempts=2, base=0)),
    )
    fault = sim.fail(name, kind, times=1)
    await ACTIONS[name](on)
    assert fault.hits == 1


@pytest.mark.parametrize(
    ("change", "code", "kind"),
    [
        ({"access_key": "AKIANOBODY"}, "UnrecognizedClientException", errors.Unauthorized),
        ({"secret_key": "wrong"}, "InvalidSignatureException", errors.Unauthorized),
    ],
)
async def test_wrong_aws_keys(sim: Simulator, change: dict[str, str], code: str, kind: type[errors.ApiError]) -> None:
    from alexa_props import SigV4

    keys: Any = {"access_key": sim.aws_access_key_id, "secret_key": sim.aws_secret_access_key, **change}
    on = attrs.evolve(clients(sim), a4b=sim.for_business(auth=SigV4(**keys)))
    for name in A4B:
        error = await failure_of(ACTIONS[name], on, kind, 400)
        assert error.code == code


# On canned bytes.

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
    "devices.get": {"Device": {"DeviceArn": "d"}},
    "devices.search": {"Devices": [{"DeviceArn": "d"}], "TotalCount": 1},
    "devices.events": {"DeviceEvents": [{"Type": "CONNECTION_STATUS", "Value": "ONLINE", "Timestamp": 1.5}]},
    "users.search": {"Users": [{"UserArn": "u"}], "NextToken": ""},
}
READERS = [name for name, body in SUCCESS.items() if body is not None]


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("name", ACTIONS)
async def test_any_2xx_is_success(name: str, status: int) -> None:
    async with canned(status, SUCCESS[name]) as on:
        assert (await ACTIONS[name](on) is None) == (SUCCESS[name] is None)


@pytest.mark.parametrize("name", ASP)
async def test_the_body_of_a_204_is_never_parsed(name: str) -> None:
    async with canned(204, b"<not json>", {"Content-Type": "application/json"}) as on:
        assert await ACTIONS[name](on) is None


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b'{"results": [', b"[]", b'"text"', b"null", b"17"])
@pytest.mark.parametrize("name", READERS)
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


@pytest.mark.parametrize(("authorization", "sent"), [("Bearer", "Bearer"), ("bare", "bare")])
async def test_the_token_of_deletions_goes_as_the_caller_chose(sim: Simulator, authorization: Any, sent: str) -> None:
    asp = sim.smart_properties(alerts_authorization=authorization)
    await asp.alerts.delete_alarms(sim.rooms[0])
    await asp.units.get(sim.rooms[0])
    assert [(call.operation, call.authorization) for call in sim.calls if call.operation != "token"] == [
        ("alerts.delete_alarms", sent),
        ("units.get", "Bearer"),
    ]
