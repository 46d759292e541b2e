"""What people type finds what they mean, or an error that says what to type."""

from __future__ import annotations

import time

import pytest

from alexa_props import Inventory, errors
from alexa_props.errors import AmbiguousName, ConfigurationError, NameNotFound, NamesNotFound
from alexa_props.fleet import Room
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.units import Unit
from tests.inventory.hotels import device, hotel

INVENTORY = hotel(
    {
        "Seaside": {
            "Floor 3": {
                "Room 320": [
                    device("Bedside Echo", "G0A1", mac="68:54:FD:00:00:01", model="Echo Dot (5th Gen)"),
                    device("Bath Echo", "G0A2", reachability="UNREACHABLE"),
                ],
                "Room 32 B": [device("Room 32 B", "G0A3", reachability=None)],
                "Suite 1/2": [device("TV / Echo", "G0A4")],
                "Room 0007": [],
            },
            "Lobby": [device(None, "G0A5")],
        },
        "Hôtel du Lac": {"Room 320": [device("Bedside Echo", "G0B1")], "Room 41": [], "room 41": []},
        "Hotel du Parc 2": {"Zimmer 9": [], "Straße 5": [], "客房 12": []},
        "Empty": [],
    }
)


def path(text: object) -> str:
    return INVENTORY.path_of(INVENTORY.find(text))  # type: ignore[arg-type]


FOUND = [
    ("Seaside/Floor 3/Room 320", "Seaside/Floor 3/Room 320"),
    ("Seaside/Room 320", "Seaside/Floor 3/Room 320"),
    ("Seaside/320", "Seaside/Floor 3/Room 320"),
    ("  seaside //3/ 320 ", "Seaside/Floor 3/Room 320"),
    ("Organization/Seaside/320", "Seaside/Floor 3/Room 320"),
    ("hotel du lac", "Hôtel du Lac"),
    ("HOTEL DU LAC/320", "Hôtel du Lac/Room 320"),
    ("Hotel du Parc", "Hotel du Parc 2"),
    ("parc/9", "Hotel du Parc 2/Zimmer 9"),
    ("7", "Seaside/Floor 3/Room 0007"),
    ("007", "Seaside/Floor 3/Room 0007"),
    ("room 0007", "Seaside/Floor 3/Room 0007"),
    # The exact name, although another one only differs in case.
    ("room 41", "Hôtel du Lac/room 41"),
    ("Room 41", "Hôtel du Lac/Room 41"),
    ("Suite 1/2", "Seaside/Floor 3/Suite 1/2"),
    ("seaside/suite 1/2", "Seaside/Floor 3/Suite 1/2"),
    ("Suite 1/2/TV/Echo", "Seaside/Floor 3/Suite 1/2/TV / Echo"),
    ("strasse 5", "Hotel du Parc 2/Straße 5"),
    ("客房 12", "Hotel du Parc 2/客房 12"),
    ("\uff11\uff12", "Hotel du Parc 2/客房 12"),
    ("Room 32 B", "Seaside/Floor 3/Room 32 B"),
    ("G0A1", "Seaside/Floor 3/Room 320/Bedside Echo"),
    ("g0a1", "Seaside/Floor 3/Room 320/Bedside Echo"),
    ("68:54:fd:00:00:01", "Seaside/Floor 3/Room 320/Bedside Echo"),
    ("6854-FD00-0001".replace("-", ""), "Seaside/Floor 3/Room 320/Bedside Echo"),
    ("Seaside/Room 320/Bedside Echo", "Seaside/Floor 3/Room 320/Bedside Echo"),
    ("Seaside/bedside echo", "Seaside/Floor 3/Room 320/Bedside Echo"),
    ("Bath Echo", "Seaside/Floor 3/Room 320/Bath Echo"),
    ("Lobby/G0A5", "Seaside/Lobby/G0A5"),
    ("id:Seaside/Floor 3", "Seaside/Floor 3"),
    ("endpoint-G0A2", "Seaside/Floor 3/Room 320/Bath Echo"),
    ("Organization", "Organization"),
    ("Floor", "Seaside/Floor 3"),
]


def test_finds_names_paths_numbers_and_ids() -> None:
    assert [(text, path(text)) for text, _ in FOUND] == FOUND


