"""`settings` and `volume`: what devices report, and what is sent to them."""

from __future__ import annotations

import json

import pytest

from alexa_props import Setting
from tests.cli.commands import Run, lines_of
from tests.cli.service import Service

BAD = [
    ("volume=3", "there is no setting 'volume'"),
    ("time-zon=UTC", "did you mean time-zone?"),
    ("time-zone", "give KEY=VALUE"),
    ("time-zone=", "takes a string that is not empty"),
    ("do-not-disturb=maybe", "takes True or False"),
    ("maximum-volume-limit=101", "takes 0 to 100"),
    ("maximum-volume-limit=loud", "takes a whole number"),
    ("speaking-rate=3", "takes 0.75"),
    ("temperature-unit=kelvin", "takes CELSIUS, FAHRENHEIT"),
    ("wake-words=alexa,echo", "takes 1 to 1 strings"),
    ("screen-controller-policy={", "takes a dict that is a JSON object"),
    ("setup-mode-privileges=ALL_SETTINGS", "can be read, not set"),
]


def rows_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("assignment", "words"), BAD)
def test_values_are_checked_before_anything_is_sent(run: Run, service: Service, assignment: str, words: str) -> None:
    done = run("settings", "set", "Room 101", "follow-up=on", assignment, env=service.environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())
    assert service.calls("token") == service.calls("endpoint_settings.set") == []


def test_a_setting_cannot_be_set_twice(run: Run) -> None:
    done = run("settings", "set", "Room 101", "follow-up=on", "FOLLOW_UP=off")
    assert (done.returncode, "follow-up is set twice" in done.stderr) == (2, True)


def test_settings_of_all_devices_in_a_room(run: Run, service: Service) -> None:
    wanted = ("wake-words=echo", "locales=en-GB, fr-FR", "do-not-disturb=on", "temperature-unit=celsius")
    done = run("settings", "set", "Room 101", *wanted, 'screen-controller-policy={"a": [1]}', env=service.environment)
    assert done.returncode == 0
    assert done.stderr == "alexa-props: Room 101 (Seaside 1 / Floor 1): 10 of 10 changes made on 2 device(s)\n"
    first = [
        call for call in service.calls("endpoint_settings.set") if call["endpoint_id"] == service.world["endpoints"][0]
    ]
    # The locales first, because wake words depend on them.
    assert [call["body"] for call in first] == [["en-GB", "fr-FR"], ["ECHO"], True, "CELSIUS", {"a": [1]}]

    keys = ("locales", "wake-words", "System.temperatureUnit", "do_not_disturb")
    got = run("settings", "get", "Room 101", *keys, "--json", env=service.environment)
    rows = rows_of(got.stdout)
    assert [(row["device"], row["setting"], row["value"]) for row in rows[:4]] == [
        ("Room 101 Echo 1", "locales", ["en-GB", "fr-FR"]),
        ("Room 101 Echo 1", "wake-words", ["ECHO"]),
        ("Room 101 Echo 1", "temperature-unit", "CELSIUS"),
        ("Room 101 Echo 1", "do-not-disturb", True),
    ]
    assert {(row["room"], row["path"]) for row in rows} == {("Room 101", "Seaside 1 / Floor 1")}


def test_a_table_shows_the_id_of_a_device_once(screen: Run, service: Service) -> None:
    arguments = ("settings", "get", "Room 101", "time-zone", "time-format", "locales")
    lines = lines_of(screen(*arguments, env={**service.environment, "COLUMNS": "60"}))
    assert max(map(len, lines)) <= 60
    ids = [line.strip() for line in lines if line.strip().startswith("amzn1")]
    assert ids == service.world["endpoints"][:2]


def test_shown_values_can_be_set(run: Run, service: Service) -> None:
    device = service.world["endpoints"][0]
    lines = run("settings", "get", device, env=service.environment).stdout.splitlines()
    values = {line.split("\t")[3]: line.split("\t")[4] for line in lines}
    assert len(values) == len(Setting.ALL)
    del values["setup-mode-privileges"]
    again = [f"{key}={value}" for key, value in values.items() if value]
    assert len(again) > 10
    done = run("settings", "set", device, *again, env=service.environment)
    assert (done.returncode, done.stderr.split(": ")[-1]) == (
        0,
        f"{len(again)} of {len(again)} changes made on 1 device(s)\n",
    )
    assert run("settings", "get", device, env=service.environment).stdout.splitlines() == lines


def test_a_device_by_name_or_serial_number(run: Run, service: Service) -> None:
    device = service.world["endpoints"][1]
    row = run("endpoints", "Room 101", env=service.environment).stdout.splitlines()[1].split("\t")
    for name in ("Room 101 Echo 2", row[4]):
        done = run("volume", "set", name, "35", env=service.environment)
        assert done.returncode == 0
        assert done.stderr.endswith(
            "Room 101 Echo 2 (Seaside 1 / Floor 1 / Room 101): volume 35 set on 1 of 1 device(s)\n"
        )
    assert {call["endpoint_id"] for call in service.calls("features.set_volume")} == {device}
    assert run("volume", "get", device, "--json", env=service.environment).returncode == 0
    [got] = rows_of(run("volume", "get", "Room 101 Echo 2", "--json", env=service.environment).stdout)
    assert (got["device"], got["volume"], got["endpoint_id"]) == ("Room 101 Echo 2", 35, device)


def test_a_device_that_is_offline_does_not_stop_the_others(run: Run, screen: Run, service: Service) -> None:
    offline = service.world["endpoints"][0]
    service.script("offline", ids=[offline])
    done = run("volume", "set", "Room 101", "10", "--json", env=service.environment)
    assert done.returncode == 3
    assert [(row["device"], row["status"]) for row in rows_of(done.stdout)] == [
        ("Room 101 Echo 1", "failed"),
        ("Room 101 Echo 2", "done"),
    ]
    fault = {"operation": "endpoint_settings.get_many", "endpoint_id": offline, "kind": "status", "status": 403}
    service.script("faults", **fault)
    done = run("settings", "get", "Room 101", "time-zone", "--json", env=service.environment)
    assert done.returncode == 3
    found = [(row["status"], row["setting"]) for row in rows_of(done.stdout)]
    assert found == [("failed", None), ("done", "time-zone")]
    lines = lines_of(screen("volume", "get", "Room 101", env={**service.environment, "COLUMNS": "80"}))
    assert lines[1].split() == ["Room", "101", "Echo", "1", "DEVICE_UNREACHABLE"]
    # A single device: the error of the call.
    done = run("volume", "get", offline, env=service.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alexa-props: features.get_speaker(")


def test_a_lost_response_is_unknown(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    service.script("faults", operation="features.set_volume", kind="drop_after", times=None)
    assert run("volume", "set", "Room 101", "10", env=service.environment).returncode == 4


def test_a_room_without_devices(run: Run, service: Service) -> None:
    done = run("volume", "set", "Floor 1", "10", env=service.environment)
    expected = "no device is directly in Floor 1 (Seaside 1): see `alexa-props endpoints --under 'Floor 1'`"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"alexa-props: {expected}\n")


@pytest.mark.parametrize("level", ["101", "-1", "loud", "1.5"])
def test_a_volume_is_from_0_to_100(run: Run, level: str) -> None:
    assert run("volume", "set", "Room 101", level).returncode == 2
