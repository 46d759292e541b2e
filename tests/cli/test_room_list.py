"""`fleet run --from`: every form of a list of rooms, every malformed row, and the output of commands."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import typer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alexa_props.cli.fleet_outcomes import Outcomes
from alexa_props.cli.output import Output
from alexa_props.cli.room_list import RoomList, read_rooms
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Access, Display
from alexa_props.fleet import FleetReport, Outcome, Room
from alexa_props.smart_properties.units import Unit


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "rooms.txt"


def read(file: Path, content: str | bytes) -> RoomList:
    file.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return read_rooms(str(file))


def texts(file: Path, content: str | bytes) -> list[str]:
    """Return what names the rooms of a list."""
    return [entry.text for entry in read(file, content).entries]


HEADINGS = [
    *("unit_id", "unitId", "UnitID", "Unit-Id", "UNIT ID", " unit  id ", "Room", "room_id", "Unit", "ID", "key"),
    '"Unit ID"',
]


def test_headings_are_matched_without_case_blanks_and_hyphens(file: Path) -> None:
    for heading in HEADINGS:
        assert texts(file, f"{heading},Name\nroom-1,Suite\n") == ["room-1"], heading


@pytest.mark.parametrize("columns", ["{0}\n{1}\n", "name;{0}\nSuite;{1}\n", "{0}\tx\n{1}\ty\n"])
def test_the_column_of_ids_is_found_with_any_separator(file: Path, columns: str) -> None:
    assert texts(file, columns.format(" UNIT  ID ", "room-1")) == ["room-1"]


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
    assert texts(file, text) == ["room-1", "room-2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('unit_id,name\nroom-1,"Sunset View\nroom-2,b\nroom-3,c\n', "line 2: row 1 cannot be read: a quote"),
        ('unit_id,name\nroom-1,"Sunset View\nroom-2,"b"\nroom-3,c\n', "line 2: row 1 cannot be read"),
        ('unit_id,name\nroom-1,"Sunset View\nroom-2,b"\nroom-3,c\n', "line 2: row 1 has a cell in quotes that holds"),
        ('unit_id,name\nroom-0,a\n\nroom-1,"a"b\nroom-2,b\n', "line 4: row 2 cannot be read"),
        ('room-0\n"room-1\nroom-2\n', "line 2: row 2 cannot be read: a quote"),
        ("unit_id,level\nroom-1,a\n,b\n", "line 3: row 2 names no room"),
        ("level,unit_id\na,room-1\nb\n", "line 3: row 2 names no room"),
        ("unit_id,name\nroom-1,a,b\n", "line 2: row 1 has 3 cells, but the first row has 2"),
        ("room-1\nroom-2,Suite\n", "line 2: row 2 has 2 cells, but the first row has 1"),
        ("unit_id\nroom-1;Suite\n", "line 2: row 1 holds a semicolon"),
        ("unit_id\tname\nroom-1\n", "line 2: row 1 has 1 cells, but the first row has 2"),
        ("a\t3\tamzn1.room\tamzn1.p\nb\t3\tp\n", "line 2: row 2 has 3 cells, but the first row has 4"),
        ("name,unit_id\n#5 Suite,room-1\n", "line 2: row 1 starts with #"),
        ("amzn1.unit\tamzn1.parent\t1\n", "line 1: a table of several columns needs a heading"),
        ("unit_id,Unit ID\na,b\n", "line 1: two columns are called 'unit_id'"),
        ("sep=x\nunit_idxname\n", "line 1: sep=x must name"),
        ("unit_id\nroom\u200b1\n", "line 2: row 1: 'room\\u200b1' holds an invisible character"),
        ("unit_id\nroom\ufeff1\n", "invisible character"),
        ("unit_id\nroom\x001\n", "line 2: row 1: 'room\\x001' holds an invisible character"),
        ('{"id": "room-1"}\n{"id": "room-2\n', "line 2: the JSON after row 1 is damaged or truncated"),
        ('{"id": "room-1"}\n{"level": "Suite"}\n', "line 2: row 2 names no room"),
        ('{"id": "room-1"}\n{"id": 2.5}\n', "line 2: row 2 names no room"),
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


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("room\n320\n", ["320"]),
        ("320\n Room 411 \nSeaside 1/Floor 3/Room 412\n", ["320", "Room 411", "Seaside 1/Floor 3/Room 412"]),
        ("Property;Floor;Room Number\nSeaside 1;3;320\n;;411\n", ["Seaside 1/3/320", "411"]),
        ("hotel,unit_id\nSeaside,320\n", ["Seaside/320"]),
        (
            "path,name\nSeaside 1 / Floor 3,Room 320\nSeaside/Suite,Suite\n",
            ["Seaside 1/Floor 3/Room 320", "Seaside/Suite"],
        ),
        ("path,name,property_name\nSeaside 1 / Floor 3,Room 320,Seaside 1\n", ["Seaside 1/Floor 3/Room 320"]),
        ("property_name,path,room\nSeaside 1,Floor 3,3\n", ["Seaside 1/Floor 3/3"]),
        ("unit_id,name\n,Suite\namzn1.unit,Suite\n", ["Suite", "amzn1.unit"]),
        ("Room,Unit ID\n320,amzn1.unit\n", ["amzn1.unit"]),
        ("name,room,room_id,id\nLeft Echo,Room 320,amzn1.unit,amzn1.alexa.endpoint.1\n", ["amzn1.unit"]),
        ("Serial Number\nG0911\n", ["G0911"]),
        ('[{"room": 320}, {"name": "Suite", "property": "Seaside"}]', ["320", "Seaside/Suite"]),
        ("Suite/2 \u2013 Süd\n北楼\n", ["Suite/2 \u2013 Süd", "北楼"]),
    ],
)
def test_columns_that_name_a_room(file: Path, text: str, named: list[str]) -> None:
    assert texts(file, text) == named


def test_an_id_has_the_names_of_its_row(file: Path) -> None:
    [entry] = read(file, "room,property,floor,id\nRoom 320,Seaside 1,Floor 3,amzn1.unit\n").entries
    assert entry.room is not None
    assert (entry.room.name, entry.room.property_name, entry.room.path) == (
        "Room 320",
        "Seaside 1",
        ("Seaside 1", "Floor 3"),
    )


def test_serial_numbers_and_ids_of_devices_are_known_as_such(file: Path) -> None:
    assert [entry.of_device for entry in read(file, "room,dsn\n320,G0911\n,G0912\n").entries] == [False, True]
    assert [entry.of_device for entry in read(file, "320\namzn1.alexa.endpoint.1\n").entries] == [False, True]


def test_what_is_left_out_is_counted(file: Path) -> None:
    found = read(file, "# all\nunit_id,name\nroom-1,a\n\n,\n# b\nroom-1,c\nunit_id,name\nroom-2,d\n")
    assert found.left_out == {"comments": 2, "blank lines": 2, "repeated headings": 1, "duplicates": 1}
    assert (read(file, "").entries, read(file, "").left_out) == ([], {})
    assert (read(file, "# nothing\n").entries, read(file, "# nothing\n").left_out) == ([], {"comments": 1})


@pytest.mark.parametrize("output", [Output.TSV, Output.CSV, Output.JSON, Output.JSONL])
def test_parent_units_of_a_tree_are_left_out_and_counted(file: Path, output: Output) -> None:
    tree = [unit(*each) for each in (("p", "Seaside", "org", 1), ("f", "Floor", "p", 2), ("r", "Room", "f", 3))]
    tree += [unit("e", "Without rooms", "org", 1)]
    found = read(file, printed(tree, output))
    [entry] = found.entries
    assert entry.room is not None
    assert (entry.room, entry.room.name, entry.room.parent_id) == (f"{UNIT}r", "Room", f"{UNIT}f")
    assert (entry.room.property_name, entry.room.path) == ("Seaside", ("Seaside", "Floor"))
    assert found.left_out == {"parent units": 3}


# What is written can be read

UNIT = "amzn1.alexa.unit.did."


def unit(id_: str, name: str | None, parent_id: str = "org", level: int = 3) -> Unit:
    return Unit(UNIT + id_, name, UNIT + parent_id, level)


def printed(units: list[Unit], output: Output) -> str:
    out = io.StringIO()
    columns = ("name", "level", "id", "parent_id")
    with contextlib.redirect_stdout(out), Rows(columns, Display(output=output)) as rows:
        for unit in units:
            rows.add(attrs.asdict(unit))
    return out.getvalue()


def outcomes_of(units: list[Unit]) -> list[Outcome[Room, None]]:
    rooms = [Room(unit.id, name=unit.name, property_id="p", property_name=unit.name) for unit in units]
    return [Outcome(room, room, "done") for room in rooms]


def printed_outcomes(units: list[Unit], output: Output) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        outcomes = Outcomes(Access(output=output), by_step=False)
        for outcome in outcomes_of(units):
            outcomes.add(outcome, {})
        outcomes.end()
    return out.getvalue()


def report_of(units: list[Unit]) -> FleetReport[Room, None]:
    return FleetReport(outcomes=tuple(outcomes_of(units)))


def writer(command: Callable[[list[Unit], Output], str], output: Output) -> Callable[[list[Unit], Path], object]:
    # As standard output encodes it.
    return lambda units, file: file.write_bytes(command(units, output).encode(errors="backslashreplace"))


FORMATS = (Output.TSV, Output.CSV, Output.JSON, Output.JSONL)
WRITERS: dict[str, Callable[[list[Unit], Path], object]] = {
    **{f"units -o {output}": writer(printed, output) for output in FORMATS},
    **{f"fleet run -o {output}": writer(printed_outcomes, output) for output in FORMATS},
    "to_csv": lambda units, file: report_of(units).to_csv(file),
    "to_jsonl": lambda units, file: report_of(units).to_jsonl(file),
}
AWKWARD = "\"'\t\n\r\ufeff,;#=+-@\\|{[ \u200b\u2028\x00\x1b\ud800aé北"
IDS = st.text("\"',;=+-@\\|{[.~aé北", min_size=1, max_size=8)
NAMES = st.one_of(st.none(), st.text(AWKWARD, max_size=10))
UNITS = st.lists(st.builds(unit, IDS, NAMES), min_size=1, max_size=6)


@pytest.mark.parametrize("how", WRITERS)
@settings(max_examples=100, database=None, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(units=UNITS)
@example(units=[unit("a", '"Sunset View'), unit("b", "x"), unit("c", '"'), unit("d", "#1\n=2")])
@example(units=[unit("a", "Room"), unit("b", "Unit ID"), unit("c", "# Room")])
@example(units=[unit("=1", "a\tb"), unit("'=1;'=2", "\\t"), unit('{"', "="), unit("'", None)])
def test_reads_the_output_of_commands_and_reports(how: str, file: Path, units: list[Unit]) -> None:
    WRITERS[how](units, file)
    rooms = [entry.room for entry in read_rooms(str(file)).entries]
    assert rooms == list(dict.fromkeys(unit.id for unit in units))


def test_names_come_back_from_lines(file: Path) -> None:
    name = 'tab\t, line\n, back\\slash, \\t, "quote'
    for text in (printed([unit("1", name)], Output.TSV), printed_outcomes([unit("1", name)], Output.TSV)):
        [entry] = read(file, text).entries
        assert entry.room is not None
        assert entry.room.name == name


def test_rows_of_failed_devices_are_one_room(file: Path) -> None:
    row = f"Room 1\tSeaside\t{{0}}\t\tfailed\tOFFLINE\toff\t{UNIT}1\te{{0}}\n"
    found = read(file, row.format(1) + row.format(2))
    assert ([entry.room for entry in found.entries], found.left_out) == ([f"{UNIT}1"], {"duplicates": 1})
