"""`units`: rows in a pipe, a tree on a terminal, and what the service saw. Units without devices."""

from __future__ import annotations

import json
import re

from tests.cli.commands import Run, lines_of
from tests.cli.service import Service

WIDE = {"COLUMNS": "120"}
NARROW = {"COLUMNS": "80"}


def test_units_as_lines_and_as_json(run: Run, service: Service) -> None:
    done = run("units", "--depth", "all", env=service.environment)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {len(row) for row in rows} == {4}
    by_id = {row[2]: row for row in rows}
    assert set(service.world["rooms"]) < by_id.keys()
    properties = [row for row in rows if row[1] == "1"]
    assert {row[3] for row in properties} == {service.facts["organization_id"]}
    assert all(row[3] in by_id for row in rows if row[1] != "1")

    done = run("units", "Seaside/Floor 1", "--json", env=service.environment)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    [floor] = [row for row in rows if row[1] == "2"]
    assert [[unit["name"], str(unit["level"]), unit["id"], unit["parent_id"]] for unit in found] == [
        row for row in rows if row[3] == floor[2]
    ]


def test_a_call_lists_fifty_units(run: Run, service: Service) -> None:
    done = run("units", "--depth", "all", env=service.environment)
    assert 10 < len(done.stdout.splitlines()) <= 50
    assert len(service.calls("units.list")) == 1


def test_on_a_terminal_they_are_a_tree(screen: Run, service: Service) -> None:
    done = screen("units", "--depth", "2", "--no-ids", env=service.environment)
    assert lines_of(done)[-3:] == ["Organization   12 rooms", "└─ Seaside 1   12 rooms", "   └─ Floor 1  12 rooms"]

    done = screen("units", "Floor 1", "--depth", "all", "--devices", env={**service.environment, **NARROW})
    lines = lines_of(done)[-26:]
    assert max(map(len, lines)) <= 80
    assert re.fullmatch(r"Floor 1 +12 rooms, 24 devices", lines[0])
    assert re.fullmatch(r"├─ Room 101 +2 devices", lines[2])
    # The id is whole, on a line of its own.
    assert lines[3] == f"│     {service.world['rooms'][0]}"
    assert [re.match(r"└─ Room 112 ", lines[-2]) is not None, lines[-1].strip()] == [True, service.world["rooms"][-1]]

    wide = lines_of(screen("units", env={**service.environment, **WIDE}))
    assert re.fullmatch(rf"Organization +12 rooms +{service.facts['organization_id']}", wide[-2])

    room = lines_of(screen("units", "Room 101", "--no-ids", env=service.environment))
    assert room[-1] == "Room 101"


def test_the_endpoints_of_an_unknown_unit_are_an_error(run: Run, service: Service) -> None:
    done = run("endpoints", "amzn1.alexa.unit.did.NONE", env=service.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("alexa-props: units.get('amzn1.alexa.unit.did.NONE'): 404")


def test_units_below_a_unit_are_not_included_and_named_as_such(run: Run, service: Service) -> None:
    done = run("endpoints", "Floor 1", env=service.environment)
    advice = "the units below it were not included: see `alexa-props endpoints --under 'Floor 1'`"
    expected = f"alexa-props: no device is directly in Floor 1 (Seaside 1); {advice}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", expected)


NAME = "[bold]Suite[/bold]\t1\x1b[31m\n\ud800"
SHOWN = r"[bold]Suite[/bold]\t1\x1b[31m\n\ud800"


def test_names_cannot_command_a_terminal_or_break_a_line(run: Run, screen: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": NAME}}, "level": 3}
    script = {"status": 200, "body": json.dumps({"results": [unit]}), "times": 3}
    service.script("faults", operation="units.list", kind="status", **script)
    assert run("units", env=service.environment).stdout == f"{SHOWN}\t3\tunit-1\t\n"
    assert json.loads(run("units", "--json", env=service.environment).stdout)["name"] == NAME
    shown = screen("units", env=service.environment).stdout
    assert SHOWN in shown
    assert "\x1b[31m\\n" not in shown


def test_rows_before_a_failure_are_printed(run: Run, service: Service) -> None:
    unit = {"id": "unit-1", "name": {"type": "PLAIN", "value": {"text": "Suite"}}, "level": 3}
    page = json.dumps({"results": [unit], "paginationContext": {"nextToken": "more"}})
    service.script("faults", operation="units.list", kind="status", status=200, body=page, times=1)
    service.script("faults", operation="units.list", kind="status", status=403, after=1, times=1)
    done = run("units", "--depth", "all", env=service.environment)
    assert (done.returncode, done.stdout) == (1, "Suite\t3\tunit-1\t\n")
    assert re.fullmatch(r"alexa-props: units\.list\('.*'\): 403 .*\n", done.stderr)
