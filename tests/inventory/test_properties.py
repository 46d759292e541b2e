"""Whatever the names: paths find what they are of, and files keep everything."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import Inventory
from alexa_props.errors import AmbiguousName
from alexa_props.fleet import Room
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit
from tests.inventory.hotels import TAKEN, device

# Few letters, so that names repeat, and those that are folded, joined or taken apart.
LETTERS = st.sampled_from(
    "aA\xe1\xe5\u212b\uff21\xdf\u017f\u0131\u01301\xb20\uff12\uff10 /"
    "\uff0f.\u2100\xbd\u0301\u0327\u3099\u0345\u0338\n\x1c\ud800\u304b\ud55c\ufb01\u03a3\u03c2\u0663"
)
NAMES = st.one_of(st.none(), st.text(LETTERS, max_size=5), st.sampled_from(["Room 1", "room 01", "Room", "1"]))


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    count = draw(st.integers(0, 12))
    ids = ["root", *(f"unit-{number}" for number in range(count))]
    # A parent comes before its children, or is unknown.
    units = [
        Unit(own_id, draw(NAMES), draw(st.sampled_from([*ids[: number + 1], "gone"])), draw(st.integers(1, 4)))
        for number, own_id in enumerate(ids[1:])
    ]
    devices = [
        device(
            draw(NAMES),
            draw(st.one_of(st.none(), st.sampled_from(["serial-1", "serial-2"]))),
            id=f"endpoint-{number}",
            unit=draw(st.sampled_from([*ids, "gone"])),
            reachability=draw(st.sampled_from([None, "OK", "UNREACHABLE"])),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    root = Unit("root", draw(NAMES), None, draw(st.sampled_from([None, 0, 1, 2])))
    order = draw(st.permutations(units))
    return Inventory(root, tuple(order), tuple(devices), TAKEN)


def things(inventory: Inventory) -> list[Room | Unit | Endpoint]:
    units, devices = (inventory.root, *inventory.units), inventory.devices
    return [*map(inventory.find, units), *map(inventory.find, devices)]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(inventories())
def test_every_path_finds_its_thing_or_names_it_among_several(inventory: Inventory) -> None:
    for thing in things(inventory):
        path = inventory.path_of(thing)
        try:
            found = inventory.find(path)
        except AmbiguousName as error:
            candidates = [inventory.find(each) for each in error.candidates]
            assert any(each is thing for each in candidates)
            # Only what has the same path cannot be told apart by it.
            assert {inventory.path_of(each) for each in candidates} == {path}
        else:
            assert found is thing


@settings(derandomize=True, deadline=None, max_examples=100)
@given(inventories(), st.text(LETTERS, min_size=1, max_size=8))
def test_candidates_and_suggestions_always_find_something(inventory: Inventory, text: str) -> None:
    try:
        found = [inventory.find(text)]
    except AmbiguousName as error:
        found = [inventory.find(each) for each in error.candidates]
        assert len({id(each) for each in found}) == len(found) > 1
    except ValueError as error:
        found = [inventory.find(each) for each in getattr(error, "suggestions", ())]
    assert {id(each) for each in found} <= {id(each) for each in things(inventory)}


@settings(derandomize=True, deadline=None, max_examples=100)
@given(inventories())
def test_rooms_and_devices_are_complete_and_consistent(inventory: Inventory) -> None:
    rooms = inventory.rooms()
    assert len(rooms) == len(set(rooms)) == len(inventory)
    parents = {unit.parent_id for unit in inventory.units}
    assert {*rooms} >= {unit.id for unit in inventory.units if unit.id not in parents and unit.level != 1}
    assert {each.id for each in inventory.endpoints()} == {each.id for each in inventory.devices}
    for each in inventory.devices:
        room = inventory.room_of(each)
        assert room is None or each in room.endpoints
    for unit in inventory.units:
        below = inventory.rooms(unit)
        assert all(inventory.path_of(room).startswith(inventory.path_of(unit)) for room in below)
        assert {each.id for room in below for each in room.endpoints} <= {
            each.id for each in inventory.endpoints(under=unit)
        }
    assert len(inventory.diff(inventory)) == 0


@settings(derandomize=True, deadline=None, max_examples=50)
@given(inventories())
def test_a_file_keeps_everything(inventory: Inventory) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory"
        inventory.save(path)
        assert Inventory.load_file(path) == inventory
        assert list(Path(folder).iterdir()) == [path]
