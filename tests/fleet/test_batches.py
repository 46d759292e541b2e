"""`fleet.run_many`: one call for many items, and an outcome for each."""

from __future__ import annotations

import functools
import json
import pickle
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx
import pytest

from alexa_props import SmartProperties, errors, fleet
from alexa_props.arguments import require_ids
from alexa_props.fleet import BatchItemFailed, Outcome
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.protocol import numbered
from alexa_props.smart_properties.skills import AccountLinkRequest, EnablementRequest
from tests.fleet.helpers import forget_limits
from tests.helpers import Script, Service, answer, smart_properties

ADD_MANY = Group("things", "things.html").post("add_many", "/v1/things/{thing_id}/batch", read_batch, nullable=True)
REPLACE_MANY = Group("things", "things.html").post(
    "replace_many", "/v1/things/batch", read_batch, nullable=True, idempotent=True
)
ROOMS = [f"room-{number}" for number in range(10)]


class Things:
    """An API group whose items go out in batches of four."""

    def __init__(self, asp: SmartProperties) -> None:
        self.asp = asp

    @batched(4)
    async def add_many(self, thing_id: str, units: Sequence[str]) -> BatchResult:
        items = numbered("units", [{"unitId": unit} for unit in require_ids("units", units)])
        return await self.asp.call(ADD_MANY, {"thing_id": thing_id, "items": items}) or BatchResult()

    @batched(4)
    async def replace_many(self, units: Sequence[str]) -> BatchResult:
        items = numbered("units", [{"unitId": unit} for unit in units])
        return await self.asp.call(REPLACE_MANY, {"items": items}) or BatchResult()


def things(*script: Script) -> tuple[Any, Service]:
    service = Service(*script)
    return functools.partial(Things(smart_properties(service)).add_many, "thing-1"), service


def units_of(content: bytes) -> list[str]:
    return [item["unitId"] for item in json.loads(content)["items"]]


async def run(call: Any, items: Any = ROOMS, **options: Any) -> list[Outcome[Any, Any]]:
    async with fleet.run_many(call, items, **options) as this:
        return [outcome async for outcome in this]


async def rooms() -> AsyncIterator[str]:
    for room in ROOMS:
        await anyio.lowlevel.checkpoint()
        yield room


@pytest.mark.parametrize("items", [ROOMS, iter(ROOMS), rooms()], ids=["list", "iterator", "async iterator"])
async def test_splits_items_by_the_size_of_the_method(items: Any) -> None:
    call, service = things(202)
    outcomes = await run(call, items, ordered=True)
    assert [units_of(seen.content) for seen in service.seen] == [ROOMS[:4], ROOMS[4:8], ROOMS[8:]]
    assert [(outcome.key, outcome.status) for outcome in outcomes] == [(room, "done") for room in ROOMS]


async def test_a_size_replaces_that_of_the_method() -> None:
    call, service = things(202)
    report = await fleet.collect_many(call, ROOMS, size=100)
    assert ([len(units_of(seen.content)) for seen in service.seen], report.counts["done"]) == ([10], 10)


async def test_a_function_without_a_size_needs_one() -> None:
    async def call(_: Sequence[str]) -> None:
        pass

    with pytest.raises(errors.ConfigurationError, match="size is needed"):
        await run(call)
    for size in (0, True, 2.5):
        with pytest.raises(errors.ConfigurationError, match="size must be a whole number"):
            await run(call, size=size)


RESULTS: list[Any] = [
    {"results": [{"itemId": 0, "statusCode": 200}, {"itemId": 2, "statusCode": 404, "message": "no unit"}]},
    {"errors": [{"itemId": "2", "code": "NOT_FOUND", "description": "no unit"}]},
    {"items": [{"itemId": "2", "error": {"code": "NOT_FOUND", "message": "no unit"}}]},
]


@pytest.mark.parametrize("status", [200, 202, 207])
@pytest.mark.parametrize("body", RESULTS, ids=["results", "errors", "items"])
async def test_reports_the_item_that_failed(status: int, body: Any) -> None:
    call, _ = things(answer(status, body, x_amzn_requestid="r-1"), 200)
    outcomes = await run(call, ROOMS[:4], ordered=True)
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed", "done"]
    error = outcomes[2].error
    assert isinstance(error, BatchItemFailed)
    assert error.code in ("404", "NOT_FOUND")
    assert str(error).startswith("things.add_many('room-2'): ")
    assert str(error).endswith('"no unit" (request id r-1)')
    failure = outcomes[2].failures[0]
    assert (failure.code, failure.operation, failure.request_id) == (error.code, "things.add_many", "r-1")


