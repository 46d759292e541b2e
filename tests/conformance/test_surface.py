"""The table has every operation of Amazon's surface, with its method, path, idempotency, query, body and response."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from alexa_props import SmartProperties
from alexa_props.operation import Listing, Operation
from alexa_props.simulator import ROUTES
from alexa_props.smart_properties.protocol import codec
from alexa_props.wire import dump_json
from tests.wire import WIRE, Wire

FACTS = Path(__file__).parent / "facts"
SURFACE: dict[str, dict[str, Any]] = json.loads((FACTS / "surface.json").read_text())
OURS: dict[str, Operation[Any]] = {each.name: each for each in SmartProperties.operations()}
KNOWN = [name for name in SURFACE if name in OURS]


@attrs.frozen
class Row:
    """One operation of `operations.tsv`, which lists what Amazon's pages and tools have."""

    name: str
    method: str
    path: str
    idempotent: bool


def rows() -> Iterator[Row]:
    """Return the rows. One whose path ends in `{operation}` lists several names, each with an operation."""
    lines = [line for line in (FACTS / "operations.tsv").read_text().splitlines() if not line.startswith("#")]
    for each in csv.DictReader(lines, delimiter="\t"):
        names, marks = each["python_name"].split(","), each["idempotent"].split(",")
        for number, name in enumerate(names):
            mark = marks[number if len(marks) > 1 else 0]
            yield Row(re.sub(r"\(.*\)", "", name), each["method"], each["path"], mark == "yes")


def shape_of(path: str) -> str:
    """Return a path with its parameters, the key of a setting and the name of an operation left out."""
    path = re.sub(r"\{operation\}$", "*", re.sub(r"(?<=/settings/)[A-Z][\w.]+$", "*", path))
    return re.sub(r"\{\w+\}", "*", path)


def test_every_operation_of_the_surface_is_in_the_table() -> None:
    assert {row.name for row in rows()} <= set(OURS)


def test_the_table_and_the_surface_agree() -> None:
    for row in rows():
        if row.name in OURS:
            ours = OURS[row.name]
            expected = shape_of(row.path)
            path = shape_of(ours.path)
            if row.path.endswith("{operation}"):
                path = f"{path.rpartition('/')[0]}/*"
            if row.name.startswith("endpoint_settings.") and expected.endswith("/settings/*"):
                path = shape_of(ours.path)
            if row.name == "unit_settings.get_default_music_station":
                assert ours.path.endswith("/MusicExperience.defaultStationPreferences")
            assert (ours.method, path) == (row.method, expected), row.name
            assert ours.idempotent == row.idempotent, row.name


def test_routes_of_the_simulator_are_those_of_the_table() -> None:
    for name in KNOWN:
        assert name in ROUTES, name
        assert (OURS[name].method, shape_of(OURS[name].path)) == (ROUTES[name][0], shape_of(ROUTES[name][1])), name


def test_rows_send_the_query_of_the_surface() -> None:
    for name in KNOWN:
        fact, sent = SURFACE[name], set[str]()
        for row in rows_of(name):
            query = row.request.partition("?")[2]
            names = {part.partition("=")[0] for part in query.split("&") if part}
            assert names >= {*fact["required_query"]}, name
            sent |= names
        # The token is sent with the second page.
        assert sent == {*fact["query"]} - {"nextToken"}, name


def test_lists_and_sources_are_those_of_the_surface() -> None:
    for name in KNOWN:
        fact, ours = SURFACE[name], OURS[name]
        paging = fact["pagination"]
        assert isinstance(ours, Listing) == (paging is not None), name
        if isinstance(ours, Listing):
            assert (ours.items, list(ours.next_token)) == (paging["items"], paging["next_token"]), name
        assert ours.source.rpartition("/")[2] in {source.rpartition("/")[2] for source in fact["sources"]}, name
        assert not fact["answers"] or isinstance(ours, Listing) or ours.model is not None, name


def test_rows_send_what_the_examples_send() -> None:
    missing: dict[str, list[str]] = {}
    for name in [name for name in KNOWN if SURFACE[name]["request_example"] is not None]:
        sent = {member for row in rows_of(name) for member in members(row.body)}
        missing[name] = sorted(set(members(SURFACE[name]["request_example"])) - sent)
    assert len(missing) > 60
    assert not {name: members for name, members in missing.items() if members}


def test_examples_decode_and_encode_again() -> None:
    examples = [(name, example) for name in KNOWN for example in SURFACE[name]["response_examples"].items()]
    assert len(examples) > 10
    for name, (status, body) in examples:
        ours = OURS[name]
        if status.startswith("2"):
            value: Any = body[ours.items] if isinstance(ours, Listing) else body
            model: Any = tuple[ours.item, ...] if isinstance(ours, Listing) else ours.model  # type: ignore[name-defined]
            read = codec.read(value, model)
            written = json.loads(dump_json(codec.unstructure(read), []))
            assert set(members(value)) <= set(members(written)) or hasattr(read, "raw"), name


def rows_of(name: str) -> list[Wire]:
    return [row for key, row in WIRE.items() if key.partition(",")[0] == name]


def members(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of all members, with the type of each value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from members(member, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from members(each, f"{path}[]")
    elif path:
        yield f"{path}: {type(value).__name__}"
