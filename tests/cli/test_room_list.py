"""`fleet run --from`: every form of a list of rooms, every malformed row, and the output of commands."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import typer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alexa_props.cli.room_list import RoomList, read_rooms
from alexa_props.cli.rows import Rows
from alexa_props.fleet import FleetReport, Outcome, Room
from alexa_props.smart_properties.units import Unit


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "rooms.txt"


def read(file: Path, content: str | bytes) -> RoomList:
    file.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return read_rooms(str(file))


@pytest.mark.parametrize(
    "heading",
    [
        *("unit_id", "unitId", "UnitID", "Unit-Id", "UNIT ID", " unit  id ", "Room", "room_id", "Unit", "ID", "key"),
        '"Unit ID"',
    ],
)
def test_headings_are_matched_without_case_blanks_and_hyphens(file: Path, heading: str) -> None:
    assert read(file, f"{heading},Name\nroom-1,Suite\n").rooms == ["room-1"]


@pytest.mark.parametrize("columns", ["{0}\n{1}\n", "name;{0}\nSuite;{1}\n", "{0}\tx\n{1}\ty\n"])
def test_the_column_of_ids_is_found_with_any_separator(file: Path, columns: str) -> None:
    assert read(file, columns.format(" UNIT  ID ", "room-1")).rooms == ["room-1"]


@pytest.mark.parametrize(
    "text",
    [
        "room-1\nroom-2",
        "name,unit_id\nSuite,room-1\n\n,room-2\n",
        "\ufeffUNIT_ID\r\nroom-1\r\nroom-2\r\nroom-1\r\n",
        "unit_id\rroom-1\rroom-2\r",
        '"room-1"\n  room-2  \n',
        "Unit ID;Name\nroom-1;a\nroom-2;b,c,d,e\n",
        "sep=;\nUnit ID;Name,long\nroom-1;a\nroom-2;b\n",
        'sep=|\r\n"Name"|Unit ID\r\na|room-1\r\nb|room-2\r\n',
        'unit_id,name,floor\nroom-1\nroom-2,"a\nb ""c""",1,,\n',
        "id\tname\tlevel\nroom-1\ta,b,c,d\t3\nroom-2\tb\t3\n",
        "# of the west wing, \"and\nroom-1\n  # quiet, it's late\nroom-2\n",
        "Room,Unit ID\n101,room-1\n102,room-2\n",
        "unit_id,name\nroom-1,a\nunit_id,name\n\ufeffroom-2\u200b,b\n",
        '{"unitId": "room-1"}\n\n{"unitId": "room-2", "level": 3}\n',
        '[\n  {"id": "room-1"},\n  {"id": "room-2"}\n]\n',
        '{\n  "key": "room-1"\n}\n{\n  "key": "room-2"\n}\n',
        '["room-1", "room-2"]',
    ],
)
def test_forms_of_a_list_of_rooms(file: Path, text: str) -> None:
    assert read(file, text).rooms == ["room-1", "room-2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('unit_id,name\nroom-1,"Sunset View\nroom-2,b\nroom-3,c\n', "line 2: row 1 cannot be read: a quote"),
        ('unit_id,name\nroom-1,"Sunset View\nroom-2,"b"\nroom-3,c\n', "line 2: row 1 cannot be read"),
        ('unit_id,name\nroom-1,"Sunset View\nroom-2,b"\nroom-3,c\n', "line 2: row 1 has a cell in quotes that holds"),
        ('unit_id,name\nroom-0,a\n\nroom-1,"a"b\nroom-2,b\n', "line 4: row 2 cannot be read"),
        ('room-0\n"room-1\nroom-2\n', "line 2: row 2 cannot be read: a quote"),
        ("unit_id,name\nroom-1,a\n,b\n", "line 3: row 2 has no unit_id"),
        ("name,unit_id\na,room-1\nb\n", "line 3: row 2 has no unit_id"),
        ("unit_id,name\nroom-1,a,b\n", "line 2: row 1 has 3 cells, but the first row has 2"),
        ("room-1\nroom-2,Suite\n", "line 2: row 2 has 2 cells, but the first row has 1"),
        ("unit_id\nroom-1;Suite\n", "line 2: row 1 holds a semicolon"),
        ("unit_id\tname\nroom-1\n", "line 2: row 1 has 1 cells, but the first row has 2"),
        ("room-1\ta\t3\tp\nb\t3\tp\n", "line 2: row 2 has 3 cells, but the first row has 4"),
        ("name,unit_id\n#5 Suite,room-1\n", "line 2: row 1 starts with #"),
        ("amzn1.unit\tSeaside\t1\n", "line 1: a table of several columns needs a heading"),
        ("Room,name\n101,Suite\n", "line 2: row 1 has a room number in the column 'Room'"),
        ("unit_id,Unit ID\na,b\n", "line 1: two columns are called 'unit_id'"),
        ("sep=x\nunit_idxname\n", "line 1: sep=x must name"),
        ("unit_id\nroom\u200b1\n", "line 2: row 1: 'room\\u200b1' holds an invisible character"),
        ("unit_id\nroom\ufeff1\n", "invisible character"),
        ("unit_id\nroom\x001\n", "line 2: row 1: 'room\\x001' holds an invisible character"),
        ("unit_id\n..\n", "line 2: row 1: unit_id must be an id"),
        ('{"id": "room-1"}\n{"id": "room-2\n', "line 2: the JSON after row 1 is damaged or truncated"),
        ('{"id": "room-1"}\n{"name": "Suite"}\n', "line 2: row 2 has no unit_id"),
        ('{"id": "room-1"}\n{"id": 2}\n', "line 2: row 2 has no unit_id"),
        ('{"id": "room-1"}\n{"id": "a", "id": "b"}\n', "line 2: after row 1: a JSON object has 'id' twice"),
        ('{"id": "room-1"}\nroom-2\n', "line 2: the JSON after row 1 is damaged"),
        ('["room-1", ["room-2"]]', "line 1: row 2 is not a JSON object"),
        ("unit_id\nÉtage".encode("cp1252"), "cannot be read: line 2 is not in UTF-8, but perhaps in Windows-1252"),
        ("unit_id\nroom-1\n".encode("utf-16"), "cannot be read: it is in UTF-16: save it as"),
        ("unit_id\nroom-1\n".encode("utf-16-le"), "cannot be read: it is in UTF-16: save it as"),
        (b"PK\x03\x04 and so on", "cannot be read: it is a workbook"),
    ],
)
def test_a_row_that_cannot_be_understood_is_named(file: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        read(file, text)
    assert str(refused.value).startswith(str(file))
    assert words in str(refused.value)


def test_what_is_left_out_is_counted(file: Path) -> None:
    found = read(file, "# all\nunit_id,name\nroom-1,a\n\n,\n# b\nroom-1,c\nunit_id,name\nroom-2,d\n")
    assert str(found) == (
        f"2 rooms read from {file}; left out: comments: 2, blank lines: 2, repeated headings: 1, duplicates: 1"
    )
    assert str(read(file, "")) == f"0 rooms read from {file}; nothing to do"
    assert str(read(file, "# nothing\n")) == f"0 rooms read from {file}; left out: comments: 1; nothing to do"


@pytest.mark.parametrize("as_json", [False, True])
def test_parent_units_of_a_tree_are_left_out_and_counted(file: Path, as_json: bool) -> None:
    tree = [unit("p", "Seaside", "org", 1), unit("f", "Floor", "p", 2), unit("r", "Room", "f", 3)]
    found = read(file, printed(tree, as_json=as_json))
    assert found.rooms == ["r"]
    assert (found.rooms[0].name, found.rooms[0].parent_id) == ("Room", "f")
    assert found.left_out == {"parent units": 2}


# What is written can be read


def unit(id_: str, name: str | None, parent_id: str = "org", level: int = 3) -> Unit:
    return Unit(id_, None if name is None else name, parent_id, level)


def printed(units: list[Unit], *, as_json: bool) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), Rows(("id", "name", "level", "parent_id"), as_json=as_json) as rows:
        for unit in units:
            rows.add(attrs.asdict(unit))
    return out.getvalue()