async def test_a_secret_that_the_service_quotes_for_an_item_is_hidden() -> None:
    quoted = {"errors": [{"itemId": 0, "code": "BAD", "message": "the code s3cr3t-c0de was used"}]}
    link = AccountLinkRequest("s3cr3t-c0de", "https://example.com")
    asp = smart_properties(Service(answer(207, quoted)))
    call = functools.partial(asp.skills.enable_many, "skill-1")
    [outcome] = await run(call, [EnablementRequest("room-0", account_link_request=link)])
    assert outcome.status == "failed"
    assert "s3cr3t" not in f"{outcome.error}{outcome.failures}{outcome.key}"


async def test_a_failure_without_a_position_leaves_the_items_of_its_batch_unknown() -> None:
    call, _ = things(answer(207, {"errors": [{"itemId": 1, "code": "A"}, {"code": "B"}]}), 202)
    outcomes = await run(call, ROOMS[:5], ordered=True)
    assert [outcome.status for outcome in outcomes] == ["unknown", "failed", "unknown", "unknown", "done"]


@pytest.mark.parametrize("item_id", [-1, 4, "9" * 5000, 10**30, "x", None, 1.5, True, [1]])
async def test_a_failure_of_no_item_leaves_the_items_of_its_batch_unknown(item_id: Any) -> None:
    call, _ = things(answer(207, {"results": [{"itemId": item_id, "statusCode": 404}, {"itemId": 1}]}))
    outcomes = await run(call, ROOMS[:4], ordered=True)
    assert {outcome.status for outcome in outcomes} == {"unknown"}
    calls = [f"things.add_many({room!r})" for room in ROOMS[:4]]
    assert [str(outcome.error).partition(":")[0] for outcome in outcomes] == calls


@pytest.mark.parametrize("body", [{"errors": [{"code": "A"}]}, {"results": [{"itemId": 7, "statusCode": 404}]}])
async def test_a_failure_in_a_batch_of_one_is_of_its_item(body: Any) -> None:
    call, _ = things(answer(207, body))
    [outcome] = await run(call, ROOMS[:1])
    assert outcome.status == "failed"
    assert isinstance(outcome.error, BatchItemFailed)
    assert outcome.error.is_certain


@pytest.mark.parametrize("found", ["no unit", ["no unit"], {"1": "no unit"}, 3])
async def test_errors_of_another_form_are_never_a_success(found: Any) -> None:
    call, _ = things(answer(200, {"errors": found}))
    outcomes = await run(call, ROOMS[:4])
    assert {outcome.status for outcome in outcomes} == {"unknown"}


async def test_a_failure_counts_if_an_item_is_named_twice() -> None:
    results = [{"itemId": 1, "statusCode": 404}, {"itemId": "1", "statusCode": 200}]
    for body in ({"results": results}, {"results": results[::-1]}, {"items": results[:1], "results": results[1:]}):
        call, _ = things(answer(207, body))
        outcomes = await run(call, ROOMS[:3], ordered=True)
        assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]


async def test_an_item_whose_status_is_a_server_error_may_be_done() -> None:
    body = {
        "results": [{"itemId": number, "statusCode": status} for number, status in enumerate((503, 404, "9" * 5000))]
    }
    call, service = things(answer(207, body))
    outcomes = await run(call, ROOMS[:3], ordered=True)
    assert [outcome.status for outcome in outcomes] == ["unknown", "failed", "failed"]
    replaced = await run(Things(smart_properties(Service(answer(207, body)))).replace_many, ROOMS[:1])
    assert [outcome.status for outcome in replaced] == ["failed"]
    assert len(service.seen) == 1


async def test_too_many_results_are_an_invalid_response() -> None:
    call, _ = things(answer(200, {"results": [{}] * 50_001}))
    (outcome,) = await run(call, ROOMS[:1])
    assert isinstance(outcome.error, errors.DecodeError)


