"""`room reset`: the steps, those that failed, and the status."""

from __future__ import annotations

import json

import pytest

from tests.cli.commands import Run, lines_of
from tests.cli.service import Service

OPTIONS = ("--volume", "30", "--locale", "en-GB", "--locale", "fr-FR", "--station", "IHR_JAZZ")


def test_every_step_is_a_row(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    done = run("room", "reset", room, *OPTIONS, env=service.environment)
    assert done.returncode == 0
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {(row[0], row[4], row[8]) for row in rows} == {("", "done", room)}
    assert {row[2] for row in rows} == {"", "Room 101 Echo 1", "Room 101 Echo 2"}
    assert done.stderr == f"alexa-props: {room}: 14 of 14 steps done\n"
    assert "\tIHR_JAZZ\t" in run("station", "get", room, env=service.environment).stdout


def test_a_failed_step_names_its_devices(run: Run, service: Service) -> None:
    offline = str(service.world["endpoints"][1])
    service.script("offline", ids=[offline])
    done = run("room", "reset", service.world["rooms"][0], *OPTIONS, "--json", env=service.environment)
    assert done.returncode == 3
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    failed = [row for row in rows if row["status"] == "failed"]
    assert {row["endpoint_id"] for row in failed} == {offline}
    assert [row["step"] for row in failed] == [
        *("alarms", "timers", "reminders"),
        *("Bluetooth", "locales", "do not disturb", "volume"),
    ]


def test_a_table_has_a_row_per_device_that_failed(screen: Run, service: Service) -> None:
    offline = str(service.world["endpoints"][1])
    service.script("offline", ids=[offline])
    arguments = ("room", "reset", "Room 101", *OPTIONS)
    done = screen(*arguments, env={**service.environment, "COLUMNS": "80"})
    assert done.returncode == 3
    lines = lines_of(done)
    assert max(map(len, lines[:-1])) <= 80
    assert " ".join(" ".join(lines).split()) == (
        "DEVICE STEP CODE "
        "Room 101 Echo 2 alarms, timers, reminders, DEVICE_NOT_REACHABLE, "
        f"Bluetooth, locales, do not DEVICE_UNREACHABLE disturb, volume {offline} "
        "alexa-props: Room 101 (Seaside 1 / Floor 1): 7 of 14 steps done"
    )
    by_step = lines_of(screen(*arguments, "--by-step", env={**service.environment, "COLUMNS": "80"}))
    assert [line.split("  ")[1] for line in by_step if line.startswith("Room 101 Echo 2")][:2] == ["alarms", "timers"]
    hidden = screen(*arguments, "--no-ids", env={**service.environment, "COLUMNS": "80"})
    assert offline not in hidden.stdout

    service.script("reset")
    done = screen(*arguments, env={**service.environment, "COLUMNS": "80"})
    assert lines_of(done) == ["alexa-props: Room 101 (Seaside 1 / Floor 1): 14 of 14 steps done"]


def test_a_lost_response_is_unknown(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    service.script("faults", operation="notifications.delete_many", kind="drop_after", times=None)
    assert run("room", "reset", service.world["rooms"][0], env=service.environment).returncode == 4