def test_a_device_named_like_its_room_is_found_by_its_path_and_as_a_device() -> None:
    assert path("Room 32 B/Room 32 B") == "Seaside/Floor 3/Room 32 B/Room 32 B"
    assert INVENTORY.endpoint("Room 32 B").serial_number == "G0A3"


def test_what_is_found_is_a_room_a_unit_or_a_device() -> None:
    assert isinstance(INVENTORY.find("Seaside/320"), Room)
    assert type(INVENTORY.find("Seaside")) is Unit
    # A property without rooms is not a room.
    assert type(INVENTORY.find("Empty")) is Unit
    assert type(INVENTORY.find("G0A1")) is Endpoint


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("Room 320", ["Seaside/Floor 3/Room 320", "Hôtel du Lac/Room 320"]),
        ("320", ["Seaside/Floor 3/Room 320", "Hôtel du Lac/Room 320"]),
        ("ROOM 41", ["Hôtel du Lac/Room 41", "Hôtel du Lac/room 41"]),
        ("Bedside Echo", ["Seaside/Floor 3/Room 320/Bedside Echo", "Hôtel du Lac/Room 320/Bedside Echo"]),
    ],
)
def test_several_are_an_error_whose_candidates_find_each(text: str, candidates: list[str]) -> None:
    with pytest.raises(AmbiguousName) as caught:
        INVENTORY.find(text)
    assert sorted(caught.value.candidates) == sorted(candidates)
    assert caught.value.text == text
    for candidate in candidates:
        assert path(candidate) == candidate
        assert repr(candidate) in str(caught.value)


def test_candidates_with_the_same_path_are_ids() -> None:
    twice = hotel({"Seaside": [device("Echo", "1"), device("Echo", "2")]})
    with pytest.raises(AmbiguousName, match=r"'endpoint-1' \(Seaside/Echo\)") as caught:
        twice.find("Echo")
    assert [twice.endpoint(each).serial_number for each in caught.value.candidates] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("Seeside/Floor 3/Room 320", "Seaside/Floor 3/Room 320"),
        ("Seaside/Flor 3/Rom 320", "Seaside/Floor 3/Room 320"),
        ("hotel du lacc", "Hôtel du Lac"),
        ("Bath Eco", "Seaside/Floor 3/Room 320/Bath Echo"),
        ("Lobbi", "Seaside/Lobby"),
    ],
)
def test_a_misspelled_name_is_an_error_that_suggests_paths(text: str, best: str) -> None:
    with pytest.raises(NameNotFound, match="did you mean") as caught:
        INVENTORY.find(text)
    assert caught.value.text == text
    assert caught.value.suggestions[0] == best
    assert all(path(each) == each for each in caught.value.suggestions)


@pytest.mark.parametrize("text", ["Room 3200", "Room 32", "Seaside/Room 41", "Room 320/Seaside", "xyz", "/", "e\u0301"])
def test_what_is_not_there_is_not_found(text: str) -> None:
    with pytest.raises(NameNotFound):
        INVENTORY.find(text)


@pytest.mark.parametrize("text", ["", "  ", None, 320, b"320", ["320"]])
def test_what_is_no_text_is_a_clear_error(text: object) -> None:
    with pytest.raises(ConfigurationError, match="must be a string that is not empty") as caught:
        INVENTORY.find(text)  # type: ignore[arg-type]
    assert not isinstance(caught.value, LookupError)


def test_only_the_kind_that_is_asked_for_counts() -> None:
    assert INVENTORY.room("Hôtel du Lac/320").name == "Room 320"
    assert INVENTORY.unit("Seaside").name == "Seaside"
    assert INVENTORY.endpoint("Bath Echo").serial_number == "G0A2"
    with pytest.raises(NameNotFound, match="no room 'Seaside'"):
        INVENTORY.room("Seaside")
    with pytest.raises(NameNotFound, match="no unit 'Bath Echo'"):
        INVENTORY.unit("Bath Echo")
    with pytest.raises(NameNotFound, match="no device 'Seaside'"):
        INVENTORY.endpoint("Seaside")


def test_things_of_another_inventory_are_looked_up_by_id_and_moved_devices_by_serial_number() -> None:
    room = INVENTORY.room("Seaside/320")
    echo = INVENTORY.endpoint("G0A1")
    assert INVENTORY.find(Room(str(room))) is room
    assert INVENTORY.find(Unit(room.id)) is room
    assert INVENTORY.unit(UnitRef("id:Seaside")) is INVENTORY.unit("Seaside")
    assert INVENTORY.find(Endpoint("another-id", serial_number="G0A1")) is echo
    with pytest.raises(NameNotFound, match="load it again"):
        INVENTORY.find(Unit("unknown"))


