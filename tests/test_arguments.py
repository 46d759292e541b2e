"""What a row says about its arguments is checked before anything is sent: limits, choices, lists of ids."""

from __future__ import annotations

import enum
from typing import Any

import attrs
import pytest

from alexa_props import errors
from alexa_props.arguments import require_ids, require_whole, summarize
from alexa_props.field_types import require_models
from alexa_props.operation import Group
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.protocol import numbered, plain_text
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, smart_properties


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Seat:
    """A member of a body."""

    unit_id: str | Unit | None = None
    name: str | None = None


things = Group("things", "https://pages.example/things-api.html")
ACT = things.post(
    "act",
    "/v1/things/{thing_id}/act",
    limits={"name": (1, 5), "unit_ids": (1, 2), "note": (3, None)},
    choices={"color": Color, "colors": (Color,)},
    subject="unit_id",
)


async def body(**arguments: Any) -> Any:
    service = Service(204)
    await smart_properties(service).call(ACT, {"thing_id": "thing-1", **arguments})
    return service.seen[0].json


async def fault(**arguments: Any) -> str:
    """Return the message of the refusal; nothing was sent."""
    service = Service(204)
    with pytest.raises(errors.ConfigurationError) as caught:
        await smart_properties(service).call(ACT, {"thing_id": "thing-1", **arguments})
    assert service.seen == []
    return str(caught.value)


async def test_values_within_their_limits_are_sent() -> None:
    sent = {"name": "äöüß🛏", "unit_ids": ("a", "b"), "note": "abc", "color": "red", "colors": ["blue"]}
    assert await body(**sent) == {
        "name": "äöüß🛏",
        "unitIds": ["a", "b"],
        "note": "abc",
        "color": "red",
        "colors": ["blue"],
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"name": ""}, "name must be 1 to 5 characters long, not 0"),
        ({"name": "abcdef"}, "name must be 1 to 5 characters long, not 6"),
        ({"unit_ids": []}, "unit_ids must be a list of 1 to 2 items, not of 0"),
        ({"unit_ids": iter("abc")}, "unit_ids must be a list of 1 to 2 items, not of 3"),
        ({"name": 5}, "name must be a text or a list, of 1 to 5, not 5"),
        ({"note": "ab"}, "note must be at least 3 characters long, not 2"),
        ({"color": "green"}, 'color must be one of "red", "blue", not \'green\''),
        ({"color": 5}, 'color must be one of "red", "blue", not 5'),
        ({"colors": ["red", "green"]}, 'colors must be one of "red", "blue", not \'green\''),
        ({"color": ["red"]}, 'color must be one of "red", "blue", not [\'red\']'),
        ({"colors": "red"}, "colors must be a list, not 'red'"),
        ({"unit_ids": "room-1"}, "unit_ids must be a list, not 'room-1'"),
        ({"unit_ids": {"room-1": 1}}, "unit_ids must be a list, not dict"),
        ({"unit_ids": 5}, "unit_ids must be a list, not 5"),
        ({"unit_ids": ["room-1", ""]}, "unit_ids must be an id"),
        ({"unit_ids": ["room-1", None]}, "unit_ids must be an id"),
    ],
)
async def test_rejects_values_outside_their_limits(arguments: dict[str, Any], expected: str) -> None:
    assert expected in await fault(**arguments)


async def test_a_list_of_ids_takes_models() -> None:
    assert await body(unit_ids=[Unit("a"), UnitRef("b")]) == {"unitIds": ["a", "b"]}


async def test_ids_within_a_body_are_checked_and_take_models() -> None:
    seats = [Seat(Unit("room-1"), "left"), Seat(name="right")]
    assert await body(seats=seats) == {"seats": [{"unitId": "room-1", "name": "left"}, {"name": "right"}]}
    assert "unit_id must be an id" in await fault(seats=[Seat("")])


async def test_a_row_may_name_its_subject() -> None:
    with pytest.raises(errors.Forbidden, match=r"^things\.act\('room-1'\): 403"):
        await smart_properties(Service(403)).call(ACT, {"thing_id": "thing-1", "unit_id": "room-1"})


def test_whole_numbers_are_in_their_range() -> None:
    assert [require_whole("volume", number, 0, 100) for number in (0, 100)] == [0, 100]
    assert require_whole("kelvin", -5) == -5
    for number in (-1, 101, True, 5.0, "5", None):
        with pytest.raises(errors.ConfigurationError, match="volume must be a whole number from 0 to 100, not "):
            require_whole("volume", number, 0, 100)
    with pytest.raises(errors.ConfigurationError, match=r"days must be a whole number of at least 1, not 0"):
        require_whole("days", 0, 1)


def test_lists_are_within_their_bounds_and_of_one_type() -> None:
    seats = [Seat("a"), Seat("b")]
    assert require_models("seats", iter(seats), Seat, 2) == tuple(seats)
    assert require_ids("unit_ids", ["a", Unit("b")], 1, 2) == ("a", "b")
    assert require_ids("unit_ids", []) == ()
    for value, most, expected in (
        ([], None, "seats must be a list of at least 1 item, not of 0"),
        (seats, 1, "seats must be a list of 1 to 1 item, not of 2"),
        ([seats[0], "secret"], None, "seats[1] must be of type Seat, not str"),
        ("secret", None, "seats must be a list, not str"),
    ):
        with pytest.raises(errors.ConfigurationError) as caught:
            require_models("seats", value, Seat, most)
        assert str(caught.value).startswith(expected)
    with pytest.raises(errors.ConfigurationError, match="unit_ids must be a list of at least 1 item, not of 0"):
        require_ids("unit_ids", [], 1)


def test_messages_name_the_first_of_several_things() -> None:
    assert [summarize("a"), summarize(["a", "b"]), summarize(["a", "b", "c"])] == ["a", "a and 1 more", "a and 2 more"]


def test_items_of_a_batch_are_numbered() -> None:
    assert numbered("units", [Seat("a"), {"unitId": "b"}]) == [
        {"itemId": 0, "unitId": "a"},
        {"itemId": 1, "unitId": "b"},
    ]
    for items, expected in (
        ([], "units must be a list of at least 1 item, not of 0"),
        ([Seat("a")] * 3, "units must be a list of 1 to 2 items, not of 3"),
        ("ab", "units must be a list, not 'ab'"),
    ):
        with pytest.raises(errors.ConfigurationError, match=expected):
            numbered("units", items, None if items == [] else 2)


def test_names_have_a_longest_length_where_it_is_documented() -> None:
    assert plain_text("name", "x" * 300) == {"type": "PLAIN", "value": {"text": "x" * 300}}
    with pytest.raises(errors.ConfigurationError, match="name must be 1 to 255 characters long, not 300"):
        plain_text("name", "x" * 300, 255)
