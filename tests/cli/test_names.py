"""Names in place of ids: what they find, what is kept of them, and what happens when they change meanwhile."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from alexa_props import Inventory
from tests.cli.commands import COMMAND, Completed, Run
from tests.cli.service import Service, serving


@pytest.fixture
def cache(config: dict[str, str]) -> Callable[[str], Path]:
    """Returns the cached file of a part of the inventory."""

    def find(part: str) -> Path:
        [path] = Path(config["XDG_CACHE_HOME"], "alexa-props").glob(f"inventory-*-{part}.jsonl")
        return path

    return find


def age(path: Path, hours: float) -> None:
    """Make a cached inventory older."""
    head, *rest = path.read_text("ascii").splitlines(keepends=True)
    taken = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)
    path.write_text(json.dumps({**json.loads(head), "taken": taken.isoformat()}) + "\n" + "".join(rest), "ascii")


def unit_id(done: Completed) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n").split("\t")[-1]


def test_a_room_has_many_names(run: Run, service: Service) -> None:
    room = service.world["rooms"][2]
    serial = run("endpoints", room, env=service.environment).stdout.split("\t")[4]
    for name in (
        "Room 103",
        "room 103",
        "103",
        "Seaside 1/Floor 1/Room 103",
        "seaside/103",
        serial,
        serial.lower(),
        room,
    ):
        assert unit_id(run("station", "get", name, env=service.environment)) == room


def test_a_device_stands_for_its_room(run: Run, service: Service) -> None:
    serial = run("endpoints", "Room 103", env=service.environment).stdout.split("\t")[4]
    done = run("alarms", "delete", serial, env=service.environment)
    title = "Room 103 (Seaside 1 / Floor 1)"
    assert done.stderr.splitlines() == [
        f"alexa-props: {serial} is Room 103 Echo 1 in {title}",
        f"alexa-props: deleted the alarms on every device in {title}",
    ]


def test_unknown_names_are_refused_with_suggestions(run: Run, service: Service) -> None:
    done = run("room", "reset", "Rom 103", env=service.environment)
    assert (done.returncode, done.stdout) == (2, "")
    first, *suggested = done.stderr.splitlines()
    assert first == "alexa-props: there is no unit 'Rom 103' in Organization; did you mean:"
    assert suggested[0] == "  'Seaside 1/Floor 1/Room 103'"
    assert service.calls("alerts.delete_alarms") == []
    # No devices are read for a typing error.
    assert service.calls("endpoints.query") == service.calls("endpoints.list") == []
    assert len(service.calls("units.list")) == 1


@pytest.mark.parametrize("name", ["", "  ", "/", "é" * 5000, "\ud800", "Room 103\x00"])
def test_strange_names_are_unknown(run: Run, service: Service, name: str) -> None:
    done = run("station", "get", name, env=service.environment)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith("alexa-props: ")


def test_ambiguous_names_are_refused_with_paths_to_paste(run: Run) -> None:
    with serving(rooms=12, properties=3) as service:
        done = run("alarms", "delete", "Room 101", env=service.environment)
        assert (done.returncode, done.stdout) == (2, "")
        first, *candidates = done.stderr.splitlines()
        assert first == f"alexa-props: 'Room 101' may be any of {len(candidates)}; name one of them:"
        assert len(candidates) > 1
        for candidate in candidates:
            shell = ["bash", "-c", f"printf %s {candidate.strip()}"]
            path = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
            assert path.endswith("/Floor 1/Room 101")
            assert run("station", "get", path, env=service.environment).returncode == 0


def test_a_property_is_refused_where_a_room_is_expected(run: Run, service: Service) -> None:
    for arguments, job in (
        (("room", "reset", "Seaside 1"), "reset"),
        (("alarms", "delete", "Seaside 1"), "alarms"),
        (("station", "set", "Seaside 1", "IHR_JAZZ"), "station --station IHR_JAZZ"),
    ):
        done = run(*arguments, env=service.environment)
        instead = f"use `alexa-props fleet run {job} --under 'Seaside 1'`"
        expected = f"alexa-props: no device is directly in Seaside 1, but there are 12 rooms below it: {instead}\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)
    assert service.calls("alerts.delete_alarms") == []


def test_names_are_read_once(run: Run, service: Service, cache: Callable[[str], Path]) -> None:
    for _ in range(3):
        run("station", "get", "Room 103", env=service.environment)
    assert len(service.calls("units.list")) == 1
    assert cache("units").stat().st_mode & 0o777 == 0o600
    assert run("station", "get", "Room 103", "--refresh", env=service.environment).stderr == ""
    assert len(service.calls("units.list")) == 2


def test_the_age_of_names_is_reported_and_bounded(run: Run, service: Service, cache: Callable[[str], Path]) -> None:
    run("station", "get", "Room 103", env=service.environment)
    age(cache("units"), hours=3.5)
    done = run("station", "get", "Room 103", env=service.environment)
    assert done.stderr == "alexa-props: names as of 3 h ago; --refresh reads them again\n"
    # An id needs no names, so that their age does not matter.
    by_id = run("station", "get", service.world["rooms"][2], env=service.environment)
    assert (by_id.stdout, by_id.stderr) == (done.stdout, "")
    for hours in (25, -1):
        age(cache("units"), hours=hours)
        assert run("station", "get", "Room 103", env=service.environment).stderr == ""
        assert abs((dt.datetime.now(dt.UTC) - Inventory.load_file(cache("units")).taken).total_seconds()) < 60


def test_a_damaged_cache_is_replaced(run: Run, service: Service, cache: Callable[[str], Path]) -> None:
    room = service.world["rooms"][2]
    for content in (b"", b"\xff\x00", b"{}", b"[1]\n", b'{"format": "alexa_props.Inventory", "version": 99}'):
        run("station", "get", "Room 103", env=service.environment)
        cache("units").write_bytes(content)
        done = run("station", "get", "Room 103", env=service.environment)
        assert (unit_id(done), done.stderr) == (room, "")
        Inventory.load_file(cache("units"))


def test_a_cache_that_others_can_write_is_not_used(run: Run, service: Service, cache: Callable[[str], Path]) -> None:
    run("station", "get", "Room 103", env=service.environment)
    cache("units").parent.chmod(0o777)
    assert unit_id(run("station", "get", "Room 103", env=service.environment)) == service.world["rooms"][2]
    assert len(service.calls("units.list")) == 2


def test_a_home_that_cannot_be_written_is_no_reason_to_fail(run: Run, service: Service) -> None:
    done = run("station", "get", "Room 103", env={**service.environment, "XDG_CACHE_HOME": "/dev/null"})
    assert unit_id(done) == service.world["rooms"][2]


def test_a_new_name_is_found(run: Run, service: Service) -> None:
    run("station", "get", "Room 103", env=service.environment)
    floor = json.loads(run("units", "Seaside 1", "--json", env=service.environment).stdout)["id"]
    added = service.call(lambda asp: asp.units.create(floor, "Suite Zürich"))
    assert unit_id(run("station", "get", "suite zurich", env=service.environment)) == added


def test_rooms_that_have_swapped_their_names_are_not_mixed_up(run: Run, service: Service) -> None:
    one, other = service.world["rooms"][:2]
    run("station", "get", "Room 101", env=service.environment)
    service.call(lambda asp: asp.units.update(one, "Room 102"))
    service.call(lambda asp: asp.units.update(other, "Room 101"))
    done = run("station", "set", "Room 101", "IHR_JAZZ", env=service.environment)
    assert unit_id(done) == other
    assert [call["unit_id"] for call in service.calls("unit_settings.set_default_music_station")] == [other]


def test_floors_that_have_swapped_their_names_are_not_mixed_up(run: Run) -> None:
    with serving(rooms=40) as service:
        listed = [
            row.split("\t") for row in run("units", "--depth", "all", env=service.environment).stdout.splitlines()
        ]
        floors = {row[0]: row[2] for row in listed if row[0].startswith("Floor ")}
        assert run("station", "get", "Room 101", env=service.environment).returncode == 0
        for floor, name in (("Floor 1", "Floor 2"), ("Floor 2", "Floor 1")):
            service.call(lambda asp, floor=floor, name=name: asp.units.update(floors[floor], name))  # type: ignore[misc]
        # The room has the same name and parent as before, but its path is another one.
        done = run("alarms", "delete", "Seaside 1/Floor 1/Room 101", env=service.environment)
        assert (done.returncode, service.calls("alerts.delete_alarms")) == (2, [])
        assert "'Seaside 1/Floor 2/Room 101'" in done.stderr
        done = run("alarms", "delete", "Seaside 1/Floor 2/Room 101", env=service.environment)
        assert done.stderr == "alexa-props: deleted the alarms on every device in Room 101 (Seaside 1 / Floor 2)\n"


def test_a_change_takes_no_part_of_a_name(run: Run, service: Service) -> None:
    floor = json.loads(run("units", "Seaside 1", "--json", env=service.environment).stdout)["id"]
    service.call(lambda asp: asp.units.create(floor, "Garden Suite"))
    assert run("station", "get", "Garden", env=service.environment).returncode == 0
    suite, room = "Seaside 1/Floor 1/Garden Suite", "Seaside 1/Floor 1/Room 103"
    for arguments, text, path in (
        (("room", "reset", "Garden"), "Garden", suite),
        (("station", "set", "Garden", "IHR_JAZZ"), "Garden", suite),
        (("alarms", "delete", "Seaside/103"), "Seaside/103", room),
        (("volume", "set", "Seaside/103", "30"), "Seaside/103", room),
        (("fleet", "run", "alarms", "--under", "Seaside", "--yes"), "Seaside", "Seaside 1"),
    ):
        done = run(*arguments, env=service.environment)
        expected = [f"alexa-props: {text!r} is not the whole name of anything in Organization; did you mean:"]
        assert (done.returncode, done.stderr.splitlines()) == (2, [*expected, f"  {path!r}"])
    assert service.calls("alerts.delete_alarms") == service.calls("unit_settings.set_default_music_station") == []


def test_what_a_number_means_is_reported_before_a_change(run: Run, service: Service) -> None:
    done = run("alarms", "delete", "103", env=service.environment)
    title = "Room 103 (Seaside 1 / Floor 1)"
    assert done.stderr.splitlines() == [
        f"alexa-props: 103 is {title}",
        f"alexa-props: deleted the alarms on every device in {title}",
    ]


def test_only_a_full_path_is_not_looked_up_anew_before_a_change(
    run: Run, service: Service, cache: Callable[[str], Path]
) -> None:
    def station_of(name: str) -> Completed:
        age(cache("units"), hours=0.1)
        service.http.delete("/_simulator/calls")
        return run("station", "set", name, "IHR_JAZZ", env=service.environment)

    assert run("station", "get", "103", env=service.environment).returncode == 0
    assert station_of("Seaside 1/Floor 1/Room 103").returncode == 0
    assert service.calls("units.list") == []
    floor = json.loads(run("units", "Seaside 1", "--json", env=service.environment).stdout)["id"]
    new = service.call(lambda asp: asp.units.create(floor, "103"))
    assert unit_id(station_of("103")) == new
    service.call(lambda asp: asp.units.create(floor, "Room 104"))
    refused = station_of("Room 104")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        "alexa-props: 'Room 104' may be any of 2; name one of them:",
    )
    assert service.calls("unit_settings.set_default_music_station") == []


def test_the_id_of_a_device_stands_for_its_room(run: Run, service: Service) -> None:
    device = service.world["endpoints"][4]
    done = run("alarms", "delete", device, env=service.environment)
    assert (done.returncode, service.calls("alerts.delete_alarms")[0]["unit_id"]) == (0, service.world["rooms"][2])
    done = run("endpoints", "--under", device, env=service.environment)
    expected = f"alexa-props: {device} is the id of a device: name the unit\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_a_name_without_quotes_is_refused(run: Run) -> None:
    for arguments in (("room", "reset", "Room", "320"), ("find", "Room", "320")):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith('(320): put quotes around a name with blanks, as in "Room 320"\n')


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_refused(run: Run, service: Service, name: str) -> None:
    done = run("room", "reset", name, env=service.environment)
    expected = "alexa-props: a name is empty: give a name, a path, a room number, a serial number or an id\n"
    assert (done.returncode, done.stderr) == (2, expected)


def test_a_room_that_is_gone_is_looked_up_again_before_it_is_changed(run: Run, service: Service) -> None:
    room = service.world["rooms"][0]
    run("station", "get", "Room 101", env=service.environment)
    service.script("forbidden", unit_ids=[room])
    done = run("alarms", "delete", "Room 101", env=service.environment)
    # The name still means this room: the service's own error is reported.
    assert done.returncode != 0
    assert len(service.calls("units.list")) == 2
    service.script("reset")
    floor = json.loads(run("units", "Seaside 1", "--json", env=service.environment).stdout)["id"]
    new = service.call(lambda asp: asp.units.create(floor, "Room 900"))
    run("station", "get", "Room 900", env=service.environment)
    service.call(lambda asp: asp.units.delete(new))
    again = service.call(lambda asp: asp.units.create(floor, "Room 900"))
    assert unit_id(run("station", "set", "Room 900", "IHR_JAZZ", env=service.environment)) == again
    service.call(lambda asp: asp.units.delete(again))
    done = run("station", "set", "Room 900", "IHR_JAZZ", env=service.environment)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "alexa-props: there is no unit 'Room 900' in Organization; did you mean:",
    )


def test_without_an_organization_only_ids_are_taken(run: Run, service: Service) -> None:
    environment = service.environment
    del environment["ALEXA_PROPS_ORGANIZATION_ID"]
    done = run("station", "get", "Room 103", env=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the organization of client" in done.stderr
    assert "--organization" in done.stderr
    assert run("station", "get", service.world["rooms"][2], env=environment).returncode == 0


@pytest.mark.apart
def test_commands_that_run_side_by_side_share_the_cache(service: Service, home: dict[str, str]) -> None:
    def once(number: int) -> Completed:
        command = [*COMMAND, "find", "Room 103", *(["--refresh"] if number % 2 else [])]
        environment = {**home, **service.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(once, range(12)))
    assert {each.stdout for each in done} == {done[0].stdout}
    assert {(each.returncode, each.stderr) for each in done} == {(0, "")}
    left = sorted(path.suffix for path in Path(home["XDG_CACHE_HOME"], "alexa-props").iterdir())
    assert all(not path.startswith(".tmp") for path in left)
