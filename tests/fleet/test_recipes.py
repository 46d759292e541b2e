"""Recipes on the simulator, with devices that are reachable and devices that are not."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from alexa_props import DefaultStation, RateLimit, RetryPolicy, fleet
from alexa_props.errors import AlexaError, ConfigurationError, DeviceUnreachable, EndpointFailures
from alexa_props.fleet import RoomDefaults, ensure_default_music_station, reset_room
from alexa_props.simulator import AlertKind, Simulator, Station
from alexa_props.smart_properties.setting import Setting

FAST = RateLimit(per_second=1e6)
JAZZ = DefaultStation("I_HEART_RADIO", "4242")
DEFAULTS = RoomDefaults(
    station=JAZZ,
    volume=35,
    locales=["en-GB", "fr-FR"],
    wake_word="ECHO",
    time_zone="Europe/London",
    temperature_unit="CELSIUS",
    distance_units="METRIC",
    settings={Setting.TIME_FORMAT: "24_HOURS", Setting.MAXIMUM_VOLUME_LIMIT: 80},
)
WANTED = {
    "System.locales": ["en-GB", "fr-FR"],
    "SpeechRecognizer.wakeWords": ["ECHO"],
    "System.timeZone": "Europe/London",
    "System.temperatureUnit": "CELSIUS",
    "System.distanceUnits": "METRIC",
    "Alexa.DataFormat.Time.timeFormat": "24_HOURS",
    "Alexa.ManagedDevice.Settings.maximumVolumeLimit": 80,
    "Alexa.DoNotDisturb.doNotDisturb": False,
}
KINDS: tuple[AlertKind, ...] = ("alarms", "timers", "reminders")
ON_ENDPOINT = [
    "Bluetooth",
    "locales",
    "wake word",
    "time zone",
    "temperature unit",
    "distance units",
    "Alexa.DataFormat.Time.timeFormat",
    "Alexa.ManagedDevice.Settings.maximumVolumeLimit",
    "do not disturb",
    "volume",
]


def state(sim: Simulator, endpoint_id: str) -> dict[str, Any]:
    alerts = {kind: sim.alert_count(kind, endpoint_id) for kind in KINDS}
    return {
        "settings": sim.settings(endpoint_id),
        "volume": sim.volume(endpoint_id),
        "bluetooth": sim.bluetooth(endpoint_id),
        "alerts": alerts,
    }


@pytest.mark.parametrize("offline", [0, 1])
async def test_reset_room_applies_its_defaults(offline: int) -> None:
    async with Simulator(rooms=2, endpoints_per_room=3, seed=3) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        room, other = sim.rooms
        endpoints = sim.endpoints_in(room)
        for endpoint_id in endpoints:
            sim.pair_bluetooth(endpoint_id, "a guest's phone")
            sim.set_setting(endpoint_id, "Alexa.DoNotDisturb.doNotDisturb", True)
        sim.notify(room, "DeviceNotification")
        sim.notify(room, "PersistentVisualAlert")
        gone = endpoints[1 : 1 + offline]
        sim.set_offline(*gone)
        before = {endpoint_id: state(sim, endpoint_id) for endpoint_id in sim.endpoints}
        elsewhere = sim.notifications(other), sim.station(other)

        steps = await reset_room(asp, room, DEFAULTS)

        for endpoint_id in endpoints:
            now, was = state(sim, endpoint_id), before[endpoint_id]
            if endpoint_id in gone:
                assert now == was
                continue
            assert now == {
                # Settings that the defaults do not name are unchanged.
                "settings": {**was["settings"], **WANTED},
                "volume": 35,
                "bluetooth": (),
                "alerts": {"alarms": 0, "timers": 0, "reminders": 0},
            }
        assert sim.notifications(room) == {"DeviceNotification": 0, "PersistentVisualAlert": 0}
        assert sim.station(room) == Station("I_HEART_RADIO", "4242")
        # The other room is unchanged.
        assert all(state(sim, each) == before[each] for each in sim.endpoints_in(other))
        assert (sim.notifications(other), sim.station(other)) == elsewhere

        assert [step.name for step in steps if step.endpoint_id is None] == [
            *("alarms", "timers", "reminders", "notifications", "station", "endpoints")
        ]
        for endpoint_id in endpoints:
            of_one = [step for step in steps if step.endpoint_id == endpoint_id]
            assert [step.name for step in of_one] == ON_ENDPOINT
            assert {step.status for step in of_one} == {"failed" if endpoint_id in gone else "done"}
            assert all(isinstance(step.error, DeviceUnreachable) for step in of_one if endpoint_id in gone)
        if not gone:
            assert (steps.status, steps.failed) == ("done", ())
            steps.raise_for_failures()
            return
        assert steps.status == "failed"
        bulk = [step for step in steps.failed if step.endpoint_id is None]
        assert [step.name for step in bulk] == ["alarms", "timers", "reminders"]
        for step in bulk:
            assert isinstance(step.error, EndpointFailures)
            assert [failure.endpoint_id for failure in step.error.failures] == gone
        with pytest.raises(fleet.StepsFailed, match=r"13 of 36 steps are not done; the first is 'alarms'") as caught:
            steps.raise_for_failures()
        assert caught.value.steps is steps


async def test_failed_steps_are_rows_of_the_report() -> None:
    async with Simulator(rooms=6, endpoints_per_room=2, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        offline = sim.endpoints_in(sim.rooms[4])[1]
        sim.set_offline(offline)
        call = functools.partial(reset_room, asp, defaults=RoomDefaults(volume=20))
        report = await fleet.collect(call, sim.rooms)
        assert report.counts == {"done": 5, "failed": 1, "unknown": 0}
        (room,) = report.failed
        assert room.key == sim.rooms[4]
        assert isinstance(room.error, fleet.StepsFailed)
        assert room.error.steps is room.value
        rows = [(row.step, row.operation, row.endpoint_id) for row in room.failures]
        assert rows == [
            ("alarms", "alerts.delete_alarms", offline),
            ("timers", "alerts.delete_timers", offline),
            ("reminders", "alerts.delete_reminders", offline),
            ("Bluetooth", "features.unpair_bluetooth", offline),
            ("do not disturb", "endpoint_settings.set", offline),
            ("volume", "features.set_volume", offline),
        ]
        assert all(row.request_id for row in room.failures)


async def test_resets_the_room_if_its_endpoints_cannot_be_listed() -> None:
    async with Simulator(rooms=1, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        (room,) = sim.rooms
        sim.fail("endpoints.list", "status", status=403)
        steps = await reset_room(asp, room, DEFAULTS)
        assert [(step.name, step.status) for step in steps if step.status != "done"] == [("endpoints", "failed")]
        assert len(steps) == 6
        assert sim.station(room) == Station("I_HEART_RADIO", "4242")


async def test_step_without_a_response_makes_the_room_unknown() -> None:
    async with Simulator(rooms=1, endpoints_per_room=1, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST, retry=RetryPolicy(max_attempts=1))
        sim.fail("notifications.delete_many", "drop_after", times=10)
        sim.fail("features.unpair_bluetooth", "status", status=400)
        steps = await reset_room(asp, sim.rooms[0], RoomDefaults())
        found = {step.name: step.status for step in steps}
        assert found["notifications"] == "unknown"
        assert found["Bluetooth"] == "failed"
        assert steps.status == "unknown"
        assert len(steps) == 7  # steps after a failure are done, too
        (outcome,) = await fleet.collect(functools.partial(reset_room, asp, defaults=RoomDefaults()), sim.rooms)
        assert outcome.status == "unknown"


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"volume": 101}, "volume"),
    ({"volume": True}, "volume"),
    ({"volume": "30"}, "volume"),
    ({"station": "IHR_JAZZ"}, "station"),
    ({"do_not_disturb": "off"}, "doNotDisturb"),
    ({"locales": "en-US"}, "locales"),
    ({"locales": ["en-US", "fr-FR", "de-DE"]}, "locales"),
    ({"locales": []}, "locales"),
    ({"wake_word": "BANANA"}, "wakeWords"),
    ({"wake_word": ["ALEXA"]}, "wakeWords"),
    ({"time_zone": ""}, "timeZone"),
    ({"temperature_unit": "KELVIN"}, "temperatureUnit"),
    ({"distance_units": 1}, "distanceUnits"),
    ({"settings": {"Alexa.Some": 1}}, "settings"),
    ({"settings": [Setting.TIME_FORMAT]}, "settings"),
    ({"settings": {Setting.TIME_FORMAT: "25_HOURS"}}, "timeFormat"),
    ({"settings": {Setting.SETUP_MODE_PRIVILEGES: []}}, "can be read, not set"),
]


def test_rejects_invalid_room_defaults() -> None:
    for options, message in INVALID:
        with pytest.raises(ConfigurationError, match=message):
            RoomDefaults(**options)


async def test_invalid_arguments_send_nothing() -> None:
    async with Simulator(rooms=1) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        wrong: Any = "IHR_JAZZ"
        with pytest.raises(ConfigurationError, match="RoomDefaults"):
            await reset_room(asp, sim.rooms[0], wrong)
        with pytest.raises(ConfigurationError, match="unit_id"):
            await reset_room(asp, "", DEFAULTS)
        with pytest.raises(ConfigurationError, match="DefaultStation"):
            await ensure_default_music_station(asp, sim.rooms[0], wrong)
        assert sim.count() == 0


async def test_ensuring_a_station_again_only_reads() -> None:
    async with Simulator(rooms=25, seed=5) as sim:
        asp = sim.smart_properties(rate_limit=FAST)
        has_it = [room for room in sim.rooms if sim.station(room) == Station("I_HEART_RADIO", "4802")]
        assert 0 < len(has_it) < 25
        call = functools.partial(ensure_default_music_station, asp, station=DefaultStation("I_HEART_RADIO", "4802"))
        first = await fleet.collect(call, sim.rooms)
        assert {outcome.key for outcome in first if not outcome.value} == set(has_it)
        assert {sim.station(room) for room in sim.rooms} == {Station("I_HEART_RADIO", "4802")}
        assert sim.count("unit_settings.set_default_music_station") == 25 - len(has_it)
        sim.clear_calls()
        second = await fleet.collect(call, sim.rooms)
        assert {outcome.value for outcome in second} == {False}
        assert (sim.count(), sim.count("unit_settings.get_default_music_station")) == (25, 25)


async def test_custom_recipe() -> None:
    async def one(room: str) -> fleet.Steps:
        error = AlexaError("the lamp is broken") if room == "2" else None
        return fleet.Steps(room, (fleet.Step("lamp", "own.lamp", None, error),))

    report = await fleet.collect(one, ["1", "2"])
    assert {outcome.key: outcome.status for outcome in report} == {"1": "done", "2": "failed"}
    (row,) = report.failures
    assert (row.step, row.code, row.description) == ("lamp", "AlexaError", "the lamp is broken")
