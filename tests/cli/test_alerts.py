"""`alarms delete`, `timers delete` and `reminders delete`."""

from __future__ import annotations

import json
import re

from tests.cli.commands import Run
from tests.cli.service import Service


def test_devices_that_failed_are_rows(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    done = run("alarms", "delete", room, env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"alexa-props: deleted the alarms on every device in {room}\n"
    assert [call["unit_id"] for call in service.calls("alerts.delete_alarms")] == [room]

    first = service.world["endpoints"][0]
    service.script("offline", ids=[first])
    done = run("timers", "delete", "Room 101", "--json", env=service.environment)
    [row] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, row["unit_id"], row["endpoint_id"], row["code"]) == (
        3,
        room,
        first,
        "DEVICE_NOT_REACHABLE",
    )
    assert [call["unit_id"] for call in service.calls("alerts.delete_timers")] == [room]
    assert (row["room"], row["path"], row["device"]) == ("Room 101", "Seaside 1 / Floor 1", "Room 101 Echo 1")
    title = r"Room 101 \(Seaside 1 / Floor 1\)"
    assert re.fullmatch(rf"alexa-props: the timers in {title} were not deleted on 1 device\(s\): .*\n", done.stderr)

    # The response does not name the device.
    service.script("faults", operation="alerts.delete_reminders", kind="status", status=504, times=1)
    done = run("reminders", "delete", room, env=service.environment)
    assert done.returncode == 3
    name, _, device, code, description, endpoint_id, unit_id = done.stdout.rstrip("\n").split("\t")
    assert (name, device, unit_id, endpoint_id, code) == ("Room 101", "", room, "", "DEVICE_NOT_REACHABLE")
    assert description


def test_a_deletion_needs_no_permission_to_list_units_and_devices(run: Run, service: Service) -> None:
    for operation in ("units.list", "endpoints.list"):
        service.script("faults", operation=operation, kind="status", status=403, times=None)
    done = run("alarms", "delete", service.world["rooms"][0], env=service.environment)
    assert done.returncode == 0
    assert "units below it are unknown: units.list" in done.stderr
