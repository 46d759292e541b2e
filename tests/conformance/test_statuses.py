"""Every public method with every documented status: on the simulator, in-process and by socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from alexa_props import RetryPolicy, errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoint_settings import Address, Setting
from tests.conformance.actions import (
    A4B,
    ABOUT_A_DEVICE,
    ACTIONS,
    ASP,
    DELETIONS,
    ONLY_ONCE,
    STATION,
    clients,
    failure_of,
)

NOBODY = "amzn1.alexa.unit.did.NOBODY"
NOTHING = "arn:aws:a4b:us-east-1:123456789012:device/nothing"


@pytest.fixture(params=["in-process", "socket"])
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    async with Simulator(rooms=3, endpoints_per_room=2, seed=5) as sim:
        if request.param == "in-process":
            yield sim
        else:
            async with sim.serve():
                yield sim


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


async def test_units_are_made_renamed_and_deleted(sim: Simulator) -> None:
    on = clients(sim)
    floor = await on.asp.units.create(on.organization, "Étage 9")
    room = await on.asp.units.create(floor, "901")
    assert (await on.asp.units.get(room)).parent_id == floor
    await on.asp.units.update(room, "902 🛏")
    assert [unit.name async for unit in on.asp.units.list(floor, expand="all")] == ["902 🛏"]
    # Units below it.
    await failure_of(lambda on: on.asp.units.delete(floor), on, errors.BadRequest, 400)
    await on.asp.units.delete(room)
    await on.asp.units.delete(floor)
    with pytest.raises((errors.NotFound, errors.Forbidden)):
        await on.asp.units.get(floor)
    assert floor not in [unit.id async for unit in on.asp.units.list(on.organization, depth="all")]


NEW_VALUES: list[tuple[Any, Any]] = [
    (Setting.DO_NOT_DISTURB, True),
    (Setting.DO_NOT_DISTURB, False),
    (Setting.FOLLOW_UP, True),
    (Setting.LOCALES, ("fr-FR", "en-US")),
    (Setting.WAKE_WORDS, ("ECHO",)),
    (Setting.TIME_ZONE, "Europe/Paris"),
    (Setting.TIME_FORMAT, "24_HOURS"),
    (Setting.TEMPERATURE_UNIT, "CELSIUS"),
    (Setting.DISTANCE_UNITS, "IMPERIAL"),
    (Setting.MAXIMUM_VOLUME_LIMIT, 0),
    (Setting.SPEAKING_RATE, 1.75),
    (Setting.SPEECH_CONFIRMATION, "TONE"),
    (Setting.WAKE_WORD_CONFIRMATION, "NONE"),
    (Setting.ALEXA_CAPTIONS, "ENABLED"),
    (Setting.CLOSED_CAPTIONS, "DISABLED"),
    (Setting.COLOR_INVERSION, "ENABLED"),
    (Setting.MAGNIFIER, "ENABLED"),
    (Setting.ERROR_SUPPRESSION, ("CONNECTIVITY",)),
    (Setting.ERROR_SUPPRESSION, ()),
    (Setting.SCREEN_CONTROLLER_POLICY, {"deep": {"er": [1, None, True]}}),
]


async def test_every_setting_is_set_and_read(sim: Simulator) -> None:
    on = clients(sim)
    other = await on.asp.endpoint_settings.get_many(sim.endpoints[1], Setting.ALL)
    for setting, value in NEW_VALUES:
        await on.asp.endpoint_settings.set(on.endpoint, setting, value)
        assert await on.asp.endpoint_settings.get(on.endpoint, setting) == value
    many = await on.asp.endpoint_settings.get_many(on.endpoint, Setting.ALL)
    assert tuple(many) == Setting.ALL
    assert {setting: many[setting] for setting, _ in NEW_VALUES} == dict(NEW_VALUES)
    assert sim.count("endpoint_settings.get_many") == 4, "10 settings a page"
    # Those of other devices are as they were.
    assert await on.asp.endpoint_settings.get_many(sim.endpoints[1], Setting.ALL) == other


async def test_an_address_is_set_and_read(sim: Simulator) -> None:
    on = clients(sim)
    address = Address(address_line1="1 Example St", address_line2="", city="Zürich", country_code="CH")
    await on.asp.endpoint_settings.set_address(on.endpoint, address)
    read = await on.asp.endpoint_settings.get_address(on.endpoint)
    assert read is not None
    assert attrs.evolve(read, address_line2="") == address


async def test_volume_and_bluetooth(sim: Simulator) -> None:
    on = clients(sim)
    for volume, delta, result in ((40, -5, 35), (0, -5, 0), (98, 5, 100)):
        await on.asp.features.set_volume(on.endpoint, volume)
        assert (await on.asp.features.get_speaker(on.endpoint)).volume == volume
        await on.asp.features.adjust_volume(on.endpoint, delta)
        assert (await on.asp.features.get_speaker(on.endpoint)).volume == result == sim.volume(on.endpoint)
    sim.pair_bluetooth(on.endpoint, "phone")
    assert "unpair" in [operation.name for operation in (await on.asp.features.get_bluetooth(on.endpoint)).operations]
    assert sim.bluetooth(on.endpoint)
    await on.asp.features.unpair_bluetooth(on.endpoint)
    await on.asp.features.unpair_bluetooth(on.endpoint)
    assert sim.bluetooth(on.endpoint) == ()


async def test_notifications_are_deleted_by_kind(sim: Simulator) -> None:
    on = clients(sim)
    first, second, third = sim.rooms
    for room in sim.rooms:
        sim.notify(room, "DeviceNotification")
        sim.notify(room, "PersistentVisualAlert")

    def left(room: str) -> list[bool]:
        counts: Any = sim.notifications(room)
        return [counts.get(kind, 0) > 0 for kind in ("DeviceNotification", "PersistentVisualAlert")]

    await on.asp.notifications.delete(first)
    assert [left(room) for room in sim.rooms] == [[False, True], [True, True], [True, True]]
    await on.asp.notifications.delete(second, "PersistentVisualAlert")
    assert [left(room) for room in sim.rooms] == [[False, True], [True, False], [True, True]]
    await on.asp.notifications.delete_many([first, third], ["PersistentVisualAlert", "DeviceNotification"])
    assert [left(room) for room in sim.rooms] == [[False, False], [True, False], [False, False]]


@pytest.mark.parametrize("name", ["endpoint_settings.set", "features.set_volume", "features.unpair_bluetooth"])
async def test_a_device_that_is_offline_is_said_at_once(sim: Simulator, name: str) -> None:
    on = attrs.evolve(clients(sim), asp=sim.smart_properties(retry=RetryPolicy(max_attempts=4, base=0)))
    sim.set_offline(on.endpoint)
    error = await failure_of(ACTIONS[name], on, errors.DeviceUnreachable, 504)
    assert error.code in ("DEVICE_UNREACHABLE", "DEVICE_NOT_REACHABLE")
    assert on.endpoint in str(error)
    assert sim.count(name) == 1


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
    if name in (*DELETIONS, *ABOUT_A_DEVICE) and status == 504:
        await failure_of(ACTIONS[name], patient, errors.DeviceUnreachable, 504)
        assert sim.count(name) == 1
    else:
        error = await failure_of(ACTIONS[name], patient, errors.ServerError, status)
        assert error.attempts == sim.count(name) == (1 if name in ONLY_ONCE else 2)


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
@pytest.mark.parametrize("name", [name for name in ACTIONS if name not in ONLY_ONCE])
async def test_a_broken_exchange_is_repeated_unseen(sim: Simulator, name: str, kind: Any) -> None:
    on = attrs.evolve(
        clients(sim),
        asp=sim.smart_properties(retry=RetryPolicy(max_attempts=2, base=0)),
        a4b=sim.for_business(retry=RetryPolicy(max_attempts=2, base=0)),
    )
    fault = sim.fail(name, kind, times=1)
    if name == "units.delete" and kind in ("drop_after", "cut_body"):
        # It was deleted the first time.
        await failure_of(ACTIONS[name], on, errors.NotFound, 404)
    else:
        await ACTIONS[name](on)
    assert fault.hits == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "cut_body", "html"])
@pytest.mark.parametrize("name", ONLY_ONCE)
async def test_a_broken_exchange_is_not_repeated_where_twice_is_not_once(sim: Simulator, name: str, kind: Any) -> None:
    on = attrs.evolve(clients(sim), asp=sim.smart_properties(retry=RetryPolicy(max_attempts=2, base=0)))
    fault = sim.fail(name, kind, times=1)
    with pytest.raises(errors.ServerError if kind == "html" else errors.TransportError) as caught:
        await ACTIONS[name](on)
    assert fault.hits == 1
    assert sim.count(name) == 1
    assert getattr(caught.value, "sent", "maybe") == "maybe"


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


@pytest.mark.parametrize(("authorization", "sent"), [("Bearer", "Bearer"), ("bare", "bare")])
async def test_the_token_of_deletions_goes_as_the_caller_chose(sim: Simulator, authorization: Any, sent: str) -> None:
    asp = sim.smart_properties(alerts_authorization=authorization)
    await asp.alerts.delete_alarms(sim.rooms[0])
    await asp.units.get(sim.rooms[0])
    assert [(call.operation, call.authorization) for call in sim.calls if call.operation != "token"] == [
        ("alerts.delete_alarms", sent),
        ("units.get", "Bearer"),
    ]