def refuse(*refused: str, status: int = 400) -> Script:
    def respond(request: httpx.Request) -> httpx.Response:
        return answer(status, {"message": "no"}) if {*refused} & {*units_of(request.content)} else answer(202)

    return respond


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_a_refused_batch_is_split_until_the_refused_item_is_alone(status: int) -> None:
    call, service = things(refuse("room-5", status=status))
    outcomes = await run(call, ordered=True)
    assert [outcome.key for outcome in outcomes if outcome.status == "failed"] == ["room-5"]
    assert [outcome.status for outcome in outcomes].count("done") == 9
    assert sorted(len(units_of(seen.content)) for seen in service.seen) == [1, 1, 2, 2, 2, 4, 4]


async def test_splitting_is_bounded_and_other_errors_do_not_split() -> None:
    call, service = things(400)
    outcomes = await run(call, [f"room-{number}" for number in range(100)], size=100)
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert len(service.seen) == 1 + 2 * 20
    for status in (401, 403, 500):
        call, service = things(status)
        outcomes = await run(call, ROOMS[:4])
        assert (len(outcomes), len(service.seen)) == (4, 1)


async def test_a_batch_that_must_not_be_split_fails_whole() -> None:
    @batched(4, may_split=False)
    async def send(units: Sequence[str]) -> BatchResult:
        return (
            await asp.call(REPLACE_MANY, {"items": numbered("units", [{"unitId": unit} for unit in units])})
            or BatchResult()
        )

    service = Service(400)
    asp = smart_properties(service)
    outcomes = await run(send, ROOMS[:4])
    assert ({outcome.status for outcome in outcomes}, len(service.seen)) == ({"failed"}, 1)


async def test_each_part_of_a_split_batch_has_an_outcome_of_its_own(tmp_path: Path) -> None:
    """The loss of one part says nothing about the others, and nothing of it is sent again."""
    call, service = things(400, httpx.ReadError, 404, 202, 404)
    outcomes = await run(call, ROOMS[:4], ordered=True, journal=tmp_path / "a.db", job="add")
    assert [units_of(seen.content) for seen in service.seen] == [
        ROOMS[:4],
        ROOMS[:2],
        ROOMS[2:4],
        ["room-2"],
        ["room-3"],
    ]
    assert [outcome.status for outcome in outcomes] == ["unknown", "unknown", "done", "failed"]
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 1, 1]


async def test_parts_that_the_service_did_not_handle_are_repeated_by_the_next_run(tmp_path: Path) -> None:
    call, _ = things(400, httpx.ReadError, answer(429, Retry_After="9999"))
    first = await run(call, ROOMS[:4], journal=tmp_path / "a.db", job="add", ordered=True)
    assert [outcome.status for outcome in first] == ["unknown", "unknown", "failed", "failed"]
    forget_limits(tmp_path / "a.db")
    call, service = things(202)
    await run(call, ROOMS[:4], journal=tmp_path / "a.db", job="add")
    assert [units_of(seen.content) for seen in service.seen] == [ROOMS[2:4]]


async def test_a_batch_that_waits_to_be_sent_in_parts_is_not_in_flight(tmp_path: Path) -> None:
    """The block is left while the first part is in flight: the next run sends the second one, and not the first."""
    sent = anyio.Event()

    async def respond(_: httpx.Request) -> httpx.Response:
        sent.set()
        await anyio.sleep_forever()
        raise AssertionError

    call, _ = things(400, respond)
    async with fleet.run_many(call, ROOMS[:4], concurrency=1, journal=tmp_path / "a.db", job="add") as this:
        await sent.wait()
        await anyio.sleep(0.01)
    assert [(outcome.key, outcome.status) for outcome in this.in_flight] == [(room, "unknown") for room in ROOMS[:2]]
    call, service = things(202)
    await run(call, ROOMS[:4], journal=tmp_path / "a.db", job="add")
    assert [units_of(seen.content) for seen in service.seen] == [ROOMS[2:4]]