def test_many_texts_are_resolved_or_listed_in_one_error() -> None:
    assert INVENTORY.resolve(["Seaside/320", "G0A1"]) == [INVENTORY.find("Seaside/320"), INVENTORY.find("G0A1")]
    assert INVENTORY.resolve([]) == []
    with pytest.raises(NamesNotFound) as caught:
        INVENTORY.resolve(["Seaside/320", "Room 320", "Lobbi", "G0A1"], kind="room")
    ambiguous, unknown, device_ = caught.value.problems
    assert isinstance(ambiguous, AmbiguousName)
    assert isinstance(unknown, NameNotFound)
    assert unknown.suggestions == ("Seaside/Lobby",)
    assert device_.text == "G0A1"
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 names are unknown or ambiguous:"
    assert [line.split("'")[1] for line in lines[1:]] == ["Room 320", "Lobbi", "G0A1"]


def test_a_long_list_of_unknown_texts_does_not_take_long() -> None:
    began = time.monotonic()
    with pytest.raises(NamesNotFound, match="and 4,980 more") as caught:
        large().resolve([f"Zimmer {number}" for number in range(5000)])
    assert len(caught.value.problems) == 5000
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("texts", ["Room 320", None, b"x"])
def test_what_is_no_list_cannot_be_resolved(texts: object) -> None:
    with pytest.raises(ConfigurationError, match="texts must be a list"):
        INVENTORY.resolve(texts)  # type: ignore[call-overload]


def test_search_finds_parts_of_names_serial_numbers_and_ids() -> None:
    assert [INVENTORY.path_of(each) for each in INVENTORY.search("bath")] == ["Seaside/Floor 3/Room 320/Bath Echo"]
    assert [each.id for each in INVENTORY.search("G0B")] == ["endpoint-G0B1"]
    assert [INVENTORY.path_of(each) for each in INVENTORY.search("hotel DU")] == [
        "Hôtel du Lac",
        "Hotel du Parc 2",
        # Whose path has it.
        *("Hôtel du Lac/Room 320", "Hôtel du Lac/Room 41", "Hôtel du Lac/room 41"),
        *("Hotel du Parc 2/Zimmer 9", "Hotel du Parc 2/Straße 5", "Hotel du Parc 2/客房 12"),
        "Hôtel du Lac/Room 320/Bedside Echo",
    ]
    assert INVENTORY.search("nothing like it") == []
    with pytest.raises(ConfigurationError, match="must be a string"):
        INVENTORY.search("")


def test_rooms_and_devices_below_a_unit() -> None:
    assert [room.name for room in INVENTORY.rooms("Seaside")] == [
        *("Room 320", "Room 32 B", "Suite 1/2", "Room 0007", "Lobby"),
    ]
    assert INVENTORY.rooms("Seaside/320") == [INVENTORY.room("Seaside/320")]
    assert len(INVENTORY.rooms(INVENTORY.root)) == len(INVENTORY.rooms()) == len(INVENTORY) == 11
    assert INVENTORY.rooms("Empty") == []
    assert [each.serial_number for each in INVENTORY.endpoints(under="Floor 3")] == ["G0A1", "G0A2", "G0A3", "G0A4"]
    assert INVENTORY.endpoints(under=INVENTORY.room("Hôtel du Lac/Room 41")) == []
    with pytest.raises(NameNotFound):
        INVENTORY.rooms("Seasid")


def test_filters_of_devices() -> None:
    def serials(**filters: object) -> list[str | None]:
        return [each.serial_number for each in INVENTORY.endpoints(**filters)]  # type: ignore[arg-type]

    assert serials(offline=True) == ["G0A2"]
    # An unknown reachability is neither.
    assert serials(offline=False) == ["G0A1", "G0A4", "G0A5", "G0B1"]
    assert serials(serial="g0a3") == ["G0A3"]
    assert serials(model="echo DOT") == ["G0A1"]
    assert serials(under="Seaside", offline=True, serial="G0A1") == []


