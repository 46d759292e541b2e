"""An inventory as rows, for DataFrames, files and notebooks."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path

from alexa_props import Inventory
from alexa_props.smart_properties.units import Unit
from tests.inventory.hotels import TAKEN, device, hotel

INVENTORY = hotel(
    {
        "Seaside": {
            "Floor 1": {
                "Room 1": [
                    device("Echo", "1", model="Echo Dot"),
                    device("=Bath", "2", reachability="UNREACHABLE"),
                ],
                "Room <2>": [],
            }
        },
        "Annex": {"Lobby": {"Desk": []}},
    }
)
ROWS = [
    ("Room 1", "Seaside", "Seaside / Floor 1", "Echo", "Echo Dot", "1", "OK"),
    ("Room 1", "Seaside", "Seaside / Floor 1", "=Bath", None, "2", "UNREACHABLE"),
    ("Room <2>", "Seaside", "Seaside / Floor 1", None, None, None, None),
    ("Desk", "Annex", "Annex / Lobby", None, None, None, None),
]


def test_a_row_per_device_and_per_room_without_devices() -> None:
    rows = INVENTORY.to_rows()
    assert [tuple(row.values())[:7] for row in rows] == ROWS
    assert list(rows[0]) == [
        *("room", "property_name", "path", "device", "model", "serial_number", "reachability", "time_of_sample"),
        *("property_id", "unit_id", "endpoint_id"),
    ]
    assert rows[0]["time_of_sample"] == dt.datetime(2026, 11, 30, 11, 59, 0, 654321, dt.UTC)
    assert {row["property_id"] for row in rows} == {"id:Seaside", "id:Annex"}
    assert (rows[0]["unit_id"], rows[0]["endpoint_id"]) == ("id:Seaside/Floor 1/Room 1", "endpoint-1")
    assert (rows[2]["unit_id"], rows[2]["endpoint_id"]) == ("id:Seaside/Floor 1/Room <2>", None)


def test_devices_in_units_that_are_no_rooms_have_rows_too() -> None:
    (lobby,) = hotel({"Seaside": [device("Door", "1")]}, level=0).to_rows()
    assert (lobby["room"], lobby["property_name"], lobby["path"], lobby["device"]) == (
        None,
        "Seaside",
        "Seaside",
        "Door",
    )
    root = Inventory(Unit("org", "Org", None, 0), (), (device("Spare", "9", unit="org"),), TAKEN)
    (spare,) = root.to_rows()
    assert (spare["room"], spare["property_name"], spare["path"], spare["unit_id"]) == (None, None, "Org", "org")


def test_dataframes_have_the_same_columns_whatever_the_rows() -> None:
    frame = INVENTORY.to_dataframe()
    assert [tuple(row)[:7] for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False)] == ROWS
    empty = hotel({}).to_dataframe()
    assert list(empty.columns) == list(frame.columns)
    assert list(empty.dtypes) == list(frame.dtypes)


def test_csv_is_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(INVENTORY.to_csv())))
    assert [row["device"] for row in rows] == ["Echo", "'=Bath", "", ""]
    INVENTORY.to_csv(tmp_path / "inventory.csv")
    assert (tmp_path / "inventory.csv").read_bytes().startswith(b"\xef\xbb\xbfroom,property_name,path,device")


def test_json_lines_are_exact(tmp_path: Path) -> None:
    rows = INVENTORY.to_rows()
    for row in rows:
        row["time_of_sample"] = row["time_of_sample"] and row["time_of_sample"].isoformat()
    assert list(map(json.loads, INVENTORY.to_jsonl().splitlines())) == rows
    INVENTORY.to_jsonl(tmp_path / "inventory.jsonl")
    assert (tmp_path / "inventory.jsonl").read_text() == INVENTORY.to_jsonl()


def test_html_has_whole_ids_last_and_no_markup_of_names() -> None:
    shown = INVENTORY._repr_html_()
    assert re.findall("<th[^>]*>(.*?)</th>", shown.replace("<wbr>", "")) == [
        *("room", "path", "device", "serial_number", "reachability", "id")
    ]
    # The id of the device, or else of the room.
    assert re.findall(r">([^<]*)</td></tr>", shown) == [
        *("endpoint-1", "endpoint-2", "id:Seaside/Floor 1/Room <2>".replace("<2>", "&lt;2&gt;")),
        "id:Annex/Lobby/Desk",
    ]
    assert "Room &lt;2&gt;" in shown
    assert 'title="Echo Dot">Echo<' in shown
    # A column without values is not shown, and a long table is cut.
    bare = hotel({"Seaside": {f"Room {number}": [] for number in range(60)}}, has_endpoints=False)._repr_html_()
    assert "device" not in bare
    assert (bare.count("<tr>"), "and 10 more" in bare) == (51, True)
    assert "<th" not in hotel({})._repr_html_()


def test_repr_says_what_it_is() -> None:
    assert repr(INVENTORY) == ("<Inventory of Organization: 3 rooms, 2 devices (1 offline), 2026-11-30 12:00 UTC>")
    assert repr(hotel({"P": {"Room": []}}, has_endpoints=False)) == (
        "<Inventory of Organization: 1 room, 2026-11-30 12:00 UTC>"
    )
    assert [room.name for room in INVENTORY] == ["Room 1", "Room <2>", "Desk"]