@pytest.mark.apart
@pytest.mark.parametrize("ordered", [True, False])
async def test_a_resumed_run_fills_its_batches(tmp_path: Path, ordered: bool) -> None:
    """Items that are done are skipped before a call is made, also if there are more than outcomes are held."""
    rooms = [f"room-{number}" for number in range(3000)]
    missing = {rooms[0], *rooms[1000::700]}
    call, _ = things(202)
    await run(call, [room for room in rooms if room not in missing], journal=tmp_path / "a.db", job="add", size=500)
    call, service = things(202)
    with anyio.fail_after(20):
        outcomes = await run(call, rooms, journal=tmp_path / "a.db", job="add", ordered=ordered, concurrency=1)
    assert {outcome.key for outcome in outcomes} == missing
    sizes = [len(units_of(seen.content)) for seen in service.seen]
    assert sum(sizes) == len(missing)
    assert ordered or sizes == [4]


async def test_a_refused_batch_is_not_split_if_an_earlier_call_for_it_took_effect() -> None:
    service = Service(202, 400)
    group = Things(smart_properties(service))

    async def call(units: Sequence[str]) -> BatchResult:
        await group.add_many("thing-1", units)
        return await group.replace_many(units)

    outcomes = await run(call, ROOMS[:4], size=4)
    assert ({outcome.status for outcome in outcomes}, len(service.seen)) == ({"failed"}, 2)


async def test_one_item_that_cannot_be_sent_does_not_fail_the_others() -> None:
    call, service = things(202)
    outcomes = await run(call, [*ROOMS[:3], "", *ROOMS[3:]], size=20, key=lambda room: room or "none", ordered=True)
    assert [outcome.key for outcome in outcomes if outcome.status == "failed"] == ["none"]
    assert sorted(room for seen in service.seen for room in units_of(seen.content)) == ROOMS


async def test_a_lost_response_leaves_the_whole_batch_unknown() -> None:
    call, service = things(httpx.ReadError, 202)
    outcomes = await run(call, ROOMS[:6], ordered=True)
    assert [outcome.status for outcome in outcomes] == ["unknown"] * 4 + ["done"] * 2
    assert len(service.seen) == 2


async def test_resumes_without_the_items_that_are_done(tmp_path: Path) -> None:
    path = tmp_path / "things.db"
    call, service = things(answer(207, {"errors": [{"itemId": 1, "code": "BUSY"}]}), httpx.ReadError, 202)
    first = await run(call, journal=path, job="add", ordered=True)
    assert [outcome.status for outcome in first] == ["done", "failed", *["done"] * 2, *["unknown"] * 4, *["done"] * 2]
    call, service = things(202)
    # What may have been sent must not be sent twice, so nothing goes out again without retry_failed.
    second = await run(call, journal=path, job="add")
    assert {outcome.key: outcome.status for outcome in second} == {
        "room-1": "failed",
        **dict.fromkeys(ROOMS[4:8], "unknown"),
    }
    assert service.seen == []
    await run(call, [*ROOMS, "room-10"], journal=path, job="add", retry_failed=True)
    assert [units_of(seen.content) for seen in service.seen] == [["room-1", "room-10"]]


async def test_an_idempotent_batch_that_is_unknown_is_repeated(tmp_path: Path) -> None:
    service = Service(httpx.ReadError, 202)
    call = Things(smart_properties(service).with_options(retry=fast())).replace_many
    first = await run(call, ROOMS[:4], journal=tmp_path / "a.db", job="replace")
    assert {outcome.status for outcome in first} == {"unknown"}
    second = await run(call, ROOMS[:4], journal=tmp_path / "a.db", job="replace")
    assert {outcome.status for outcome in second} == {"done"}


def fast() -> Any:
    from alexa_props import RetryPolicy

    return RetryPolicy(max_attempts=1)


async def test_leaving_the_block_reports_every_item_of_a_batch_in_flight() -> None:
    sent = anyio.Event()

    async def respond(_: httpx.Request) -> httpx.Response:
        sent.set()
        await anyio.sleep_forever()
        raise AssertionError

    call, _ = things(respond)
    async with fleet.run_many(call, ROOMS, concurrency=1) as this:
        await sent.wait()
        # The request has left: whether the service handles it is not known.
        await anyio.sleep(0.01)
    assert [(outcome.key, outcome.status) for outcome in this.in_flight] == [(room, "unknown") for room in ROOMS[:4]]


class Raising:
    """An item of a result that cannot be read."""

    failed = True

    @property
    def item_id(self) -> str:
        raise LookupError("no id")

    def __repr__(self) -> str:
        raise LookupError("no repr")


