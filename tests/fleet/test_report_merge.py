"""Reports of partitions: brief, merged, and pickled."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from alexa_props import errors, fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet import FleetReport, FleetStopped, Outcome, RecordedError, Room, Step, Steps, StepsFailed
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.endpoints import Endpoint
from tests.fleet.reports import EMPTY, cut_off, failed, offline, report_of, throttled
from tests.helpers import Service, smart_properties

VIEWS: list[Callable[[FleetReport[Any, Any]], Any]] = [
    str,
    repr,
    lambda report: report.counts,
    lambda report: list(map(repr, report.failed)),
    lambda report: list(map(repr, report.unknown)),
    lambda report: report.failures,
    lambda report: report.failures_by_code,
    lambda report: report.failures_by_property,
    lambda report: report.failures_by_endpoint,
    lambda report: report.to_rows(failures=True),
    lambda report: report.to_csv(failures=True),
    lambda report: report.to_jsonl(failures=True, by_step=True),
    lambda report: report.to_dataframe(failures=True).to_dict(),
    lambda report: report._repr_html_(),
    lambda report: str(report.table(by_step=True)),
    lambda report: (report.skipped, report.stopped, report.elapsed),
]
"""What a brief report shows as the whole report does."""


def rooms(*numbers: int) -> list[Room]:
    return [Room(f"room-{number}", name=f"Room {number}") for number in numbers]


# Brief reports.


def test_a_brief_report_shows_what_the_whole_report_shows(report: FleetReport[str, None]) -> None:
    only_done = report_of(*(Outcome(room, room, "done") for room in rooms(1, 2)))
    with_a_failure = report_of(*only_done, *(failed(room, offline(room, "e-1")) for room in rooms(3)))
    mixed = report_of(Outcome("a", "a", "done"), *with_a_failure.failed)
    for each in (report, only_done, with_a_failure, mixed, report_of(*report, stopped="enough"), EMPTY):
        brief = each.brief()
        for number, view in enumerate(VIEWS):
            assert view(brief) == view(each), number
        assert (brief.failed, brief.unknown) == (each.failed, each.unknown)
        assert brief.brief() is brief
        assert brief.done == ()
        assert len(brief) == len(list(brief)) == len(each.failed) + len(each.unknown)
        assert [row["status"] for row in brief.to_rows()] == [
            row["status"] for row in each.to_rows() if row["status"] != "done"
        ]
    assert str(only_done.brief()).startswith("2 rooms: 2 done")


def test_a_brief_report_raises_what_the_whole_report_raises(report: FleetReport[str, None]) -> None:
    only_done = report_of(*(Outcome(room, room, "done") for room in rooms(1, 2)))
    only_done.brief().raise_for_failures()
    with pytest.raises(ExceptionGroup) as whole:
        report.raise_for_failures()
    with pytest.raises(ExceptionGroup) as brief:
        report.brief().raise_for_failures()
    assert brief.value.message == whole.value.message
    assert brief.value.exceptions == whole.value.exceptions


async def test_a_brief_report_keeps_the_names_of_what_is_not_done() -> None:
    async with Simulator(rooms=3) as sim:
        inventory = await fleet_inventory(sim)
        report = report_of(
            Outcome(sim.rooms[0], sim.rooms[0], "done"),
            failed(sim.rooms[1], offline(sim.rooms[1], sim.endpoints_in(sim.rooms[1])[0])),
        ).with_names(inventory)
    brief = report.brief()
    assert [row["name"] for row in brief.to_rows(failures=True)] == ["Room 102"]
    assert brief.failures == report.failures == FleetReport.merge([EMPTY, brief]).failures
    assert str(brief) == str(report)
    assert brief.with_names(inventory).failures == report.failures
    # A million names would be as large as a million outcomes.
    assert sim.rooms[0].encode() not in pickle.dumps(brief)


async def fleet_inventory(sim: Simulator) -> Any:
    from alexa_props import Inventory

    return await Inventory.load(sim.smart_properties(), sim.organization_id)


def test_a_brief_report_counts_what_a_merged_one_only_counts() -> None:
    first, second = (report_of(*(Outcome(room, room, "done") for room in rooms(number))) for number in (1, 2))
    merged = FleetReport.merge([first.brief(), second])
    assert str(merged.brief()) == str(merged) == "2 rooms: 2 done, 0 failed, 0 unknown, in 0.0 s"


def test_a_brief_report_of_many_rooms_is_small() -> None:
    many = report_of(*(Outcome(room, room, "done") for room in rooms(*range(10_000))))
    assert len(pickle.dumps(many.brief())) < 1_000


# Merged reports.


@pytest.mark.parametrize("prepare", [lambda report: report, FleetReport.brief], ids=["whole", "brief"])
def test_a_merged_report_is_that_of_one_run(report: FleetReport[str, None], prepare: Any) -> None:
    parts = [
        FleetReport(report.outcomes[:2], skipped=1, elapsed=41.25),
        FleetReport(report.outcomes[2:5], elapsed=3.0),
        FleetReport(report.outcomes[5:], skipped=2),
    ]
    merged = FleetReport.merge(map(prepare, parts))
    for number, view in enumerate(VIEWS):
        assert view(merged) == view(report), number
    assert merged.outcomes == prepare(report).outcomes
    assert FleetReport.merge([merged]) == merged
    assert FleetReport.merge([merged], elapsed=90.0).elapsed == 90.0


def test_reasons_to_stop_are_joined() -> None:
    stopped = [report_of(stopped=reason) for reason in ("the disk is full", None, "the service is down")]
    assert FleetReport.merge([*stopped, *stopped]).stopped == "the disk is full; the service is down"
    assert FleetReport.merge([EMPTY]).stopped is None
    assert FleetReport.merge([]) == EMPTY


def test_the_last_outcome_of_a_key_counts() -> None:
    first = report_of(failed("a", throttled("a")), failed("b", cut_off("b"), status="unknown"))
    second = report_of(Outcome("b", "b", "done"), Outcome("c", "c", "done"))
    merged = FleetReport.merge([first, second])
    assert [(outcome.key, outcome.status) for outcome in merged] == [("a", "failed"), ("b", "done"), ("c", "done")]
    # Items without distinct keys, of one run.
    twice = report_of(Outcome("1", 1, "done"), Outcome("1", True, "done"))
    assert FleetReport.merge([twice]).counts["done"] == 2


def test_merges_only_reports(report: FleetReport[str, None]) -> None:
    for wrong in (report, [report, "report"], 42, "report"):
        with pytest.raises(ConfigurationError, match="reports must be a list"):
            FleetReport.merge(wrong)  # type: ignore[arg-type]


# Pickles.


class NeedsTwo(Exception):
    """Can be pickled, and not read back."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")


