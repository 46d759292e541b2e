"""`find` and `export`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from alexa_props import Inventory
from tests.cli.commands import Run, lines_of
from tests.cli.service import Service


def test_units_and_devices_are_found_by_a_part(run: Run, service: Service) -> None:
    done = run("find", "room 103", "--json", env=service.environment)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["name"], row["kind"], row["path"]) for row in found] == [
        ("Room 103", "room", "Seaside 1 / Floor 1"),
        ("Room 103 Echo 1", "device", "Seaside 1 / Floor 1 / Room 103"),
        ("Room 103 Echo 2", "device", "Seaside 1 / Floor 1 / Room 103"),
    ]
    for part in (found[1]["serial_number"][3:].lower(), found[1]["id"][-12:]):
        lines = run("find", part, env=service.environment).stdout.splitlines()
        assert [line.split("\t")[4] for line in lines] == [found[1]["id"]]
    assert len(service.calls("units.list")) == 1


def test_nothing_found_reads_the_names_again(run: Run, service: Service) -> None:
    run("find", "Room 103", env=service.environment)
    service.call(lambda asp: asp.endpoints.rename(service.world["endpoints"][0], "Türsprechstelle"))
    done = run("find", "tursprech", env=service.environment)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["Türsprechstelle"]
    done = run("find", "no such thing", env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "alexa-props: nothing has 'no such thing' in its name, serial number or id\n"
    assert run("find", "  ", env=service.environment).returncode == 2


def test_an_export_is_csv_unless_asked_otherwise(run: Run, service: Service) -> None:
    done = run("export", env=service.environment)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert len(rows) == 24
    assert (rows[0]["room"], rows[0]["path"], rows[0]["device"]) == (
        *("Room 101", "Seaside 1 / Floor 1", "Room 101 Echo 1"),
    )
    assert [row["endpoint_id"] for row in rows] == service.world["endpoints"]
    found = json.loads(run("export", "--output", "json", "--under", "Room 102", env=service.environment).stdout)
    assert [row["device"] for row in found] == ["Room 102 Echo 1", "Room 102 Echo 2"]
    assert {(row["room"], row["path"], row["property_name"]) for row in found} == {
        ("Room 102", "Seaside 1 / Floor 1", "Seaside 1")
    }


@pytest.mark.apart
@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".json", ".jsonl", ".tsv", ".yaml", ".yml", ""])
def test_the_suffix_of_the_file_is_the_format(run: Run, service: Service, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"hotel ünïcode{suffix}"
    file.write_text("old", encoding="utf-8")
    done = run("export", "--to", str(file), env=service.environment)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"alexa-props: wrote 24 rows to {file}\n"
    text = file.read_text("utf-8")
    form = {".csv": "csv", ".yml": "yaml", "": "csv"}.get(suffix.lower(), suffix[1:])
    marked = "\ufeff" if form == "csv" else ""
    expected = run("export", "--output", form, env=service.environment).stdout
    # The times of the samples differ.
    assert len(text.splitlines()) == len(expected.splitlines())
    assert text[:40] == f"{marked}{expected}"[:40]
    # No other file is left.
    assert [each for each in tmp_path.iterdir() if each.name.startswith(".hotel")] == []


def test_an_export_that_cannot_be_written_is_one_line(run: Run, service: Service, tmp_path: Path) -> None:
    done = run("export", "--to", str(tmp_path / "no" / "rooms.csv"), env=service.environment)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "rooms.csv" in line
    assert run("export", "--output", "table", env=service.environment).returncode == 2


def test_names_of_an_export_are_cached(run: Run, service: Service, config: dict[str, str]) -> None:
    run("export", env=service.environment)
    [path] = Path(config["XDG_CACHE_HOME"], "alexa-props").glob("inventory-*-devices.jsonl")
    assert len(Inventory.load_file(path).devices) == 24
    service.script("reset")
    run("find", "Room 103", env=service.environment)
    assert service.calls("units.list") == []


def test_found_names_fit_a_terminal(screen: Run, service: Service) -> None:
    lines = lines_of(screen("find", "Echo 1", env={**service.environment, "COLUMNS": "80"}))
    assert max(map(len, lines)) <= 80
    assert service.world["endpoints"][0] in [line.strip() for line in lines]