@pytest.mark.parametrize(
    "filters", [{"serial": ""}, {"serial": 5}, {"model": " "}, {"model": b"Echo"}, {"offline": "yes"}, {"offline": 1}]
)
def test_filters_of_a_wrong_type_or_without_text_are_refused(filters: dict[str, object]) -> None:
    (name,) = filters
    with pytest.raises(ConfigurationError, match=f"^{name} must be"):
        INVENTORY.endpoints(**filters)  # type: ignore[arg-type]


def test_places_of_devices() -> None:
    room = INVENTORY.room("Seaside/320")
    assert INVENTORY.room_of("G0A1") is room
    assert INVENTORY.room_of(room.endpoints[1]) is room
    assert INVENTORY.room_of("unknown") is None
    assert room.endpoints == tuple(INVENTORY.endpoints(under=room))
    assert room.device_name("endpoint-G0A1") == "Bedside Echo"

    lobby = hotel({"Seaside": {"Room 1": []}, "Annex": [device("Door", "1")]})
    assert lobby.room_of("1") is None
    assert lobby.place_of("1") is lobby.unit("Annex")
    assert lobby.path_of("1") == "Annex/Door"


def test_an_inventory_without_devices_says_so() -> None:
    bare = hotel({"Seaside": {"Room 1": []}}, has_endpoints=False)
    with pytest.raises(ConfigurationError, match="loaded without devices"):
        bare.endpoints(offline=True)
    with pytest.raises(NameNotFound, match="loaded without devices"):
        bare.find("G0A1")


def test_units_and_devices_without_a_usable_name_have_their_id_in_paths() -> None:
    inventory = Inventory(
        Unit("org", None, None, 0),
        (Unit("p", " ", "org", 1), Unit("r", "//", "p", 2), Unit("orphan", "Orphan", "gone", 2)),
        (device("", id="e", unit="r"), device("Stray", "5", unit="elsewhere")),
        INVENTORY.taken,
    )
    assert inventory.path_of("e") == "p/r/e"
    assert inventory.path_of("r") == "p/r"
    assert inventory.path_of("orphan") == "Orphan"
    assert inventory.path_of("5") == "Stray"
    assert inventory.path_of("org") == "org"


def test_errors_are_what_callers_may_expect() -> None:
    for kind in (NameNotFound, AmbiguousName, NamesNotFound):
        assert issubclass(kind, ConfigurationError)
        assert issubclass(kind, LookupError)
    assert not issubclass(NameNotFound, errors.NotFound)


_large: list[Inventory] = []


def large() -> Inventory:
    """10,000 rooms and 20,000 devices, of which each room has two with the same names."""
    if not _large:
        _large.append(
            hotel(
                {
                    f"Property {number}": {
                        f"Floor {floor}": {
                            f"Room {floor}{door:02}": ["Bedside Echo", "Bath Echo"] for door in range(1, 21)
                        }
                        for floor in range(1, 51)
                    }
                    for number in range(1, 11)
                }
            )
        )
    return _large[0]


@pytest.mark.parametrize(
    "text",
    [
        "Property 7/Floor 20/Room 2011",
        "property 7/2011",
        "Property 7/Room 2011/Bath Echo",
        "Property 7/Floor 20/2011/bath echo",
        "id:Property 7/Floor 20",
    ],
)
def test_finds_in_less_than_a_millisecond(text: str) -> None:
    inventory = large()
    assert len(inventory) == 10_000
    inventory.find(text)
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        inventory.find(text)
        taken.append(time.perf_counter() - began)
    # The best of them: other processes take the rest.
    assert min(taken) < 0.001


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("Proprety 7/Floor 20/Room 2011", "Property 7/Floor 20/Room 2011"),
        ("Property 7/Rom 2011/Bath Eco", "Property 7/Floor 20/Room 2011/Bath Echo"),
        ("Bedsid Echo", "Property 1/Floor 1/Room 101/Bedside Echo"),
        ("x" * 100_000, None),
        ("/".join(["Room"] * 60), "…"),
        ("a/" * 5000, None),
    ],
)
def test_suggests_in_a_third_of_a_second(text: str, best: str | None) -> None:
    inventory = large()
    taken = []
    for _ in range(3):
        began = time.process_time()
        with pytest.raises((NameNotFound, AmbiguousName)) as caught:
            inventory.find(text)
        taken.append(time.process_time() - began)
    assert min(taken) < 0.3
    if best != "…":
        assert isinstance(caught.value, NameNotFound)
        assert next(iter(caught.value.suggestions), None) == best
    assert len(str(caught.value)) < 1000
