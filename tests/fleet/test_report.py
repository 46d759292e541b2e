"""Reports: counts, groups, rows in every form, and tables for people."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.outcome import Outcome, Step, Steps, StepsFailed
from alexa_props.fleet.report import FleetReport, FleetStopped
from tests.fleet.reports import (
    EMPTY,
    OPERATION,
    cut_off,
    failed,
    in_property,
    offline,
    report_of,
    throttled,
)

REPORT_COLUMNS = [
    *("name", "property_name", "path", "status", "attempts", "elapsed", "failures"),
    *("code", "description", "operation", "request_id", "property_id", "key", "endpoint_ids"),
]
FAILURE_COLUMNS = [
    *("name", "property_name", "path", "device", "step", "status", "code", "description"),
    *("operation", "request_id", "property_id", "key", "endpoint_id"),
]


# Counts and groups.


def test_counts(report: FleetReport[str, None]) -> None:
    assert list(report.counts.items()) == [("done", 2), ("failed", 4), ("unknown", 1)]
    assert len(report) == 7
    assert [outcome.key for outcome in report] == [f"room-{number}" for number in range(7)]
    assert [outcome.key for outcome in report.done] == ["room-0", "room-4"]
    assert [outcome.key for outcome in report.failed] == ["room-1", "room-2", "room-5", "room-6"]
    assert [outcome.key for outcome in report.unknown] == ["room-3"]
    assert EMPTY.counts == {"done": 0, "failed": 0, "unknown": 0}


def test_failures_name_room_and_property(report: FleetReport[str, None]) -> None:
    assert [
        (row.key, row.property_id, row.property_name, row.endpoint_id, row.status, row.code, row.request_id)
        for row in report.failures
    ] == [
        ("room-1", "property-1", "Hotel 1", "endpoint-a", "failed", "DEVICE_UNREACHABLE", "request-room-1"),
        ("room-1", "property-1", "Hotel 1", "endpoint-b", "failed", "DEVICE_UNREACHABLE", "request-room-1"),
        ("room-2", "property-0", "Hotel 0", None, "failed", "Throttled", "request-room-2"),
        ("room-3", "property-1", "Hotel 1", None, "unknown", "TransportError", None),
        ("room-5", "property-1", "Hotel 1", "endpoint-b", "failed", "DEVICE_UNREACHABLE", "request-room-5"),
        ("room-6", None, None, None, "failed", "Throttled", "request-room-6"),
    ]


def test_failures_name_steps() -> None:
    steps = Steps(
        "room-1",
        (
            Step("alarms", OPERATION, error=offline("room-1", "endpoint-a")),
            Step("volume", "speaker.set_volume", "endpoint-b", cut_off("room-1")),
            Step("time zone", "endpoint_settings.set", "endpoint-b"),
            Step("wake word", "endpoint_settings.set", "endpoint-a", throttled("room-1")),
        ),
    )
    report = report_of(failed("room-1", StepsFailed(steps), status=steps.status))
    assert [(row.step, row.endpoint_id, row.status, row.operation) for row in report.failures] == [
        ("alarms", "endpoint-a", "failed", OPERATION),
        ("volume", "endpoint-b", "unknown", "speaker.set_volume"),
        ("wake word", "endpoint-a", "failed", "endpoint_settings.set"),
    ]
    (row,) = report.to_rows()
    assert (row["status"], row["failures"], row["endpoint_ids"]) == ("unknown", 2, ["endpoint-a", "endpoint-b"])


def test_groups_are_sorted_by_frequency_then_name(report: FleetReport[str, None]) -> None:
    def keys(groups: dict[str | None, tuple[Any, ...]]) -> list[tuple[str | None, list[str]]]:
        return [(name, [row.key for row in rows]) for name, rows in groups.items()]

    assert keys(report.failures_by_code) == [
        ("DEVICE_UNREACHABLE", ["room-1", "room-1", "room-5"]),
        ("Throttled", ["room-2", "room-6"]),
        ("TransportError", ["room-3"]),
    ]
    assert keys(report.failures_by_property) == [
        ("property-1", ["room-1", "room-1", "room-3", "room-5"]),
        (None, ["room-6"]),
        ("property-0", ["room-2"]),
    ]
    assert keys(report.failures_by_endpoint) == [
        (None, ["room-2", "room-3", "room-6"]),
        ("endpoint-b", ["room-1", "room-5"]),
        ("endpoint-a", ["room-1"]),
    ]
    ties = report_of(*(failed(code, offline(code, "endpoint", code=code)) for code in "CAB"))
    assert list(ties.failures_by_code) == ["A", "B", "C"]
    assert EMPTY.failures_by_code == EMPTY.failures_by_property == EMPTY.failures_by_endpoint == {}


def test_items_of_any_type() -> None:
    for item in (None, 7, ("a", "b"), {"room": 1}, object()):
        report = report_of(Outcome("key", item, "failed", error=ValueError("no")))
        assert list(report.failures_by_property) == [None]
        assert report.to_rows()[0]["property_id"] is None
        assert json.loads(report.to_jsonl())["key"] == "key"


# As an exception.


def test_raise_for_failures(report: FleetReport[str, None]) -> None:
    with pytest.raises(ExceptionGroup):
        report.raise_for_failures()
    with pytest.raises(ExceptionGroup) as caught:  # the errors have their notes already
        report.raise_for_failures()
    assert [type(error).__name__ for error in caught.value.exceptions] == [
        *("EndpointFailures", "Throttled", "TransportError", "EndpointFailures", "Throttled")
    ]
    assert [error.__notes__ for error in caught.value.exceptions] == [
        [f"item: room-{number}"] for number in (1, 2, 3, 5, 6)
    ]
    assert caught.value.message == (
        "7 items: 2 done, 4 failed, 1 unknown, 3 skipped, in 41.2 s; not done: 3 devices in 2 items, 3 whole items; "
        "most frequent: DEVICE_UNREACHABLE (3), Throttled (2), TransportError (1)"
    )
    group, rest = caught.value.split(errors.Throttled)
    assert group is not None
    assert rest is not None
    assert (len(group.exceptions), len(rest.exceptions)) == (2, 3)
    report_of(Outcome("room-1", "room-1", "done")).raise_for_failures()
    EMPTY.raise_for_failures()


def test_raises_for_an_outcome_without_an_error() -> None:
    report = report_of(Outcome("room-1", "room-1", "unknown"))
    with pytest.raises(ExceptionGroup) as caught:
        report.raise_for_failures()
    (error,) = caught.value.exceptions
    assert isinstance(error, errors.AlexaError)
    assert str(error) == "room-1: unknown, without an error"


def test_fleet_stopped_has_the_report(report: FleetReport[str, None]) -> None:
    error = FleetStopped("the items could not be read", report)
    assert isinstance(error, errors.AlexaError)
    assert error.report is report
    assert str(error) == "the items could not be read"


# As text.


def test_report_as_text(report: FleetReport[str, None]) -> None:
    assert repr(report) == f"<FleetReport: {report}>"
    assert str(EMPTY) == "0 items: 0 done, 0 failed, 0 unknown, in 0.0 s"
    one = report_of(Outcome("room-1", "room-1", "done"), stopped="it was\n\x1b[2Jenough", elapsed=1234.5)
    assert str(one) == "1 item: 1 done, 0 failed, 0 unknown, in 1,234.5 s; stopped: it was [2Jenough"
    many = report_of(*(failed(code, offline(code, "endpoint", code=code)) for code in "ABCDEF"))
    assert str(many).endswith("; most frequent: A (1), B (1), C (1), D (1), E (1), …")


# As rows.


def test_rows(report: FleetReport[str, None]) -> None:
    rows = report.to_rows()
    assert [list(row) for row in rows] == [REPORT_COLUMNS] * 7
    assert rows[0] == {
        "name": None,
        "property_name": "Hotel 0",
        "path": "Hotel 0",
        "status": "done",
        "attempts": 1,
        "elapsed": 0.125,
        "failures": 0,
        "code": None,
        "description": None,
        "operation": None,
        "request_id": None,
        "property_id": "property-0",
        "key": "room-0",
        "endpoint_ids": [],
    }
    assert rows[1] == {
        "name": None,
        "property_name": "Hotel 1",
        "path": "Hotel 1",
        "status": "failed",
        "attempts": 2,
        "elapsed": 0.25,
        "failures": 2,
        "code": "DEVICE_UNREACHABLE",
        "description": "offline",
        "operation": OPERATION,
        "request_id": "request-room-1",
        "property_id": "property-1",
        "key": "room-1",
        "endpoint_ids": ["endpoint-a", "endpoint-b"],
    }
    failures = report.to_rows(failures=True)
    assert [list(row) for row in failures] == [FAILURE_COLUMNS] * 6
    assert failures[1] == {
        "name": None,
        "property_name": "Hotel 1",
        "path": "Hotel 1",
        "device": None,
        "step": None,
        "status": "failed",
        "code": "DEVICE_UNREACHABLE",
        "description": "offline",
        "operation": OPERATION,
        "request_id": "request-room-1",
        "property_id": "property-1",
        "key": "room-1",
        "endpoint_id": "endpoint-b",
    }
    assert EMPTY.to_rows() == EMPTY.to_rows(failures=True) == []


@pytest.mark.parametrize("failures", [False, True])
def test_jsonl(report: FleetReport[str, None], tmp_path: Path, failures: bool) -> None:
    text = report.to_jsonl(failures=failures)
    assert text.endswith("\n")
    assert [json.loads(line) for line in text.splitlines()] == report.to_rows(failures=failures)

    path = tmp_path / "report.jsonl"
    path.write_text("an earlier and longer text" * 100)
    for target in (path, str(path)):
        assert report.to_jsonl(target, failures=failures) is None
        assert path.read_bytes() == text.encode()
    with path.open("w", encoding="utf-8", newline="") as file:
        report.to_jsonl(file, failures=failures)
    assert path.read_bytes() == text.encode()
    assert EMPTY.to_jsonl(failures=failures) == ""


def test_jsonl_is_exact_and_one_line_per_row() -> None:
    odd = "=1+1\u2028\r\nZimmer \ud83d 北"
    text = report_of(failed(odd, offline(odd, odd, text=odd))).to_jsonl(failures=True)
    assert len(text.splitlines()) == 1
    assert text.isascii()
    row = json.loads(text)
    assert (row["key"], row["endpoint_id"], row["description"]) == (odd, odd, odd)


@pytest.mark.parametrize("failures", [False, True])
def test_csv(report: FleetReport[str, None], tmp_path: Path, failures: bool) -> None:
    text = report.to_csv(failures=failures)
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert lines[0] == (FAILURE_COLUMNS if failures else REPORT_COLUMNS)
    assert lines[1:] == [
        ["" if value is None else " ".join(value) if isinstance(value, list) else str(value) for value in row.values()]
        for row in report.to_rows(failures=failures)
    ]
    assert text.count("\r\n") == text.count("\n") == len(lines)

    path = tmp_path / "report.csv"
    assert report.to_csv(path, failures=failures) is None
    # With a byte order mark: without it, Excel does not read UTF-8.
    assert path.read_bytes() == b"\xef\xbb\xbf" + text.encode()
    with path.open("w", encoding="utf-8", newline="") as file:
        report.to_csv(file, failures=failures)
    assert path.read_bytes() == text.encode()
    assert EMPTY.to_csv(failures=failures) == ",".join(lines[0]) + "\r\n"


def test_csv_contains_no_formulas() -> None:
    for value in (
        *("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201"),
    ):
        room = in_property(value, value, value)
        report = report_of(failed(room, offline(room, value, code=value, text=value)))
        for failures in (False, True):
            _, line = csv.reader(io.StringIO(report.to_csv(failures=failures), newline=""))
            cells = [cell for cell in line if cell.replace("'", "") == value]
            assert cells, value
            assert all(cell.startswith("'") for cell in cells), value


def test_csv_contains_no_formulas_with_other_separators() -> None:
    formulas = ["=1", "+1", "-1", "@A", "\uff1d1", " =1", '"=1"', '""=1', "\x00=1", "'\t=1"]
    for before, formula in itertools.product(["", "a;", "a\t", "a\r\n", "a\n", "a; b\t"], formulas):
        room = in_property("room", "p", before + formula)
        text = report_of(failed(room, offline("room", "e", text=before + formula))).to_csv(failures=True)
        for separator in (",", ";", "\t"):
            for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                for cell in line:
                    # A spreadsheet ignores blanks and control characters before a formula.
                    assert not cell.lstrip(' \t\x00"').startswith(("=", "+", "-", "@", "\uff1d")), line


def test_csv_leaves_harmless_text_unchanged() -> None:
    for text in ("a, -5; b", "9:00-10:00", "a=b;c=d", "it's;x", "\u20ac -1,5"):
        report = report_of(failed("room", offline("room", "e", text=text)))
        _, line = csv.reader(io.StringIO(report.to_csv(failures=True), newline=""))
        assert text in line


def test_csv_quotes_text(tmp_path: Path) -> None:
    odd = 'a "b", c\r\nd=\u5317'
    report = report_of(failed("room\ud83d", offline("room", text=odd)))
    path = tmp_path / "report.csv"
    report.to_csv(path)
    report.to_csv(tmp_path / "same", failures=False)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == ["room\\ud83d"]  # a lone surrogate cannot be encoded in UTF-8

    report = report_of(failed("room", offline("room", "endpoint", text=odd)))
    report.to_csv(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["description"] for row in csv.DictReader(file)] == [odd]


def test_refuses_invalid_targets() -> None:
    for method in ("to_jsonl", "to_csv"):
        with pytest.raises(
            ConfigurationError, match=rf"{method}: target must be a path, an open text file or None, not 42"
        ):
            getattr(EMPTY, method)(42)


# As a DataFrame.

NO_FAILURES: FleetReport[str, None] = report_of(Outcome("room-1", "room-1", "done"))


def test_dataframe_of_pandas(report: FleetReport[str, None]) -> None:
    frame = report.to_dataframe()
    assert type(frame).__module__.split(".")[0] == "pandas"
    assert list(frame.columns) == REPORT_COLUMNS
    assert frame["endpoint_ids"].tolist()[1] == ["endpoint-a", "endpoint-b"]
    assert frame["failures"].sum() == 6
    failures = report.to_dataframe(failures=True)
    assert list(failures.columns) == FAILURE_COLUMNS
    assert failures.groupby("code").size().to_dict() == {"DEVICE_UNREACHABLE": 3, "Throttled": 2, "TransportError": 1}
    assert failures["endpoint_id"].isna().sum() == 3
    for other in (EMPTY, NO_FAILURES):
        assert (other.to_dataframe().dtypes == frame.dtypes).all()
        assert (other.to_dataframe(failures=True).dtypes == failures.dtypes).all()
    assert len(EMPTY.to_dataframe()) == 0


def test_dataframe_of_polars(report: FleetReport[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    frame = report.to_dataframe()
    assert type(frame).__module__.split(".")[0] == "polars"
    assert frame.columns == REPORT_COLUMNS
    assert frame.to_dicts() == report.to_rows()
    failures = report.to_dataframe(failures=True)
    assert failures.columns == FAILURE_COLUMNS
    assert failures.to_dicts() == report.to_rows(failures=True)
    for other in (EMPTY, NO_FAILURES):
        assert other.to_dataframe().schema == frame.schema
        assert other.to_dataframe(failures=True).schema == failures.schema


def test_late_failure_does_not_change_column_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    outcomes: list[Outcome[Any, Any]] = [Outcome(str(number), str(number), "done") for number in range(2_000)]
    frame = report_of(*outcomes, failed("last", throttled("last"))).to_dataframe()
    assert frame["code"].to_list()[-1] == "Throttled"


def test_dataframe_requires_pandas_or_polars(report: FleetReport[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ConfigurationError, match=r"pip install .alexa-props\[notebook\]."):
        report.to_dataframe()


# Size.


@pytest.mark.apart
def test_ten_thousand_outcomes_take_linear_time() -> None:
    # About a second of CPU. Code that takes quadratic time takes minutes.
    outcomes: list[Outcome[Any, Any]] = []
    for number in range(10_000):
        room = in_property(f"room-{number}", f"property-{number % 40}", f"Hotel {number % 40}")
        error = offline(room, f"{room}-a", f"{room}-b", code=f"CODE_{number % 7}") if number % 3 == 0 else None
        outcomes.append(failed(room, error) if error else Outcome(room, room, "done"))
    report = report_of(*outcomes)
    started = time.process_time()
    assert len(report.to_rows()) == 10_000
    assert len(report.to_rows(failures=True)) == 6_668
    assert len(report.to_jsonl().splitlines()) == 10_000
    assert len(report.to_csv().splitlines()) == 10_001
    assert (len(report.failures_by_code), len(report.failures_by_property)) == (7, 40)
    assert len(report.failures_by_endpoint) == 6_668
    assert len(report._repr_html_()) < 30_000
    with pytest.raises(ExceptionGroup):
        report.raise_for_failures()
    assert time.process_time() - started < 5
