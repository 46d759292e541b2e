"""`units` and `endpoints`: what is printed, in a pipe and on a terminal, and what the service saw."""

from __future__ import annotations

import json
import re

from tests.cli.commands import Run
from tests.cli.service import Service

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


def test_a_call_lists_fifty_units(run: Run, service: Service) -> None:
    done = run("units", "--depth", "all", env=service.environment)
    assert 10 < len(done.stdout.splitlines()) <= 50
    assert len(service.calls("units.list")) == 1


def floor_of(run: Run, service: Service) -> str:
    rows = run("units", "--depth", "all", env=service.environment).stdout.splitlines()
    return next(row.split("\t")[0] for row in rows if row.split("\t")[2] == "2")


def test_the_endpoints_of_an_unknown_unit_are_an_error(run: Run, service: Service) -> None:
    done = run("endpoints", "unit-1", env=service.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alexa-props: units.get('unit-1'): 404")


def test_units_below_a_unit_are_not_included_and_named_as_such(run: Run, service: Service) -> None:
    floor = floor_of(run, service)
    done = run("endpoints", floor, env=service.environment)
    advice = f"the units below it were not included: see `alexa-props units --depth all {floor}`"
    expected = f"alexa-props: no device is directly in {floor}; {advice}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", expected)

    done = run("alarms", "delete", floor, env=service.environment)
    advice = f"the units below it were not included: see `alexa-props fleet run alarms --under {floor}`"
    expected = f"alexa-props: no device is directly in {floor}, so there were no alarms to delete; {advice}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)

    done = run("room", "reset", floor, env=service.environment)
    assert done.returncode == 1
    assert f"but no device is directly in it; {advice.replace('run alarms', 'run reset')}" in done.stderr


def test_endpoints_and_their_reachability(run: Run, service: Service) -> None:
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


NAME = "[bold]Suite[/bold]\t1\x1b[31m\n\ud800"
SHOWN = r"[bold]Suite[/bold]\t1\x1b[31m\n\ud800"


def test_names_cannot_command_a_terminal_or_break_a_line(run: Run, screen: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": NAME}}, "level": 3}
    script = {"status": 200, "body": json.dumps({"results": [unit]}), "times": 3}
    service.script("faults", operation="units.list", kind="status", **script)
    assert run("units", env=service.environment).stdout == f"unit-1\t{SHOWN}\t3\t\n"
    assert json.loads(run("units", "--json", env=service.environment).stdout)["name"] == NAME
    shown = screen("units", env=service.environment).stdout
    assert SHOWN in shown
    assert "\x1b[31m\\n" not in shown


def test_on_a_terminal_rows_are_a_table_that_truncates_nothing(screen: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    wide = screen("endpoints", room, "--reachability", env={**service.environment, "COLUMNS": "130"})
    shown = ANSI.sub("", wide.stdout)
    assert wide.returncode == 0
    assert "\t" not in shown
    lines = [line.strip() for line in shown.replace("\r", "\n").split("\n") if line.strip()][-3:]
    assert re.split("  +", lines[0]) == ["id", "friendly name", "model", "serial number", "reachability"]
    assert [re.split("  +", line)[0] for line in lines[1:]] == service.world["endpoints"][:2]

    narrow = screen("endpoints", room, env={**service.environment, "COLUMNS": "60"})
    lines = ANSI.sub("", narrow.stdout).replace("\r", "\n").split("\n")
    assert max(map(len, lines)) <= 60
    # Folded, and complete if the first column is read from top to bottom.
    first = "".join(line[: line.find(" ")] for line in lines if line and not line.startswith((" ", "id")))
    assert all(endpoint in first for endpoint in service.world["endpoints"][:2])

    empty = screen("units", room, env=service.environment)
    assert (empty.returncode, "none" in empty.stdout) == (0, True)


def test_rows_before_a_failure_are_printed(run: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": "Suite"}}, "level": 3}
    page = json.dumps({"results": [unit], "paginationContext": {"nextToken": "more"}})
    service.script("faults", operation="units.list", kind="status", status=200, body=page, times=1)
    service.script("faults", operation="units.list", kind="status", status=403, after=1, times=1)
    done = run("units", "--depth", "all", env=service.environment)
    assert (done.returncode, done.stdout) == (1, "unit-1\tSuite\t3\t\n")
    assert re.fullmatch(r"alexa-props: units\.list\('.*'\): 403 .*\n", done.stderr)
