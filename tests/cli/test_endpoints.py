"""`endpoints`: devices of a room, below a unit, or by serial number, and whether they are online."""

from __future__ import annotations

import json
import re

import pytest
from rich.cells import cell_len as width_of

from alexa_props import SmartProperties
from tests.cli.commands import Run, lines_of
from tests.cli.service import Service


def rows_of(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_the_devices_of_a_room(run: Run, service: Service) -> None:
    first, second = service.world["endpoints"][:2]
    service.script("offline", ids=[second])
    done = run("endpoints", "Room 101", env=service.environment)
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(done.stdout)
    assert [row[:3] for row in rows] == [[f"Room 101 Echo {n}", "Room 101", "Seaside 1 / Floor 1"] for n in (1, 2)]
    assert [row[5] == "OK" for row in rows] == [True, False]
    assert all(row[6].endswith("+00:00") for row in rows)
    assert [row[7:] for row in rows] == [[first, service.world["rooms"][0]], [second, service.world["rooms"][0]]]
    by_id = run("endpoints", service.world["rooms"][0], env=service.environment)
    assert [row[7] for row in rows_of(by_id.stdout)] == [first, second]


def test_offline_devices_below_a_unit(run: Run, service: Service) -> None:
    offline = service.world["endpoints"][5]
    online = run("endpoints", "--under", "Seaside 1", "--offline", "--fail", env=service.environment)
    assert (online.returncode, online.stdout) == (0, "")
    assert online.stderr == "alexa-props: none of the 24 device(s) in or below Seaside 1 is offline\n"
    # A cached reachability would be wrong now.
    service.script("offline", ids=[offline])
    for arguments in (["--under", "Seaside 1"], ["--under", "Room 103"], []):
        done = run("endpoints", *arguments, "--offline", "--json", env=service.environment)
        [row] = [json.loads(line) for line in done.stdout.splitlines()]
        assert (row["endpoint_id"], row["room"], row["path"]) == (offline, "Room 103", "Seaside 1 / Floor 1")
        assert row["property_name"] == "Seaside 1"
    assert run("endpoints", "--offline", "--fail", env=service.environment).returncode == 3


def test_they_are_filtered(run: Run, service: Service) -> None:
    every = [json.loads(line) for line in run("endpoints", "--json", env=service.environment).stdout.splitlines()]
    assert len(every) == 24
    serial = every[3]["serial_number"]
    for arguments in (["--serial", serial.lower(), "--under", "Seaside"], ["--serial", serial]):
        done = run("endpoints", *arguments, env=service.environment)
        assert [row[7] for row in rows_of(done.stdout)] == [every[3]["endpoint_id"]]
        assert rows_of(done.stdout)[0][1:3] == [every[3]["room"], every[3]["path"]]
    shows = run("endpoints", "--model", "echo show", env=service.environment)
    assert len(rows_of(shows.stdout)) == sum("Echo Show" in row["model"] for row in every)
    none = run("endpoints", "--serial", "G0XXXXXXXXXXXXXX", env=service.environment)
    assert (none.returncode, none.stdout) == (0, "")
    assert none.stderr == "alexa-props: no device is known with the serial number G0XXXXXXXXXXXXXX\n"
    none = run("endpoints", "Room 101", "--model", "Studio", env=service.environment)
    title = "Room 101 (Seaside 1 / Floor 1)"
    expected = f"alexa-props: none of the 2 device(s) directly in {title} has that serial number or model\n"
    assert (none.returncode, none.stdout, none.stderr) == (0, "", expected)


def test_requests_are_logged_in_words(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    service.script("faults", operation="endpoints.list", kind="status", status=503, times=1)
    retries = run("endpoints", room, "-v", env=service.environment).stderr.splitlines()
    assert re.fullmatch(
        r"alexa-props: \S+ endpoints.list: attempt 1 failed; the next one follows in \S+ s", retries[0]
    ), retries
    requests = run("endpoints", room, "-vv", env=service.environment).stderr.splitlines()
    texts = [line.split(" ", 2)[2] for line in requests]
    assert f"endpoints.list: GET /v2/endpoints for unit_id={room}" in texts
    assert any(re.fullmatch(r"endpoints.list: 200 after \d.\d\d s \(request \S+\)", text) for text in texts)


def test_a_serial_number_costs_one_call(run: Run, service: Service) -> None:
    row = rows_of(run("endpoints", "Room 102", env=service.environment).stdout)[0]
    service.script("reset")
    done = run("endpoints", "--serial", row[4], "--json", env=service.environment)
    assert json.loads(done.stdout)["endpoint_id"] == row[7]
    # The names are known.
    assert [len(service.calls(each)) for each in ("endpoints.list", "units.list", "units.get")] == [1, 0, 0]


def test_a_room_and_a_unit_are_one_too_many(run: Run) -> None:
    done = run("endpoints", "Room 101", "--under", "Seaside")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("columns", ["80", "60", "200"])
def test_a_table_folds_names_and_never_an_id(screen: Run, service: Service, columns: str) -> None:
    first, second = service.world["endpoints"][:2]
    names = {first: ("会議室 東京 " * 6).strip(), second: "E" * 70}

    async def rename(asp: SmartProperties) -> None:
        for endpoint_id, name in names.items():
            await asp.endpoints.rename(endpoint_id, name)

    service.call(rename)
    done = screen("endpoints", "Room 101", env={**service.environment, "COLUMNS": columns})
    assert done.returncode == 0
    lines = lines_of(done)
    assert max(map(width_of, lines)) <= int(columns)
    assert [any(each in line for line in lines) for each in (first, second)] == [True, True]
    assert "".join("".join(lines).split()).count("E" * 20) >= 1
    assert "東京" in "".join(lines)
    hidden = lines_of(screen("endpoints", "Room 101", "--no-ids", env={**service.environment, "COLUMNS": columns}))
    assert "amzn1" not in "".join(hidden)


def test_a_table_breaks_no_word_while_there_is_room(screen: Run, service: Service) -> None:
    service.script("offline", ids=service.world["endpoints"][:1])
    arguments = ("fleet", "run", "reset", "--under", "Seaside 1", "--yes", "--no-ids")
    for columns in (80, 40):
        done = screen(*arguments, env={**service.environment, "COLUMNS": str(columns)})
        lines = lines_of(done)
        table = lines[next(at for at, line in enumerate(lines) if line.startswith("ROOM")) :]
        rows = [line for line in table if "alexa-props: " not in line]
        assert ("DEVICE_NOT_REACHABLE," in " ".join(rows)) == (columns == 80)
        assert max(map(width_of, rows)) <= columns
