"""The formats of rows: whole texts, row by row."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from alexa_props.cli.output import Encoder, Output
from tests.cli.commands import Run

ROWS: list[dict[str, Any]] = [
    {"name": "Room 1\n2", "more": ["a", "b"], "id": "1"},
    {"name": None, "more": [], "id": "2"},
]


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize(
    ("form", "read"),
    [
        (Output.JSON, json.loads),
        (Output.JSONL, lambda text: [json.loads(line) for line in text.splitlines()]),
        (Output.YAML, yaml.safe_load),
    ],
)
def test_whole_rows_come_back(form: Output, read: Any, count: int) -> None:
    encoder = Encoder(form, ("name", "id"))
    assert read("".join(map(encoder.row, ROWS[:count])) + encoder.end()) == ROWS[:count]


def test_a_json_array_is_indented_and_printed_row_by_row() -> None:
    encoder = Encoder(Output.JSON, ("id",))
    parts = [encoder.row({"id": "1", "more": []}), encoder.row({"id": "2"}), encoder.end()]
    assert parts == ['[\n  {\n    "id": "1",\n    "more": []\n  }', ',\n  {\n    "id": "2"\n  }', "\n]\n"]


def test_csv_has_a_heading_once() -> None:
    for count in (0, 2):
        rows = ROWS[:count]
        encoder = Encoder(Output.CSV, ("name", "id"))
        text = "".join(map(encoder.row, rows)) + encoder.end()
        assert list(csv.reader(text.splitlines(keepends=True))) == [
            ["name", "id"],
            *[[r["name"] or "", r["id"]] for r in rows],
        ]


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("whoami",), "--refresh"),
        (("whoami",), "--no-ids"),
        (("export",), "--no-ids"),
        (("journal", "show", "a.db"), "--refresh"),
        (("journal", "show", "a.db"), "-v"),
        (("profiles",), "-v"),
        (("a4b", "events", "arn"), "--no-ids"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else each,
)
def test_options_without_effect_are_unknown(run: Run, command: tuple[str, ...], option: str) -> None:
    done = run(*command, option)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"No such option: {option}" in done.stderr
