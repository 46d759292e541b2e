"""Units, endpoints, stations and alerts by the command: what is printed, and what the service saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.cli.processes import Run, Service, Terminal

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_units_as_lines_and_as_json(run: Run, service: Service) -> None:
    done = run("units", "--depth", "all", env=service.environment)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {len(row) for row in rows} == {4}
    by_id = {row[0]: row for row in rows}
    assert set(service.world["rooms"]) < by_id.keys()
    properties = [row for row in rows if row[2] == "1"]
    assert {row[3] for row in properties} == {service.facts["organization_id"]}
    assert all(row[3] in by_id for row in rows if row[2] != "1")

    floor = next(row for row in rows if row[2] == "2")
    done = run("units", floor[0], "--json", env=service.environment)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [unit["parent_id"] for unit in found] == [floor[0]] * len(found)
    assert [[unit["id"], unit["name"], str(unit["level"]), unit["parent_id"]] for unit in found] == [
        row for row in rows if row[3] == floor[0]
    ]


def test_a_tree_takes_fifty_units_a_call(run: Run, service: Service) -> None:
    done = run("units", "--depth", "all", env=service.environment)
    assert 10 < len(done.stdout.splitlines()) <= 50
    assert len(service.calls("units.list")) == 1


def floor_of(run: Run, service: Service) -> str:
    rows = run("units", "--depth", "all", env=service.environment).stdout.splitlines()
    return next(row.split("\t")[0] for row in rows if row.split("\t")[2] == "2")


def test_endpoints_of_what_does_not_exist_is_an_error(run: Run, service: Service) -> None:
    done = run("endpoints", "unit-1", env=service.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alexa-props: units.get('unit-1'): 404")


def test_of_a_unit_with_units_below_it_only_its_own_devices_are_looked_at_and_that_is_said(
    run: Run, service: Service
) -> None:
    floor = floor_of(run, service)
    done = run("endpoints", floor, env=service.environment)
    advice = f"the units below it were not looked at: see `alexa-props units --depth all {floor}`"
    expected = f"alexa-props: no device is directly in {floor}; {advice}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", expected)

    done = run("alarms", "delete", floor, env=service.environment)
    advice = f"the units below it were not looked at: see `alexa-props fleet run alarms --under {floor}`"
    expected = f"alexa-props: no device is directly in {floor}, so there were no alarms to delete; {advice}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)

    done = run("room", "reset", floor, env=service.environment)
    assert done.returncode == 1
    assert f"but no device is directly in it; {advice.replace('run alarms', 'run reset')}" in done.stderr


def test_a_deletion_is_done_though_units_and_devices_may_not_be_listed(run: Run, service: Service) -> None:
    for operation in ("units.list", "endpoints.list"):
        service.script("faults", operation=operation, kind="status", status=403, times=None)
    done = run("alarms", "delete", service.world["rooms"][0], env=service.environment)
    assert done.returncode == 0
    assert "whether there are units below it is not known: units.list" in done.stderr


def test_endpoints_and_whether_they_can_be_reached(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    plain = run("endpoints", room, env=service.environment)
    rows = [line.split("\t") for line in plain.stdout.splitlines()]
    assert [len(row) for row in rows] == [4, 4]
    assert all(all(row) for row in rows)
    service.script("offline", ids=[rows[1][0]])
    asked = run("endpoints", room, "--reachability", "--json", env=service.environment)
    found = [json.loads(line) for line in asked.stdout.splitlines()]
    assert [endpoint["id"] for endpoint in found] == [row[0] for row in rows]
    assert [endpoint["reachability"] == "OK" for endpoint in found] == [True, False]


def test_a_station_is_set_by_label_or_by_id_and_shown(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    service.script("faults", operation="unit_settings.get_default_music_station", kind="status", status=204)
    assert run("station", "get", room, env=service.environment).stdout == f"{room}\t\t\t\n"
    done = run("station", "set", room, "ihr_jazz", env=service.environment)
    assert (done.returncode, done.stdout) == (0, f"{room}\tI_HEART_RADIO\t4242\tIHR_JAZZ\n")
    done = run("station", "set", room, "SOME_RADIO:s:1", "--json", env=service.environment)
    row = {"unit_id": room, "provider_id": "SOME_RADIO", "station_id": "s:1", "label": None}
    assert (done.returncode, json.loads(done.stdout)) == (0, row)
    assert [call["body"] for call in service.calls("unit_settings.set_default_music_station")] == [
        {"providerId": "I_HEART_RADIO", "stationId": "4242"},
        {"providerId": "SOME_RADIO", "stationId": "s:1"},
    ]
    assert json.loads(run("station", "get", room, "--json", env=service.environment).stdout) == row


def test_alerts_are_deleted_and_the_devices_that_failed_are_rows(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    done = run("alarms", "delete", room, env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"alexa-props: deleted the alarms on every device of {room}\n"
    assert [call["unit_id"] for call in service.calls("alerts.delete_alarms")] == [room]

    first = service.world["endpoints"][0]
    service.script("offline", ids=[first])
    done = run("timers", "delete", room, "--json", env=service.environment)
    [row] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, row["unit_id"], row["endpoint_id"], row["code"]) == (
        3,
        room,
        first,
        "DEVICE_NOT_REACHABLE",
    )
    assert [call["unit_id"] for call in service.calls("alerts.delete_timers")] == [room]
    assert re.fullmatch(r"alexa-props: the timers of \S+ were not deleted on 1 device\(s\); .*\n", done.stderr)

    # Nobody says which device it was.
    service.script("faults", operation="alerts.delete_reminders", kind="status", status=504, times=1)
    done = run("reminders", "delete", room, env=service.environment)
    assert done.returncode == 3
    unit_id, endpoint_id, code, description = done.stdout.rstrip("\n").split("\t")
    assert (unit_id, endpoint_id, code) == (room, "", "DEVICE_NOT_REACHABLE")
    assert description


NAME = "[bold]Suite[/bold]\t1\x1b[31m\n\ud800"
SHOWN = r"[bold]Suite[/bold]\t1\x1b[31m\n\ud800"


def test_names_cannot_command_a_terminal_or_break_a_line(
    run: Run, terminal: Callable[..., Terminal], service: Service
) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": NAME}}, "level": 3}
    script = {"status": 200, "body": json.dumps({"results": [unit]}), "times": 3}
    service.script("faults", operation="units.list", kind="status", **script)
    assert run("units", env=service.environment).stdout == f"unit-1\t{SHOWN}\t3\t\n"
    assert json.loads(run("units", "--json", env=service.environment).stdout)["name"] == NAME
    shown = terminal("units", env=service.environment).read()
    assert SHOWN in shown
    assert "\x1b[31m\\n" not in shown


def test_on_a_terminal_rows_are_a_table_that_cuts_nothing_off(
    terminal: Callable[..., Terminal], service: Service
) -> None:
    room = service.world["rooms"][0]
    wide = terminal("endpoints", room, "--reachability", env={**service.environment, "COLUMNS": "130"})
    shown = ANSI.sub("", wide.read())
    assert wide.process.wait(20) == 0
    assert "\t" not in shown
    lines = [line.strip() for line in shown.replace("\r", "\n").split("\n") if line.strip()][-3:]
    assert re.split("  +", lines[0]) == ["id", "friendly name", "model", "serial number", "reachability"]
    assert [re.split("  +", line)[0] for line in lines[1:]] == service.world["endpoints"][:2]

    narrow = terminal("endpoints", room, env={**service.environment, "COLUMNS": "60"})
    lines = ANSI.sub("", narrow.read()).replace("\r", "\n").split("\n")
    assert max(map(len, lines)) <= 60
    # Folded, and whole when what stands in the first column is read from top to bottom.
    first = "".join(line[: line.find(" ")] for line in lines if line and not line.startswith((" ", "id")))
    assert all(endpoint in first for endpoint in service.world["endpoints"][:2])

    empty = terminal("units", room, env=service.environment)
    assert "none" in empty.read()
    assert empty.process.wait(20) == 0


def test_what_came_before_a_failure_is_printed(run: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": "Suite"}}, "level": 3}
    page = json.dumps({"results": [unit], "paginationContext": {"nextToken": "more"}})
    service.script("faults", operation="units.list", kind="status", status=200, body=page, times=1)
    service.script("faults", operation="units.list", kind="status", status=403, after=1, times=1)
    done = run("units", "--depth", "all", env=service.environment)
    assert (done.returncode, done.stdout) == (1, "unit-1\tSuite\t3\t\n")
    assert re.fullmatch(r"alexa-props: units\.list\('.*'\): 403 .*\n", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["units", "--depth", "0"], "whole number"),
        (["units"], "ALEXA_PROPS_ORGANIZATION_ID"),
        (["station", "set", "unit-1", "nonsense"], "IHR_JAZZ"),
    ],
)
def test_what_cannot_be_meant_is_told_and_nothing_is_sent(run: Run, arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