def report_of(units: list[Unit]) -> FleetReport[Room, None]:
    rooms = [Room(unit.id, property_id="p", property_name=unit.name) for unit in units]
    return FleetReport(outcomes=tuple(Outcome(room, room, "done") for room in rooms))


WRITERS: dict[str, Callable[[list[Unit], Path], None]] = {
    "lines": lambda units, file: void(file.write_text(printed(units, as_json=False), encoding="utf-8")),
    "JSON lines": lambda units, file: void(file.write_text(printed(units, as_json=True), encoding="utf-8")),
    "to_csv": lambda units, file: report_of(units).to_csv(file),
    "to_jsonl": lambda units, file: report_of(units).to_jsonl(file),
}
AWKWARD = "\"'\t\n\r\ufeff,;#=+-@\\|{[ \u200b\u2028\x00\x1b\ud800aé北"
IDS = st.text("\"',;=+-@\\|{[.~aé北", min_size=1, max_size=8).filter(lambda id_: id_ not in (".", ".."))
NAMES = st.one_of(st.none(), st.text(AWKWARD, max_size=10))
UNITS = st.lists(st.builds(unit, IDS, NAMES), min_size=1, max_size=6)


def void(_: object) -> None:
    """For writers that return something."""


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=100, database=None, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(units=UNITS)
@example(units=[unit("a", '"Sunset View'), unit("b", "x"), unit("c", '"'), unit("d", "#1\n=2")])
@example(units=[unit("=1", "a\tb"), unit("'=1;'=2", "\\t"), unit('{"', "="), unit("'", None)])
def test_what_commands_and_reports_write_is_read(writer: str, file: Path, units: list[Unit]) -> None:
    WRITERS[writer](units, file)
    rooms = read_rooms(str(file)).rooms
    assert rooms == list(dict.fromkeys(unit.id for unit in units))


def test_names_come_back_from_lines(file: Path) -> None:
    name = 'tab\t, line\n, back\\slash, \\t, "quote'
    [room] = read(file, printed([unit("room-1", name)], as_json=False)).rooms
    assert room.name == name


def test_rooms_of_a_fleet_run_are_read_again(file: Path) -> None:
    found = read(file, "room-1\tdone\t\t\t\nroom-2\tfailed\te1\tOFFLINE\toff\nroom-2\tfailed\te2\tOFFLINE\toff\n")
    assert (found.rooms, found.left_out) == (["room-1", "room-2"], {"duplicates": 1})
    row = {"unit_id": "room-1", "name": "=Suite", "status": "failed", "failures": []}
    assert [each.name for each in read(file, json.dumps(row)).rooms] == ["=Suite"]
