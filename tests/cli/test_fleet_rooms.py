"""`fleet run`: the rooms that options and lists name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexa_props.cli.fleet_rooms import sample_of
from alexa_props.fleet import Room
from tests.cli.commands import Completed, Run, Start
from tests.cli.service import Service, serving

DELETE = "alerts.delete_alarms"


@pytest.fixture(scope="module")
def two_hotels() -> Iterator[Service]:
    """Seaside 1 with the rooms 101 to 120 and 201 to 205, and Hôtel du Lac 2 with 101 to 120 and 201 to 204."""
    with serving(rooms=49, properties=2) as service:
        yield service


@pytest.fixture
def hotels(two_hotels: Service) -> Service:
    two_hotels.script("reset")
    return two_hotels


def listing(run: Run, service: Service, tmp_path: Path, content: str, *arguments: str) -> Completed:
    """Delete the alarms of the rooms of a list."""
    source = tmp_path / "rooms.csv"
    source.write_text(content)
    return run("fleet", "run", "alarms", "--from", str(source), "--yes", *arguments, env=service.environment)


def places(done: Completed) -> list[tuple[str, str]]:
    """Return the name and the place of each room that was printed."""
    return sorted((row[0], row[1]) for row in (line.split("\t") for line in done.stdout.splitlines()))


def changes(service: Service) -> int:
    """Return the number of calls that change something."""
    calls = service.http.get("/_simulator/calls").json()["calls"]
    return sum(call["method"] in ("PUT", "DELETE") for call in calls)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("room\n205\n", [("Room 205", "Seaside 1 / Floor 2")]),
        ("property,room\nSeaside 1,101\nHôtel du Lac 2,Room 101\n", None),
        ("Hotel;Etage;Zimmer;Floor;Number\nSEASIDE 1;x;y;1;101\nhotel du lac 2;x;y;;101\n", None),
        ("seaside 1/101\nHôtel du Lac 2/Floor 1/Room 101\n", None),
        ('[{"room": 101, "property": "Seaside 1"}, "hotel du lac 2/101"]', None),
    ],
)
def test_rows_name_rooms(run: Run, hotels: Service, tmp_path: Path, content: str, found: object) -> None:
    done = listing(run, hotels, tmp_path, content)
    assert done.returncode == 0
    assert places(done) == (found or [("Room 101", "Hôtel du Lac 2 / Floor 1"), ("Room 101", "Seaside 1 / Floor 1")])


@pytest.mark.apart
@pytest.mark.parametrize("output", ["tsv", "csv", "json", "jsonl"])
@pytest.mark.parametrize(
    "command",
    [
        ("endpoints", "--under", "Seaside 1/Floor 2"),
        ("find", "Room 201"),
        ("find", "Floor 2"),
        ("export", "--under", "Seaside 1/Floor 2"),
        ("units", "Seaside 1", "--depth", "all"),
        ("volume", "get", "Seaside 1/Floor 2/Room 201"),
    ],
    ids=" ".join,
)
def test_the_output_of_commands_names_rooms(
    run: Run, hotels: Service, tmp_path: Path, command: tuple[str, ...], output: str
) -> None:
    printed = run(*command, "-o", output, env=hotels.environment)
    assert (printed.returncode, printed.stdout != "") == (0, True), printed.stderr
    found = places(listing(run, hotels, tmp_path, printed.stdout))
    assert ("Room 201", "Seaside 1 / Floor 2") in found
    assert all(name.startswith("Room ") and " / Floor " in where for name, where in found)


@pytest.mark.apart
def test_devices_name_their_rooms(run: Run, hotels: Service, tmp_path: Path) -> None:
    room = hotels.world["rooms"][4]
    device, other = hotels.world["endpoints"][8:10]
    serial = hotels.call(lambda asp: asp.endpoints.get(other, expand="all")).serial_number
    for content in (f"{device}\n{serial}\n", f"serial number\n{serial}\n", f"room,dsn\n205,\n,{serial}\n"):
        hotels.script("reset")
        done = listing(run, hotels, tmp_path, content)
        assert done.returncode == 0, done.stderr
        assert room in [call["unit_id"] for call in hotels.calls(DELETE)]
    assert "left out: duplicates: 1" in listing(run, hotels, tmp_path, f"{device}\n{serial}\n").stderr


def test_all_rows_that_name_no_room_are_listed_before_anything_is_sent(
    run: Run, hotels: Service, tmp_path: Path
) -> None:
    done = listing(run, hotels, tmp_path, "room,property\n205,\nRoom 1O2,Seaside\n101,\nFloor 1,Seaside\n205,Lac\n")
    assert (done.returncode, done.stdout, changes(hotels)) == (2, "", 0)
    lines = [line for line in done.stderr.splitlines() if ", line " in line]
    assert "4 rows name no room, or several, so nothing was sent:" in done.stderr
    for line, words in zip(
        lines,
        [
            ("line 3: ", "'Seaside/Room 1O2'", "did you mean 'Seaside 1/Floor 1/Room 10"),
            ("line 4: '101' may be any of ", "'Seaside 1/Floor 1/Room 101'", "'Hôtel du Lac 2/Floor 1/Room 101'"),
            ("line 5: 'Seaside/Floor 1' is not a room", "--under"),
            ("line 6: there is no room 'Lac/205'",),
        ],
        strict=True,
    ):
        assert all(word in line for word in words), line
    many = listing(run, hotels, tmp_path, "".join(f"Suite {number}\n" for number in range(30)), "--exclude", "-")
    assert "30 rows name no room" in many.stderr
    assert "and 10 more" in many.stderr
    assert many.stderr.count(", line ") == 20


def test_a_list_of_ids_is_not_looked_up(run: Run, hotels: Service, tmp_path: Path) -> None:
    done = listing(run, hotels, tmp_path, f"room,path,id\nMy room,My house,{hotels.world['rooms'][0]}\n")
    assert (done.returncode, places(done)) == (0, [("My room", "My house")])
    assert {call["operation"] for call in hotels.http.get("/_simulator/calls").json()["calls"]} == {"token", DELETE}


@pytest.mark.parametrize(
    ("under", "count", "where"),
    [
        ("seaside  1", 25, {"Seaside 1 / Floor 1", "Seaside 1 / Floor 2"}),
        ("hotel du lac 2/2", 4, {"Hôtel du Lac 2 / Floor 2"}),
        ("Seaside 1/Floor 1/Room 101", 1, {"Seaside 1 / Floor 1"}),
    ],
)
def test_rooms_below_a_name(run: Run, hotels: Service, under: str, count: int, where: set[str]) -> None:
    done = run("fleet", "run", "alarms", "--under", under, "--yes", env=hotels.environment)
    assert (done.returncode, len(places(done))) == (0, count)
    assert {place for _, place in places(done)} == where


def test_rooms_below_an_id_have_the_same_names(run: Run, hotels: Service) -> None:
    units = [line.split("\t") for line in run("units", "--depth", "all", env=hotels.environment).stdout.splitlines()]
    floor = next(row[2] for row in units if row[0] == "Floor 2")
    done = run("fleet", "run", "alarms", "--under", floor, "--yes", env=hotels.environment)
    assert (done.returncode, {place for _, place in places(done)}) == (0, {"Seaside 1 / Floor 2"})


@pytest.mark.parametrize(("under", "words"), [("Seeside", "'Seaside 1'"), ("Room 101", "may be any of")])
def test_an_unknown_or_ambiguous_unit_is_refused(run: Run, hotels: Service, under: str, words: str) -> None:
    done = run("fleet", "run", "alarms", "--under", under, "--yes", env=hotels.environment)
    assert (done.returncode, done.stdout, changes(hotels)) == (2, "", 0)
    assert words in done.stderr


def test_excluded_rooms_are_left_out(run: Run, hotels: Service, tmp_path: Path) -> None:
    exclude = tmp_path / "vip.csv"
    exclude.write_text("property,room\nSeaside 1,101\nSeaside 1,102\nHôtel du Lac 2,101\n")
    arguments = ("fleet", "run", "alarms", "--under", "Seaside 1", "--exclude", str(exclude), "--yes")
    done = run(*arguments, env=hotels.environment)
    names = [name for name, _ in places(done)]
    assert (done.returncode, len(names), "Room 101" in names, "Room 103" in names) == (0, 23, False, True)
    assert f"{exclude}: 2 of 3 rooms are left out\n" in done.stderr


def test_a_sample_is_skipped_by_the_run_of_all_rooms(run: Run, hotels: Service, tmp_path: Path) -> None:
    journal = ("--journal", str(tmp_path / "a.db"))
    arguments = ("fleet", "run", "alarms", "--under", "Seaside 1", *journal, "--yes")
    trial = run(*arguments, "--sample", "3", env=hotels.environment)
    assert places(trial) == [
        ("Room 101", "Seaside 1 / Floor 1"),
        ("Room 102", "Seaside 1 / Floor 1"),
        ("Room 201", "Seaside 1 / Floor 2"),
    ]
    assert "a sample of 3 of 25 rooms" in trial.stderr
    rest = run(*arguments, env=hotels.environment)
    assert (rest.returncode, len(places(rest)), len(hotels.calls(DELETE))) == (0, 22, 25)
    assert "22 done, 3 done before" in rest.stderr


def test_a_sample_is_spread_over_properties_and_floors() -> None:
    rooms = [
        Room(f"{prop}-{floor}-{number}", property_id=prop, parent_id=f"{prop}-{floor}")
        for prop, floors in (("a", 3), ("b", 1), ("c", 2))
        for floor in range(floors)
        for number in range(4)
    ]
    assert sample_of(rooms, 3) == ["a-0-0", "b-0-0", "c-0-0"]
    assert Counter(room.parent_id for room in sample_of(rooms, 12)) == dict.fromkeys(
        ("a-0", "a-1", "a-2", "b-0", "c-0", "c-1"), 2
    )
    assert sample_of(rooms, 100) == rooms
    assert sample_of([], 3) == []


def test_fleet_commands_by_name_in_a_new_shell(start: Start, hotels: Service, tmp_path: Path) -> None:
    numbers = tmp_path / "rooms-by-number.csv"
    numbers.write_text("property,room\nSeaside 1,101\nSeaside 1,205\n")
    login = start("login", "--simulator", hotels.facts["base_url"])
    assert login.wait(60) == 0
    for arguments, count in (
        (("reset", "--under", "Seaside 1", "--volume", "30"), 25),
        (("station", "--station", "IHR_JAZZ", "--from", str(numbers)), 2),
    ):
        process = start("fleet", "run", *arguments, "--yes")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert [line.split("\t")[4] for line in out.splitlines()] == ["done"] * count
        assert f"alexa-props: {arguments[0]}: {count} done" in err


def test_rooms_below_a_name_are_read_although_the_name_is_cached(run: Run, hotels: Service, tmp_path: Path) -> None:
    units = [line.split("\t") for line in run("units", "--depth", "all", env=hotels.environment).stdout.splitlines()]
    floor = next(row[2] for row in units if row[0] == "Floor 2")
    arguments = ("fleet", "run", "alarms", "--under", "Seaside 1", "--yes")
    assert len(places(run(*arguments, env=hotels.environment))) == 25
    created = hotels.call(lambda asp: asp.units.create(floor, "Suite / Süd"))
    done = run(*arguments, env=hotels.environment)
    assert ("Suite / Süd", "Seaside 1 / Floor 2") in places(done)
    assert len(places(done)) == 26
    named = listing(run, hotels, tmp_path, "property,room\nSeaside 1,suite / sud\n", "--refresh")
    assert named.returncode == 0, named.stderr
    assert places(named) == [("Suite / Süd", "Seaside 1 / Floor 2")]
    hotels.call(lambda asp: asp.units.delete(created))


def test_rows_whose_name_is_not_that_of_the_room_are_counted(run: Run, hotels: Service, tmp_path: Path) -> None:
    assert run("find", "205", env=hotels.environment).returncode == 0
    room = hotels.world["rooms"][1]
    done = listing(run, hotels, tmp_path, f"room,id\nRoom 101,{room}\n")
    assert places(done) == [("Room 102", "Seaside 1 / Floor 1")]
    title = "such as 'Room 101' for Seaside 1 / Floor 1 / Room 102"
    assert f"rooms.csv; by id, with another name: 1, {title}\n" in done.stderr
    done = listing(run, hotels, tmp_path, "property,room\nSeaside 1,Room 104\nSeaside 1,0205\n")
    assert done.returncode == 0
    title = "such as 'Seaside 1/0205' for Seaside 1 / Floor 2 / Room 205"
    assert f"rooms.csv; not by name: 1, {title}\n" in done.stderr
    exclude = listing(run, hotels, tmp_path, "Seaside 1/205\n", "--exclude", str(tmp_path / "rooms.csv"))
    assert exclude.stderr.endswith("1 of 1 rooms are left out; nothing to do\n")


def test_ids_have_the_names_that_other_commands_have_read(run: Run, hotels: Service, tmp_path: Path) -> None:
    assert run("find", "205", env=hotels.environment).returncode == 0
    hotels.http.delete("/_simulator/calls")
    done = listing(run, hotels, tmp_path, hotels.world["rooms"][0])
    assert places(done) == [("Room 101", "Seaside 1 / Floor 1")]
    assert {call["operation"] for call in hotels.http.get("/_simulator/calls").json()["calls"]} <= {"token", DELETE}
