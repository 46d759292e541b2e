"""Resuming with a journal: what is done is skipped, and what may be done is reported."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import RateLimit, SmartProperties, errors, fleet
from alexa_props.fleet import RecordedError, Step, Steps
from tests.fleet.helpers import (
    GONE,
    MADE,
    ROOMS,
    THROTTLED,
    AnyJournal,
    Make,
    create,
    get,
    outcomes,
    rows,
    run_job,
    statuses,
)
from tests.helpers import Script, Service, answer, smart_properties

# Resuming.


@pytest.mark.parametrize("ordered", [False, True])
async def test_skips_done_items(any_journal: AnyJournal, ordered: bool) -> None:
    report, sent = await run_job(any_journal, get, None, items=ROOMS[:4], ordered=ordered)
    assert (len(report), report.skipped, sorted(sent)) == (4, 0, ROOMS[:4])
    report, sent = await run_job(any_journal, get, None, ordered=ordered)
    assert (statuses(report), report.skipped, sorted(sent)) == (dict.fromkeys(ROOMS[4:], "done"), 4, ROOMS[4:])
    report, sent = await run_job(any_journal, get, None, ordered=ordered)
    assert (list(report), report.skipped, sent) == ([], 6, [])
    assert rows(any_journal) == dict.fromkeys(ROOMS, ("done", 0))


async def test_skips_many_done_items_without_an_outcome(any_journal: AnyJournal) -> None:
    many = [str(number) for number in range(500)]
    await run_job(any_journal, get, None, items=many)
    for new, ordered in (("new", False), ("newer", True)):
        report, sent = await run_job(any_journal, get, None, items=[*many, new], ordered=ordered, concurrency=3)
        assert (report.skipped, len(report), sent) == (500, 1, [new])


async def test_repeats_unknown_items_if_safe(any_journal: AnyJournal) -> None:
    report, sent = await run_job(any_journal, get, httpx.ReadError)
    assert {outcome.status for outcome in report} == {"unknown"}
    report, sent = await run_job(any_journal, get, None)
    assert (statuses(report), sorted(sent)) == (dict.fromkeys(ROOMS, "done"), ROOMS)


async def test_reports_unknown_items_that_are_unsafe_to_repeat(any_journal: AnyJournal) -> None:
    report, sent = await run_job(any_journal, create, 503, items=["a"])
    (first,) = report
    assert (first.status, sent) == ("unknown", ["a"])
    for retry_failed in (False, True):
        report, sent = await run_job(any_journal, create, MADE, items=["a", "b"], retry_failed=retry_failed)
        found = {outcome.key: outcome for outcome in report}
        assert "a" not in sent
        assert (found["a"].status, found["a"].attempts, found["a"].value) == ("unknown", 1, None)
        assert isinstance(found["a"].error, RecordedError)
        assert str(found["a"].error) == f"a: recorded by an earlier run: {first.error}"
        assert found["a"].failures == first.failures
        assert found["a"].elapsed == pytest.approx(first.elapsed)
    assert rows(any_journal) == {"a": ("unknown", 1), "b": ("done", 1)}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_does_not_repeat_unsafe_raw_requests(any_journal: AnyJournal, method: str) -> None:
    def raw(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
        async def call(room: str) -> None:
            await get(asp)(room)
            await asp.request(method, f"/v2/rooms/{room}")

        return call

    report, _ = await run_job(any_journal, raw, None, None, None, httpx.ReadError, items=["a", "b"], concurrency=1)
    assert statuses(report) == {"a": "done", "b": "unknown"}
    report, sent = await run_job(any_journal, raw, None, items=["a", "b"])
    assert (statuses(report), sent) == ({"b": "unknown"}, [])


FAILED = answer(400, {"type": "NOT_LIKE_THIS", "message": "said"}, x_amzn_RequestId="request-1")


@pytest.mark.parametrize("make", [get, create])
async def test_reports_recorded_failures(any_journal: AnyJournal, make: Make) -> None:
    report, _ = await run_job(any_journal, make, FAILED, items=["a"])
    (first,) = report
    for _ in range(2):
        report, sent = await run_job(any_journal, make, None, items=["a"])
        (found,) = report
        assert (sent, found.status, found.attempts, report.skipped) == ([], "failed", 1, 0)
        assert found.failures == first.failures
        assert (found.failures[0].code, found.failures[0].request_id) == ("NOT_LIKE_THIS", "request-1")
        # However often it is reported.
        assert str(found.error).count("recorded by an earlier run") == 1


@pytest.mark.parametrize("make", [get, create])
async def test_retry_failed_repeats_failed_items(any_journal: AnyJournal, make: Make) -> None:
    await run_job(any_journal, make, FAILED, items=["a"])
    report, sent = await run_job(any_journal, make, MADE if make is create else None, items=["a"], retry_failed=True)
    assert (statuses(report), sent) == ({"a": "done"}, ["a"])


async def test_recorded_failures_name_endpoints_and_steps(any_journal: AnyJournal) -> None:
    def steps(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
        async def call(room: str) -> Steps:
            try:
                await asp.alerts.delete_alarms(room)
            except errors.EndpointFailures as error:
                return Steps(room, (Step("alarms", "alerts.delete_alarms", None, error), Step("rest", "x.y")))
            raise AssertionError

        return call

    report, _ = await run_job(any_journal, steps, GONE, items=["a"])
    (first,) = report
    assert [(failure.endpoint_id, failure.step) for failure in first.failures] == [("e1", "alarms")]
    report, sent = await run_job(any_journal, steps, GONE, items=["a"])
    assert ([outcome.failures for outcome in report], sent) == ([first.failures], [])


@pytest.mark.parametrize(
    "script", [httpx.ConnectError, httpx.PoolTimeout, THROTTLED, 401, "RateLimitTooLong", "AuthenticationError"]
)
async def test_repeats_failures_that_were_not_handled(any_journal: AnyJournal, script: Any) -> None:
    class NoToken(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> Any:
            raise errors.AuthenticationError("refused")
            yield request

    def make(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
        if script == "RateLimitTooLong":
            asp = smart_properties(Service(), rate_limit=RateLimit(per_second=1e-3, max_wait=0))
            asp.pipeline  # noqa: B018 - builds it
        elif script == "AuthenticationError":
            asp = smart_properties(Service(), auth=NoToken())

        async def call(room: str) -> None:
            if script == "RateLimitTooLong" and not asp.limits:
                await get(asp)("first")
            await get(asp)(room)

        return call

    report, _ = await run_job(any_journal, make, None if isinstance(script, str) else script, items=["a"])
    (failed,) = report
    assert failed.status == "failed"
    report, sent = await run_job(any_journal, get, None, items=["a"])
    assert (statuses(report), sent) == ({"a": "done"}, ["a"])


async def test_repeats_a_throttled_unsafe_request(any_journal: AnyJournal) -> None:
    report, sent = await run_job(any_journal, create, THROTTLED, items=["a"])
    assert (statuses(report), sent) == ({"a": "failed"}, ["a"])
    report, sent = await run_job(any_journal, create, MADE, items=["a"])
    assert (statuses(report), sent) == ({"a": "done"}, ["a"])


async def test_repeats_items_with_invalid_arguments(any_journal: AnyJournal) -> None:
    report, sent = await run_job(any_journal, lambda asp: asp.alerts.delete_alarms, 204, items=["room", ".."])
    assert statuses(report) == {"room": "done", "..": "failed"}
    report, sent = await run_job(any_journal, get, None, items=[".."], key=lambda room: room)
    assert (statuses(report), sent) == ({"..": "failed"}, [])
    report, sent = await run_job(any_journal, lambda asp: lambda room: get(asp)("x" + room), None, items=[".."])
    assert (statuses(report), sent) == ({"..": "done"}, ["x.."])


async def test_one_handled_failure_of_several_prevents_repeating(any_journal: AnyJournal) -> None:
    def make(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
        async def call(room: str) -> None:
            found = []
            for name in ("a", "b"):
                try:
                    await get(asp)(name)
                except errors.AlexaError as error:
                    found.append(error)
            raise ExceptionGroup("all", found)

        return call

    await run_job(any_journal, make, httpx.PoolTimeout, httpx.ConnectError, items=["neither"])
    await run_job(any_journal, make, httpx.PoolTimeout, FAILED, items=["one"])
    report, sent = await run_job(any_journal, get, None, items=["neither", "one"])
    assert (statuses(report), sent) == ({"neither": "done", "one": "failed"}, ["neither"])


async def test_resumes_a_stopped_run(any_journal: AnyJournal) -> None:
    rooms = [str(number) for number in range(30)]
    script: list[Script] = [FAILED] * 3 + [None]
    report, _ = await run_job(any_journal, get, *script, items=rooms, stop_on=3, concurrency=1)
    assert (len(report), report.stopped) == (3, "3 items are not done (stop_on=3)")
    # Recorded failures do not stop the run again.
    report, sent = await run_job(any_journal, get, None, items=rooms, stop_on=3, concurrency=1)
    assert (report.counts, report.stopped) == ({"done": 27, "failed": 3, "unknown": 0}, None)
    assert sent == rooms[3:]


async def test_duplicate_items_are_sent_once(any_journal: AnyJournal) -> None:
    report, sent = await run_job(any_journal, get, FAILED, None, items=["a", "b", "a", "b", "b"], concurrency=1)
    assert (statuses(report), report.skipped, sent) == ({"a": "failed", "b": "done"}, 3, ["a", "b"])
    # A recorded outcome is reported once, too.
    report, sent = await run_job(any_journal, get, FAILED, items=["a", "b", "a"])
    assert (statuses(report), len(report), report.skipped, sent) == ({"a": "failed"}, 1, 2, [])


async def test_ambiguous_key_fails_the_second_item(any_journal: AnyJournal) -> None:
    report, sent = await run_job(
        any_journal, get, None, items=["a1", "a2", "b1"], key=lambda item: item[0], concurrency=1
    )
    assert [(outcome.item, outcome.status) for outcome in report] == [("a1", "done"), ("a2", "failed"), ("b1", "done")]
    assert "this run already has an item with this key" in str(report.failed[0].error)
    assert (sent, rows(any_journal)) == (["a1", "b1"], {"a": ("done", 0), "b": ("done", 0)})


async def test_unsafe_request_counts_for_its_item_only(any_journal: AnyJournal) -> None:
    asp = smart_properties(Service(lambda request: MADE if request.method == "POST" else answer(204)))

    async def call(room: str) -> None:
        await (create(asp) if room == "b" else get(asp))(room)

    found = await outcomes(call, ["a", "b", "c"], journal=any_journal, job="a job", concurrency=1)
    assert [outcome.attempts for outcome in found] == [1, 1, 1]
    assert rows(any_journal) == {"a": ("done", 0), "b": ("done", 1), "c": ("done", 0)}


async def test_calls_of_a_nested_run_belong_to_the_outer_item(any_journal: AnyJournal) -> None:
    def make(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
        async def call(room: str) -> None:
            report = await fleet.collect(create(asp), [f"{room}1", f"{room}2"])
            report.raise_for_failures()

        return call

    report, sent = await run_job(any_journal, make, httpx.ReadError, items=["a"])
    assert [(outcome.status, outcome.attempts, len(outcome.failures)) for outcome in report] == [("unknown", 2, 2)]
    assert sorted(sent) == ["a1", "a2"]
    report, sent = await run_job(any_journal, make, MADE, items=["a"])
    assert (statuses(report), sent) == ({"a": "unknown"}, [])


async def test_interrupted_nested_run_is_reported_for_the_outer_item(any_journal: AnyJournal) -> None:
    arrived = anyio.Event()

    async def serve(_: object) -> None:
        arrived.set()
        await anyio.sleep_forever()

    asp = smart_properties(Service(serve))

    async def call(room: str) -> object:
        return await fleet.collect(create(asp), [room])

    async with fleet.run(call, ["a"], journal=any_journal, job="a job") as run:
        await arrived.wait()
    (interrupted,) = run.in_flight
    assert (interrupted.status, interrupted.attempts) == ("unknown", 1)
    report, sent = await run_job(any_journal, create, MADE, items=["a"])
    assert (statuses(report), sent) == ({"a": "unknown"}, [])


async def test_records_foreign_errors_with_unexpected_attributes(any_journal: AnyJournal) -> None:
    class OddError(Exception):
        operation = object()
        request_id = 7

    async def call(_: str) -> None:
        raise OddError("odd")

    for _ in range(2):
        (found,) = await outcomes(call, ["a"], journal=any_journal, job="a job")
        assert [(each.code, each.description, each.operation, each.request_id) for each in found.failures] == [
            ("OddError", "odd", None, None)
        ]


async def test_without_a_journal_duplicates_are_sent() -> None:
    service = Service()
    assert len(await outcomes(get(smart_properties(service)), ["a", "a"])) == len(service.seen) == 2


# The order of records, requests and outcomes.


async def test_records_before_sending_and_before_reporting(any_journal: AnyJournal) -> None:
    copies = 0

    def look() -> dict[str, tuple[str, int]]:
        """Return what would be left if the process were killed now."""
        nonlocal copies
        if isinstance(any_journal, str):
            return rows(any_journal)
        copies += 1
        copy = any_journal.with_name(f"copy-{copies}.db")
        for suffix in ("", "-wal"):
            # Another process, because this one would release its locks on the file.
            subprocess.run(["cp", f"{any_journal}{suffix}", f"{copy}{suffix}"], check=True)
        return rows(copy)

    recorded: dict[str, tuple[str, int]] = {}

    def serve(request: httpx.Request) -> httpx.Response:
        recorded.setdefault(request.method, look()["a"])
        return MADE if request.method == "POST" else answer(204)

    async def call(room: str) -> None:
        await get(asp)(room)
        await asp.units.create("parent", room)

    asp = smart_properties(Service(serve))
    async with fleet.run(call, ["a", "b"], journal=any_journal, job="a job", concurrency=1) as run:
        async for outcome in run:
            recorded[f"outcome of {outcome.key}"] = look()[outcome.key]
    assert recorded == {
        "GET": ("started", 0),
        "POST": ("started", 1),
        "outcome of a": ("done", 1),
        "outcome of b": ("done", 1),
    }


@pytest.mark.parametrize(("make", "reported"), [(get, {}), (create, dict.fromkeys("abc", "unknown"))])
async def test_interrupted_items_are_repeated_only_if_safe(
    any_journal: AnyJournal, make: Make, reported: dict[str, str]
) -> None:
    arrived = anyio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        if len(service.seen) == 3:
            arrived.set()
        await anyio.sleep_forever()
        raise AssertionError

    service = Service(serve)
    asp = smart_properties(service)
    async with fleet.run(make(asp), list("abcdef"), journal=any_journal, job="a job", concurrency=3) as run:
        await arrived.wait()
    assert statuses(run.in_flight) == dict.fromkeys("abc", "unknown")
    report, sent = await run_job(any_journal, make, MADE if make is create else None, items=list("abcdef"))
    assert {key: status for key, status in statuses(report).items() if status != "done"} == reported
    assert sorted(sent) == sorted(set("abcdef") - set(reported))
    for outcome in report.unknown:
        (failure,) = outcome.failures
        assert (failure.status, failure.code) == ("unknown", "Interrupted")
        assert "an earlier run was interrupted" in failure.description
        assert "an earlier run was interrupted" in str(outcome.error)


async def test_ended_items_are_recorded_when_the_run_is_left(any_journal: AnyJournal) -> None:
    asp = smart_properties(Service())
    async with fleet.run(get(asp), ROOMS, journal=any_journal, concurrency=6) as run:
        with anyio.fail_after(10):
            while run.progress.done < 6:  # noqa: ASYNC110 - there is no event for it
                await anyio.sleep(0.001)
    # No outcome was taken.
    assert statuses(run.in_flight) == dict.fromkeys(ROOMS, "done")
    assert rows(any_journal) == dict.fromkeys(ROOMS, ("done", 0))
