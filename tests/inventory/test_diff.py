"""What changed between two inventories."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from alexa_props import Inventory
from alexa_props.errors import ConfigurationError
from alexa_props.inventory import Change
from alexa_props.smart_properties.units import Unit
from tests.inventory.hotels import device, hotel

BEFORE = hotel(
    {
        "Seaside": {
            "Room 1": [device("Echo", "1"), device("Bath", "2", reachability="UNREACHABLE")],
            "Room 2": [device("Echo", "3"), device("Gone", "4")],
            "Room 3": [device("Light", "0"), device("Lamp", "0", id="lamp")],
        }
    }
)


def renamed(inventory: Inventory, unit_id: str, **fields: Any) -> Inventory:
    units = tuple(attrs.evolve(unit, **fields) if unit.id == unit_id else unit for unit in inventory.units)
    return attrs.evolve(inventory, units=units)


AFTER = renamed(
    hotel(
        {
            "Seaside": {
                # Moved, with another id; and offline.
                "Room 1": [device("Bath", "2"), device("Echo", "3", id="new-id", reachability="UNREACHABLE")],
                "Room 2": [device("Bedside", "1")],
                "Room 4": [device("New", "5", reachability=None)],
                # Of a serial number that several have, the id counts.
                "Room 3": [device("Lamp", "0", id="lamp"), device("Light", "0")],
            }
        }
    ),
    "id:Seaside/Room 3",
    name="Suite",
)


def test_tells_what_was_added_removed_renamed_and_moved_and_went_offline_or_back_online() -> None:
    diff = BEFORE.diff(AFTER)
    assert str(diff).splitlines() == [
        "2 added, 1 removed, 2 renamed, 2 moved, 1 offline, 1 online",
        "  added room Room 4 (Seaside)",
        "  renamed room Suite (Seaside): Room 3 → Suite",
        "  removed device Gone (Seaside / Room 2)",
        "  online device Bath (Seaside / Room 1): UNREACHABLE → OK",
        "  moved device Echo (Seaside / Room 1): Seaside / Room 2 → Seaside / Room 1",
        "  offline device Echo (Seaside / Room 1): OK → UNREACHABLE",
        "  renamed device Bedside (Seaside / Room 2): Echo → Bedside",
        "  moved device Bedside (Seaside / Room 2): Seaside / Room 1 → Seaside / Room 2",
        "  added device New (Seaside / Room 4)",
    ]
    assert len(diff) == 9
    assert [change.name for change in diff.moved] == ["Echo", "Bedside"]
    counts = [len(each) for each in (diff.added, diff.removed, diff.renamed, diff.offline, diff.online)]
    assert counts == [2, 1, 2, 1, 1]
    assert diff.offline[0] == Change(
        change="offline",
        what="device",
        name="Echo",
        path="Seaside / Room 1",
        before="OK",
        after="UNREACHABLE",
        serial_number="3",
        id="new-id",
    )


def test_nothing_changed() -> None:
    diff = BEFORE.diff(BEFORE)
    assert (str(diff), len(diff), list(diff), diff.to_rows()) == ("no changes", 0, [], [])
    assert repr(diff) == "<InventoryDiff: no changes>"


def test_a_unit_that_moved_takes_its_devices_along() -> None:
    moved = renamed(BEFORE, "id:Seaside/Room 1", parent_id="id:")
    (change,) = BEFORE.diff(moved)
    assert (change.change, change.what, change.before, change.after) == ("moved", "room", "Seaside", "Organization")
    assert change.path is None


def test_a_unit_that_has_units_now_is_no_room() -> None:
    more = attrs.evolve(BEFORE, units=(*BEFORE.units, Unit("bath", "Bath", "id:Seaside/Room 1", 3)))
    (change,) = BEFORE.diff(more)
    assert (change.change, change.what, change.name, change.path) == ("added", "room", "Bath", "Seaside / Room 1")


def test_only_ok_is_online_and_what_is_unknown_is_neither() -> None:
    words = [("UNREACHABLE", "ASLEEP", 0), ("OK", None, 0), (None, "UNREACHABLE", 0), ("ASLEEP", "OK", 1)]
    for before, after, count in words:
        one, other = (hotel({"Seaside": [device("Echo", "1", reachability=word)]}) for word in (before, after))
        assert len(one.diff(other)) == count


def test_devices_are_compared_only_if_both_have_them() -> None:
    bare = attrs.evolve(BEFORE, devices=(), has_endpoints=False)
    assert len(BEFORE.diff(bare)) == len(bare.diff(BEFORE)) == 0


def test_rows_are_for_tables() -> None:
    diff = BEFORE.diff(AFTER)
    rows = diff.to_rows()
    assert list(rows[0]) == ["change", "what", "name", "path", "before", "after", "serial_number", "id"]
    assert rows[-1]["serial_number"] == "5"
    frame = diff.to_dataframe()
    assert list(frame.columns) == list(rows[0])
    assert list(BEFORE.diff(BEFORE).to_dataframe().columns) == list(rows[0])
    assert json.loads(frame.to_json(orient="records")) == rows


def test_html_is_escaped() -> None:
    shown = BEFORE.diff(renamed(BEFORE, "id:Seaside", name="<b>"))._repr_html_()
    assert "<strong>1 renamed</strong>" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


def test_a_change_is_a_line_whatever_the_names() -> None:
    odd = BEFORE.diff(renamed(BEFORE, "id:Seaside", name="a\nb\x1b[2J\u202e"))
    assert str(odd).splitlines() == ["1 renamed", "  renamed unit a b [2J : Seaside → a b [2J "]


def test_a_long_text_is_cut() -> None:
    many = hotel({"Seaside": {f"Room {number}": [] for number in range(80)}})
    lines = str(hotel({"Seaside": {}}).diff(many)).splitlines()
    assert (len(lines), lines[-1]) == (52, "  and 30 more")


@pytest.mark.parametrize("other", [None, [], "inventory"])
def test_only_inventories_can_be_compared(other: object) -> None:
    with pytest.raises(ConfigurationError, match="other must be an Inventory"):
        BEFORE.diff(other)  # type: ignore[arg-type]
