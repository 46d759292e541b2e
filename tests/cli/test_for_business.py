"""`alexa-props a4b`: devices, events and users of Alexa for Business."""

from __future__ import annotations

import json

from tests.cli.commands import Run
from tests.cli.service import Service


def test_devices_are_filtered_and_sorted(run: Run, service: Service) -> None:
    done = run(
        *("a4b", "devices", "--filter", "DeviceStatus=READY,PENDING", "--sort=-DeviceName"), env=service.environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows
    assert {len(row) for row in rows} == {6}
    assert {row[3] for row in rows} <= {"READY", "PENDING"}
    names = [row[1] for row in rows]
    assert names == sorted(names, reverse=True)
    [first, *_] = service.calls("devices.search")
    assert first["body"]["Filters"] == [{"Key": "DeviceStatus", "Values": ["READY", "PENDING"]}]

    service.script("offline", ids=[rows[0][5]])
    filters = ["--filter", "ConnectionStatus=OFFLINE", "--filter", f"DeviceName={names[0]}"]
    done = run("a4b", "devices", "--json", *filters, env=service.environment)
    [device] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (device["device_arn"], device["connection_status"]) == (rows[0][5], "OFFLINE")
    assert device["created_time"].endswith("+00:00")


def test_events_of_a_device(run: Run, service: Service) -> None:
    device = service.world["devices"][0]
    base_url = service.facts["base_url"]
    env = {name: value for name, value in service.environment.items() if name.startswith("AWS_")}
    done = run("a4b", "events", device, "--type", "CONNECTION_STATUS", "--base-url", base_url, env=env)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len(rows) > 1
    assert {row[1] for row in rows} == {"CONNECTION_STATUS"}
    assert {row[2] for row in rows} <= {"ONLINE", "OFFLINE"}
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)


def test_users(run: Run, service: Service) -> None:
    done = run("a4b", "users", "--filter", "EnrollmentStatus=DISASSOCIATING", "--json", env=service.environment)
    users = [json.loads(line) for line in done.stdout.splitlines()]
    assert users
    assert {user["enrollment_status"] for user in users} == {"DISASSOCIATING"}
    assert len(users) < len(service.world["users"])


def test_a_wrong_key_is_one_line_without_it(run: Run, service: Service) -> None:
    done = run("a4b", "devices", env={**service.environment, "AWS_SECRET_ACCESS_KEY": "canary"})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("alexa-props: devices.search: ")
    assert "canary" not in line
    assert service.facts["aws_secret_access_key"] not in line
