"""Partitions: no item lost, names that stay while rooms come and go, and what that means for their journals."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_props import fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import Partition, Room
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

ROOMS = [
    Room(f"room-{number}", name=f"Room {number}", property_id=f"property-{number % 3}", path=("Floor 1",))
    for number in range(3_000)
]


def by_property(room: Room) -> str | None:
    return room.property_id


def names(parts: list[Partition[Any]]) -> set[str]:
    return {part.name for part in parts}


@given(
    keys=st.lists(st.text(min_size=1).filter(lambda text: text.isascii()), unique=True),
    size=st.integers(1, 7),
    groups=st.integers(1, 4),
)
def test_every_item_is_in_one_partition_of_its_group(keys: list[str], size: int, groups: int) -> None:
    parts = fleet.partition(keys, size=size, by=lambda key: f"group-{len(key) % groups}")
    assert sorted(item for part in parts for item in part) == sorted(keys)
    assert len(names(parts)) == len(parts)
    for part in parts:
        assert 1 <= len(part) <= size
        assert list(part) == sorted(part)
        assert {f"group-{len(key) % groups}" for key in part} == {part.group}
        assert re.fullmatch(r"[\w-]+", part.name)


def test_partitions_do_not_depend_on_the_order_or_the_process() -> None:
    parts = fleet.partition(ROOMS, by=by_property)
    assert parts == fleet.partition(reversed(ROOMS), by=by_property)
    assert [part.group for part in parts] == sorted(part.group or "" for part in parts)
    assert 12 <= len(parts) <= 24
    code = (
        "from alexa_props import fleet\n"
        "rooms = [fleet.Room(f'room-{n}', property_id=f'property-{n % 3}') for n in range(3000)]\n"
        "for part in fleet.partition(rooms, by=lambda room: room.property_id): print(part.name, part.digest)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{part.name} {part.digest}" for part in parts]


def test_a_room_that_comes_or_goes_changes_one_partition_and_not_its_name() -> None:
    before = fleet.partition(ROOMS, by=by_property)
    new = Room("room-new", property_id="property-1")
    for rooms in ([*ROOMS, new], ROOMS[1:]):
        after = fleet.partition(rooms, by=by_property)
        assert [part.name for part in after] == [part.name for part in before]
        assert sum(now.digest != then.digest for now, then in zip(after, before, strict=True)) == 1


def test_a_partition_that_exceeds_its_size_is_replaced_by_two() -> None:
    rooms = [f"room-{number}" for number in range(8)]
    (before,) = fleet.partition(rooms, size=8)
    after = fleet.partition([*rooms, "room-8"], size=8)
    assert before.name == "items"
    assert [part.name for part in after] == ["items-0", "items-1"]
    assert fleet.partition(rooms, size=8) == [before]


async def test_resuming_with_other_rooms_calls_only_those_that_are_new(tmp_path: Path) -> None:
    called: list[str] = []

    async def run(rooms: list[str]) -> list[str]:
        called.clear()
        for part in fleet.partition(rooms, size=8):
            await fleet.collect(echo_into(called), part, journal=tmp_path / f"{part.name}.db", job="a job")
        return sorted(called)

    rooms = [f"room-{number}" for number in range(7)]
    assert await run(rooms) == rooms
    assert await run([*rooms[1:], "room-7"]) == ["room-7"]
    # It has become too large: the two that replace it have new journals.
    assert await run([*rooms, "room-7", "room-8"]) == [*rooms, "room-7", "room-8"]


def echo_into(called: list[str]) -> Callable[[str], Awaitable[None]]:
    async def call(item: str) -> None:
        called.append(item)

    return call


def test_partitions_of_rooms_are_pickled_with_their_names_and_small() -> None:
    (part,) = fleet.partition(ROOMS[:250])
    found = pickle.loads(pickle.dumps(part))
    assert found == part
    assert (found.items[0].name, found.items[0].path) == (part.items[0].name, ("Floor 1",))
    assert len(pickle.dumps(part)) < 100 * 250
    assert repr(part) == "<Partition items: 250 items>"
    assert repr(fleet.partition(["a"], by=str)[0]).endswith(" of 'a': 1 item>")


def test_keys_are_those_of_a_journal() -> None:
    units = [Unit("unit-2"), Unit("unit-1")]
    assert [unit.id for unit in fleet.partition(units)[0]] == ["unit-1", "unit-2"]
    (part,) = fleet.partition([{"id": "b"}, {"id": "a"}], key=lambda row: row["id"])
    assert part.items == ({"id": "a"}, {"id": "b"})
    for items, key, message in [
        ([1], None, "a journal identifies items by strings, and 1 is not one: pass key="),
        ([1], lambda _: "", "key must return a string that is not empty for every item, not ''"),
        (["\ud800"], None, "half a surrogate pair"),
        (["a"], echo_into([]), "key must be a function of an item that is not async"),
        (["a"], "id", "key must be a function of an item"),
    ]:
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            fleet.partition(items, key=key)  # type: ignore[arg-type]


def test_items_of_one_key_stay_together_and_in_one_group() -> None:
    parts = fleet.partition(["a"] * 5 + ["b"], size=2)
    assert sorted(map(len, parts)) == [1, 5]
    rows = [Endpoint("e-1", friendly_name="one"), Endpoint("e-1", friendly_name="two")]
    with pytest.raises(
        ConfigurationError, match="by returned 'one' and later 'two' for items with the key 'e-1': items with one key"
    ):
        fleet.partition(rows, by=lambda row: row.friendly_name)


async def test_refuses_what_cannot_be_divided() -> None:
    async def rooms() -> Any:
        yield "room-1"

    async def group(_: str) -> str:
        return "a"

    for items, options, message in [
        (["a"], {"size": 0}, "size must be a whole number of at least 1, not 0"),
        (["a"], {"size": True}, "size must be a whole number"),
        ("room-1", {}, "items must be an iterable or an async iterable of items, not 'room-1'"),
        (rooms(), {}, "is asynchronous: read it first"),
        (["a"], {"by": group}, "by must be a function of an item that is not async"),
        (["a"], {"by": lambda item: group(item)}, "by must return a string or None for every item, not <coroutine"),  # noqa: PLW0108 - a function that does not show that it is async
        (["a"], {"by": lambda _: ["a"]}, "by must return a string or None for every item, not ['a']"),
        (["a"], {"by": "property_id"}, "by must be a function of an item"),
    ]:
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            fleet.partition(items, **options)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        fleet.partition(["a"], by=lambda _: str(1 / 0))
    assert fleet.partition([]) == []
    groups = [part.group for part in fleet.partition(ROOMS[:2], by=lambda room: room)]
    assert (groups, {type(group) for group in groups}) == (["room-0", "room-1"], {str})
