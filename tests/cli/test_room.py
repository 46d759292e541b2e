"""`room reset`: the steps, those that failed, and the status."""

from __future__ import annotations

import json

import pytest

from tests.cli.commands import Run
from tests.cli.service import Service

OPTIONS = ("--volume", "30", "--locale", "en-GB", "--locale", "fr-FR", "--station", "IHR_JAZZ")


def test_every_step_is_a_row(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    done = run("room", "reset", room, *OPTIONS, env=service.environment)
    assert done.returncode == 0
    assert {line.split("\t")[2] for line in done.stdout.splitlines()} == {"done"}
    assert done.stderr == f"alexa-props: {room}: 14 of 14 steps done\n"
    station = run("station", "get", room, env=service.environment)
    assert station.stdout == f"{room}\tI_HEART_RADIO\t4242\tIHR_JAZZ\n"


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


def test_a_lost_response_is_unknown(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, _: low)
    service.script("faults", operation="notifications.delete_many", kind="drop_after", times=None)
    assert run("room", "reset", service.world["rooms"][0], env=service.environment).returncode == 4