def pickled(report: FleetReport[Any, Any]) -> FleetReport[Any, Any]:
    found: FleetReport[Any, Any] = pickle.loads(pickle.dumps(report))
    return found


def test_a_pickled_report_shows_the_same(report: FleetReport[str, None]) -> None:
    room = Room("room-9", name="Room 9", endpoints=(Endpoint("e-1", friendly_name="Echo"),))
    steps = Steps(room, (Step("alarms", "alerts.delete_alarms", "e-1", offline(room, "e-1")),))
    both = [OSError(2, "no such file"), errors.Unauthorized("no", status=401)]
    report = report_of(
        *report,
        failed(room, StepsFailed(steps)),
        failed("group", ExceptionGroup("two", both)),
        failed("left", fleet.Interrupted("left"), status="unknown"),
        failed("recorded", RecordedError("recorded: no", ())),
    )
    for each in (report, report.brief()):
        found = pickled(each)
        for number, view in enumerate(VIEWS):
            assert view(found) == view(each), number
        assert [type(outcome.error) for outcome in found] == [type(outcome.error) for outcome in each]
    stopped = pickle.loads(pickle.dumps(FleetStopped("the disk is full", report)))
    assert (str(stopped), str(stopped.report)) == ("the disk is full", str(report))


def test_errors_that_cannot_be_read_back_are_recorded_errors() -> None:
    with_steps = Steps("a", (Step("volume", "speaker.set_volume", "e-1", NeedsTwo("busy", "later")),))
    report = report_of(
        failed("a", NeedsTwo("busy", "later")),
        failed("b", ExceptionGroup("some", [ValueError("no"), NeedsTwo("busy", "later")]), status="unknown"),
        Outcome("c", "c", "failed", value=with_steps, error=StepsFailed(with_steps)),
    )
    found = pickled(report)
    assert found.failures == report.failures
    assert [outcome.status for outcome in found] == ["failed", "unknown", "failed"]
    assert {type(outcome.error) for outcome in found} == {RecordedError}
    assert [str(outcome.error) for outcome in found] == [str(outcome.error) for outcome in report]


async def test_a_pickled_report_holds_no_token_and_no_client() -> None:
    async with Simulator(rooms=2) as sim:
        asp = sim.smart_properties()

        async def call(room: str) -> httpx.Response:
            response = await asp.request("GET", f"/v2/units/{room}")
            if room == sim.rooms[1]:
                raise httpx.ReadTimeout("no response", request=response.request)
            return response

        report = await fleet.collect(call, sim.rooms)
        (done,), (unknown,) = report.done, report.unknown
        value: Any = done.value
        token = value.request.headers["Authorization"].removeprefix("Bearer ")
        data = pickle.dumps(report)
    assert len(token) > 20
    assert token.encode() in pickle.dumps(unknown.error)
    assert token.encode() not in data
    found = pickle.loads(data)
    assert (found.done[0].value.status_code, found.done[0].value.json()) == (200, value.json())
    assert found.failures == report.failures
    assert value.request.headers["Authorization"].endswith(token)
    with pytest.raises(TypeError, match="may hold secrets"):
        pickle.dumps(report_of(Outcome("a", "a", "done", smart_properties(Service()))))
