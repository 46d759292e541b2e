"""Each API group and each class of operations on the simulator, in process and on a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from alexa_props import RateLimit, RetryPolicy, SigV4, errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoint_settings import Address, Setting
from tests.conformance.test_canned import failure_of
from tests.wire import CALLS, CLASSES, DELETIONS, ONCE, OPERATIONS, Action, Clients, clients
from tests.wire.unit_settings import STATION

NOBODY = "amzn1.alexa.unit.did.NOBODY"
NOTHING = "arn:aws:a4b:us-east-1:123456789012:device/nothing"


def clients_on(sim: Simulator, retry: RetryPolicy = ONCE) -> Clients:
    """Return clients that do not pace themselves."""
    return clients(sim, retry, RateLimit(per_second=1e6))


@pytest.fixture(params=["in-process", "socket"])
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    async with Simulator(rooms=3, endpoints_per_room=2, seed=5) as sim:
        if request.param == "in-process":
            yield sim
        else:
            async with sim.serve():
                yield sim


# One scenario per group


async def test_station_200_and_204(sim: Simulator) -> None:
    on = clients_on(sim)
    await on.asp.unit_settings.set_default_music_station(on.room, STATION)
    assert await on.asp.unit_settings.get_default_music_station(on.room) == STATION
    sim.set_station(on.room, None)
    assert await on.asp.unit_settings.get_default_music_station(on.room) is None


async def test_deletions_delete_everything_in_the_room_and_nothing_else(sim: Simulator) -> None:
    on = clients_on(sim)
    for name in DELETIONS:
        kind: Any = name.removeprefix("alerts.delete_")
        for endpoint in sim.endpoints:
            sim.set_alerts(kind, endpoint, 2)
        assert await CALLS[name](on) is None
        assert [sim.alert_count(kind, room) for room in sim.rooms] == [0, 4, 4]
        # Nothing to delete counts as done.
        assert await CALLS[name](on) is None


async def test_lists_and_gets_200(sim: Simulator) -> None:
    on = clients_on(sim)
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
    on = clients_on(sim)
    # A new property could not have units: it needs a subscription first.
    hotel = (await on.asp.units.list(on.organization)).items[0]
    floor = await on.asp.units.create(hotel, "Étage 9")
    room = await on.asp.units.create(floor, "901")
    assert (await on.asp.units.get(room)).parent_id == floor
    await on.asp.units.update(room, "902 🛏")
    assert [unit.name async for unit in on.asp.units.list(floor, expand="all")] == ["902 🛏"]
    # Units below it.
    below: Action = lambda on: on.asp.units.delete(floor)  # noqa: E731 - a call like those of the table
    await failure_of(below, on, errors.BadRequest, 400)
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
    on = clients_on(sim)
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
    on = clients_on(sim)
    address = Address(address_line1="1 Example St", address_line2="", city="Zürich", country_code="CH")
    await on.asp.endpoint_settings.set_address(on.endpoint, address)
    read = await on.asp.endpoint_settings.get_address(on.endpoint)
    assert read is not None
    assert attrs.evolve(read, address_line2="") == address


async def test_volume_and_bluetooth(sim: Simulator) -> None:
    on = clients_on(sim)
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
    on = clients_on(sim)
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


async def test_searches_and_gets_200(sim: Simulator) -> None:
    on = clients_on(sim)
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


async def test_every_operation_reaches_its_handler_in_the_simulator(sim: Simulator) -> None:
    on = clients_on(sim)
    for name, call in CALLS.items():
        await call(on)
        assert sim.count(name) == 1, name
    assert {call.operation for call in sim.calls} >= {*OPERATIONS}
    assert all(call.status is not None and call.status < 300 for call in sim.calls)


# Every status, per class of operations

SMART_PROPERTIES = [name for name in CLASSES.values() if OPERATIONS[name].target is None]
TWICE = RetryPolicy(max_attempts=2, base=0)


async def test_a_401_refreshes_the_token_once_and_no_more(sim: Simulator) -> None:
    for name in SMART_PROPERTIES:
        before = sim.count("token")
        sim.fail(name, "stale_token", times=None)
        await failure_of(CALLS[name], clients_on(sim), errors.Unauthorized, 401)
        assert (sim.count(name), sim.count("token") - before) == (2, 2), name


async def test_a_token_that_expired_early_is_replaced_without_an_error(sim: Simulator) -> None:
    on = clients_on(sim)
    await CALLS["units.get"](on)
    for number, name in enumerate(SMART_PROPERTIES, 2):
        sim.expire_tokens()
        await CALLS[name](on)
        assert (sim.count(name, 401), sim.count("token")) == (1, number), name


async def test_403_and_401_forbidden_are_about_permission(sim: Simulator) -> None:
    on = clients_on(sim)
    sim.set_forbidden(on.room)
    for name in ("unit_settings.get_default_music_station", "unit_settings.set_default_music_station"):
        await failure_of(CALLS[name], on, errors.Forbidden, 403)
    for name in DELETIONS:
        for room in (on.room, NOBODY):
            error = await failure_of(CALLS[name], attrs.evolve(on, room=room), errors.Forbidden, 401)
            assert error.code == "FORBIDDEN"
        # No refresh: each was sent once.
        assert sim.count(name) == 2
    assert sim.count("token") == 1


async def test_over_the_quota(sim: Simulator) -> None:
    on = clients_on(sim)
    for name in CLASSES.values():
        sim.quota(name, 0.001, 1, retry_after=7)
        await CALLS[name](on)
        error = await failure_of(CALLS[name], on, errors.Throttled, 400 if OPERATIONS[name].target else 429)
        assert (error.retry_after, sim.count(name)) == (7, 2), name


async def test_400_and_404(sim: Simulator) -> None:
    on = clients_on(sim)
    for name in CLASSES.values():
        sim.fail(name, "status", status=400)
        await failure_of(CALLS[name], on, errors.BadRequest, 400)
    for name in ("devices.get", "devices.events"):
        error = await failure_of(CALLS[name], attrs.evolve(on, device=NOTHING), errors.NotFound, 400)
        assert error.code == "NotFoundException"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_fault_of_the_service_is_retried_and_then_raised(sim: Simulator, status: int) -> None:
    on = clients_on(sim, TWICE)
    for name in CLASSES.values():
        sim.fail(name, "status", status=status, times=None)
        if OPERATIONS[name].per_endpoint and status == 504:
            await failure_of(CALLS[name], on, errors.DeviceUnreachable, 504)
            assert sim.count(name) == 1, name
        else:
            error = await failure_of(CALLS[name], on, errors.ServerError, status)
            assert error.attempts == sim.count(name) == (2 if OPERATIONS[name].idempotent else 1), name


async def test_a_device_that_is_offline_is_not_asked_again(sim: Simulator) -> None:
    on = clients_on(sim, TWICE)
    sim.set_offline(on.endpoint)
    for name in ("endpoint_settings.set", "features.set_volume", "features.unpair_bluetooth"):
        error = await failure_of(CALLS[name], on, errors.DeviceUnreachable, 504)
        assert error.code in ("DEVICE_UNREACHABLE", "DEVICE_NOT_REACHABLE")
        assert on.endpoint in str(error)
        assert sim.count(name) == 1


@pytest.mark.parametrize(("offline", "failing", "status"), [(2, 0, 504), (0, 2, 500), (1, 1, 500), (1, 0, 504)])
async def test_devices_that_fail_are_streamed_or_raised_and_never_retried(
    sim: Simulator, offline: int, failing: int, status: int
) -> None:
    on = clients_on(sim, RetryPolicy(max_attempts=4))
    ill = sim.endpoints_in(on.room)
    sim.set_offline(*ill[:offline])
    sim.set_failing(*ill[offline : offline + failing])
    for name in DELETIONS:
        kind: Any = name.removeprefix("alerts.delete_")
        for endpoint in ill:
            sim.set_alerts(kind, endpoint, 1)
        error = await failure_of(CALLS[name], on, errors.EndpointFailures, status)
        assert isinstance(error, errors.EndpointFailures)
        assert {failure.endpoint_id for failure in error.failures} == set(ill[: offline + failing])
        assert {failure.unit_id for failure in error.failures} == {on.room}
        assert sim.count(name) == 1
        deletion: Any = CALLS[name](on)
        assert [failure async for failure in deletion] == list(error.failures)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "cut_body", "html"])
async def test_a_broken_exchange_is_repeated_if_that_is_safe(sim: Simulator, kind: Any) -> None:
    on = clients_on(sim, TWICE)
    for name in CLASSES.values():
        fault = sim.fail(name, kind, times=1)
        if not OPERATIONS[name].idempotent:
            with pytest.raises(errors.ServerError if kind == "html" else errors.TransportError) as caught:
                await CALLS[name](on)
            assert getattr(caught.value, "sent", "maybe") == "maybe"
        elif name == "units.delete" and kind in ("drop_after", "cut_body"):
            # It was deleted the first time.
            await failure_of(CALLS[name], on, errors.NotFound, 404)
        else:
            await CALLS[name](on)
        assert (fault.hits, sim.count(name)) == (1, 2 if OPERATIONS[name].idempotent else 1), name


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"access_key": "AKIANOBODY"}, "UnrecognizedClientException"),
        ({"secret_key": "wrong"}, "InvalidSignatureException"),
    ],
)
async def test_wrong_aws_keys_are_unauthorized(sim: Simulator, change: dict[str, str], code: str) -> None:
    keys: Any = {"access_key": sim.aws_access_key_id, "secret_key": sim.aws_secret_access_key, **change}
    on = attrs.evolve(clients_on(sim), a4b=sim.for_business(auth=SigV4(**keys)))
    error = await failure_of(CALLS["devices.get"], on, errors.Unauthorized, 400)
    assert error.code == code


async def test_the_token_of_deletions_goes_as_the_caller_chose(sim: Simulator) -> None:
    for authorization in ("Bearer", "bare"):
        asp = sim.smart_properties(alerts_authorization=authorization)
        before = len(sim.calls)
        await asp.alerts.delete_alarms(sim.rooms[0])
        await asp.units.get(sim.rooms[0])
        assert [(call.operation, call.authorization) for call in sim.calls[before:] if call.operation != "token"] == [
            ("alerts.delete_alarms", authorization),
            ("units.get", "Bearer"),
        ]