INVALID: list[Any] = [["a list"], BatchResult, BatchResult(None), BatchResult((Raising(),)), BatchResult(({},))]  # type: ignore[arg-type]


@pytest.mark.parametrize("result", INVALID, ids=["list", "class", "no items", "raises", "a dict"])
async def test_an_invalid_result_ends_the_run_and_leaves_its_batch_unknown(result: Any) -> None:
    calls = 0

    async def call(_: Sequence[str]) -> Any:
        nonlocal calls
        calls += 1
        return result

    with pytest.raises(fleet.FleetStopped, match="must return a BatchResult or None") as stopped:
        await fleet.collect_many(call, ROOMS, size=4, concurrency=1)
    outcomes = stopped.value.report.outcomes
    assert ([(each.key, each.status) for each in outcomes], calls) == ([(room, "unknown") for room in ROOMS[:4]], 1)


async def test_a_failing_key_ends_the_run() -> None:
    def key(_: str) -> str:
        raise LookupError("no key")

    call, service = things(202)
    with pytest.raises(LookupError, match="no key"):
        await run(call, key=key)
    assert service.seen == []


async def test_duplicates_in_a_batch_are_called_once(tmp_path: Path) -> None:
    call, service = things(202)
    outcomes = await run(call, ["room-1", "room-1", "room-2"], journal=tmp_path / "a.db", job="add")
    assert units_of(service.seen[0].content) == ["room-1", "room-2"]
    assert sorted(outcome.key for outcome in outcomes) == ["room-1", "room-2"]


async def test_stops_early_when_too_much_fails() -> None:
    call, service = things(403)
    outcomes = await run(call, [f"room-{number}" for number in range(1000)], stop_on=1, concurrency=1)
    assert len(service.seen) == 1
    assert len(outcomes) == 4


@attrs.frozen
class Reading:
    """What a read says about one item."""

    item_id: int | str | None = None
    text: str | None = None


READ_MANY = Group("things", "things.html").list("read_many", "/v1/things/query", Reading, method="POST")


async def test_a_batch_that_reads_gives_each_item_its_part_of_all_pages() -> None:
    pages = [
        {"results": [{"itemId": 1, "text": "b"}], "paginationContext": {"nextToken": "t"}},
        {"results": [{"itemId": "0", "text": "a"}]},
    ]
    service = Service(*(answer(200, page) for page in pages), answer(200, {"results": []}))
    asp = smart_properties(service)

    def read(rooms: Sequence[str]) -> Pager[Reading]:
        return asp.pager(READ_MANY, {"items": numbered("rooms", [{"unitId": room} for room in rooms])})

    outcomes = await run(read, ROOMS[:5], size=3, ordered=True)
    assert [outcome.value for outcome in outcomes] == [Reading("0", "a"), Reading(1, "b"), None, None, None]
    assert {outcome.status for outcome in outcomes} == {"done"}


async def test_what_the_service_repeats_of_a_secret_is_in_no_result(tmp_path: Path) -> None:
    code = "canary-code-42-of-the-account"
    said = {"message": f"the code {code} is invalid", "code": code, code: [[code]]}
    body = {"results": [{"itemId": 0, "statusCode": 400, **said}, {"itemId": 1, "statusCode": 200, **said}]}
    asp = smart_properties(Service(answer(207, body)))
    link = AccountLinkRequest(code, "https://example.com")
    call = functools.partial(asp.skills.enable_many, "skill-1")
    requests = [EnablementRequest(room, account_link_request=link) for room in ROOMS[:2]]
    report = await fleet.collect_many(
        call, requests, key=lambda each: str(each.unit_id), journal=tmp_path / "a.db", job="x"
    )
    assert [outcome.status for outcome in report.outcomes] == ["failed", "done"]
    assert str(report.outcomes[0].error) == "skills.enable_many('room-0'): 400 … \"the code … is invalid\""
    shown = [repr(report.outcomes), *map(repr, report.to_rows()), (tmp_path / "a.db").read_bytes().decode("latin-1")]
    shown += [
        pickle.dumps((each.error, each.value, getattr(each.value, "raw", None))).decode("latin-1")
        for each in report.outcomes
    ]
    assert "canary" not in "".join(shown)
