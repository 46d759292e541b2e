"""Runs that end before their items do: left, cancelled or stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from alexa_props import RateLimit, fleet
from alexa_props.fleet import FleetStopped, Outcome
from tests.fleet.helpers import Source, drain, echo, get, never, outcomes, room_of, statuses, takes
from tests.helpers import Service, smart_properties, virtual_time


@pytest.fixture
def anyio_backend() -> Any:
    return virtual_time()


# Leaving early.


@pytest.mark.parametrize("leave", ["by break", "by an exception", "cancelled", "before it began", "to its end"])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_items_are_closed_however_the_run_ends(leave: str, asynchronous: bool) -> None:
    source = Source(100)
    closed = False

    def items() -> Iterator[str]:
        nonlocal closed
        try:
            yield from map(str, range(100))
        finally:
            closed = True

    given = source.items() if asynchronous else items()
    with anyio.CancelScope() as scope:
        try:
            async with fleet.run(takes if leave == "to its end" else echo, given, key=lambda _: "0") as run:
                if leave == "before it began":
                    # They were never read, so there is nothing to close.
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
                async for _ in run:
                    if leave == "by break":
                        break
                    if leave == "by an exception":
                        raise KeyError(leave)
                    if leave == "cancelled":
                        scope.cancel()
        except KeyError:
            assert leave == "by an exception"
    assert source.closed or closed or not (source.read or leave != "before it began")


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_exception_while_closing_the_items_is_logged(
    asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def items() -> Iterator[str]:
        try:
            yield from map(str, range(100))
        finally:
            raise ValueError("not closed")

    async def later() -> AsyncIterator[str]:
        try:
            for item in map(str, range(100)):
                yield item
        finally:
            raise ValueError("not closed")

    async with fleet.run(echo, later() if asynchronous else items()) as run:
        assert (await anext(run)).status == "done"
    assert "the items of a run failed while they were closed" in caplog.text


async def test_exception_in_the_block_is_raised_unchanged() -> None:
    service = Service(latency=1)
    asp = smart_properties(service)

    async def leave() -> None:
        async with fleet.run(get(asp), map(str, range(1000)), concurrency=5) as run:
            await anext(run)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await leave()
    assert service.active == 0
    seen = len(service.seen)
    await anyio.sleep(60)
    assert len(service.seen) == seen <= 10
    assert all(scope.waiting == scope.in_flight == 0 for scope in asp.limits.values())


async def test_in_flight_reports_interrupted_items() -> None:
    service = Service(lambda request: None, latency=1)
    asp = smart_properties(service, rate_limit=RateLimit(per_second=2))

    async def call(room: str) -> str:
        # The third room is interrupted between two calls.
        if room == "c":
            await get(asp)(room)
            await anyio.sleep(100)
        await get(asp)(room)
        return room

    async with fleet.run(call, ["a", "b", "c", "d", "e", "f", "g", "h"], concurrency=6) as run:
        assert run.progress.in_flight == 0
        assert (await anext(run)).key == "a"
        await anyio.sleep(0.7)
        assert run.progress.in_flight > 0
    left = {outcome.key: outcome for outcome in run.in_flight}
    sent = {room_of(seen) for seen in service.seen}
    # One had ended and was not taken, others are in flight, and nothing was sent for the queued ones.
    assert sent == {"a", *left}
    assert {"g", "h"}.isdisjoint(sent)
    assert (left["b"].status, left["b"].value, left["b"].error) == ("done", "b", None)
    for key, outcome in left.items():
        if key != "b":
            assert (outcome.status, outcome.item) == ("unknown", key)
            assert outcome.attempts == 1
            (failure,) = outcome.failures
            assert (failure.status, failure.code) == ("unknown", "Interrupted")
            assert key in failure.description
    assert all(scope.waiting == scope.in_flight == 0 for scope in asp.limits.values())


async def test_in_flight_has_outcomes_delayed_by_the_order() -> None:
    async with fleet.run(takes, ["9", "1", "2", "0"], ordered=True) as run:
        await anyio.sleep(5)
    assert [(outcome.key, outcome.status) for outcome in run.in_flight] == [
        ("1", "done"),
        ("2", "done"),
        ("0", "done"),
        # It was interrupted, and other work than calls of a client is not counted.
        ("9", "unknown"),
    ]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_cancelled_awaitable_of_a_call_fails_its_item() -> None:
    service = Service()
    asp = smart_properties(service)

    async def call(room: str) -> None:
        if room == "sent":
            service.latency = 60
        wait: Coroutine[Any, Any, Any] = asyncio.sleep(0 if room == "fine" else 60)
        if room == "sent":
            wait.close()
            wait = get(asp)(room)
        inner = asyncio.create_task(wait)
        if room != "fine":
            asyncio.get_running_loop().call_later(0.01, inner.cancel)
        await inner

    with anyio.fail_after(30):
        found = await outcomes(call, ["cut", "sent", *["fine"] * 100], ordered=True, concurrency=2)
    assert statuses(found) == {"cut": "failed", "sent": "unknown", "fine": "done"}
    assert len(found) == 102
    assert {failure.code for outcome in found for failure in outcome.failures} == {"CancelledError"}


def test_run_ends_with_its_event_loop() -> None:
    begun: list[str] = []

    async def call(room: str) -> None:
        begun.append(room)
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(outcomes(call, map(str, range(100)), concurrency=3))
        while len(begun) < 3:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        assert not task.done()

    # The loop cancels all tasks together, in any order.
    for _ in range(20):
        begun.clear()
        asyncio.run(main())
        assert len(begun) == 3


async def test_cancelled_consumer_gets_no_further_outcome() -> None:
    async with fleet.run(echo, ["a", "b"]) as run:
        await anyio.sleep(1)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anext(run)
    assert scope.cancelled_caught
    assert len(run.in_flight) == 2


# Stopping.


async def test_stop_lets_begun_items_end() -> None:
    service = Service(latency=1)
    asp = smart_properties(service)
    found = []
    async with fleet.run(get(asp), map(str, range(1000)), concurrency=5) as run:
        async for outcome in run:
            found.append(outcome)
            if len(found) == 7:
                run.stop("enough")
                run.stop("again")
                seen = len(service.seen)
        assert run.stopped == "enough"
    assert len(found) == len(service.seen) == seen
    assert {outcome.status for outcome in found} == {"done"}
    assert run.in_flight == ()


async def test_stop_does_not_wait_for_the_next_item() -> None:
    begun: list[str] = []

    async def rooms() -> AsyncIterator[str]:
        yield "a"
        await anyio.sleep_forever()
        yield "b"

    async def call(room: str) -> None:
        begun.append(room)
        await anyio.sleep(1)

    async with fleet.run(call, rooms()) as run:
        with anyio.fail_after(10):
            async for _ in run:
                run.stop()
    assert (begun, run.stopped) == (["a"], "stop() was called")


async def test_item_read_after_stop_is_not_begun() -> None:
    begun: list[str] = []

    async def rooms() -> AsyncIterator[str]:
        yield "a"
        with anyio.CancelScope(shield=True):
            await anyio.sleep(5)
        yield "b"

    async def call(room: str) -> None:
        begun.append(room)
        # By then the next item is being read.
        await anyio.sleep(1)

    async with fleet.run(call, rooms()) as run:
        async for _ in run:
            run.stop()
    assert begun == ["a"]


async def test_item_that_is_being_read_at_the_stop_is_not_begun() -> None:
    def rooms() -> Iterator[str]:
        yield "0"
        run.stop()
        yield "1"

    async with fleet.run(takes, rooms()) as run:
        assert [outcome.key async for outcome in run] == ["0"]


async def test_stop_before_the_first_item() -> None:
    async with fleet.run(never, ["a"]) as run:
        run.stop()
        assert [outcome async for outcome in run] == []


def failing(bad: Callable[[int], bool]) -> Callable[[str], Any]:
    async def call(number: str) -> None:
        if bad(int(number)):
            raise ValueError(number)

    return call


STOPS: list[tuple[Callable[[int], bool], Any, int | None, str | None]] = [
    # A share needs 20 outcomes.
    (lambda n: True, 0.5, 20, "20 of the latest 20 items are not done (stop_on=0.5)"),
    (lambda n: n == 3, 0.0, 20, "1 of the latest 20 items are not done"),
    (lambda n: n % 10 == 0, 0.1, 21, "3 of the latest 21 items are not done (stop_on=0.1)"),
    (lambda n: n % 10 == 5, 0.12, None, None),
    (lambda n: n >= 50, 0.5, 101, "51 of the latest 100 items are not done (stop_on=0.5)"),
    # However many were done before.
    (lambda n: n >= 150, 0.3, 181, "31 of the latest 100 items are not done (stop_on=0.3)"),
    (lambda n: n >= 5, 3, 8, "3 items are not done (stop_on=3)"),
    (lambda n: n == 5, 1, 6, "1 items are not done (stop_on=1)"),
    (lambda n: n < 5, 6, None, None),
    (lambda n: n > 5, lambda outcome: outcome.key == "9", 10, "is true of 9"),
    (lambda n: n < 5, lambda outcome: outcome.status == "done", None, None),
]


async def test_stop_on() -> None:
    for bad, stop_on, ended, reason in STOPS:
        report = await fleet.collect(failing(bad), map(str, range(200)), stop_on=stop_on, concurrency=1)
        assert len(report) == (200 if ended is None else ended)
        assert (report.stopped is None) if reason is None else (reason in (report.stopped or ""))


def wrong(outcome: Outcome[Any, Any]) -> bool:
    raise LookupError(outcome.key)


@pytest.mark.parametrize(
    ("stop_on", "text"),
    [
        (wrong, r"stop_on=wrong failed: 7, after 8"),
        # It returns a coroutine, which is true for every outcome.
        (lambda outcome: echo(item=outcome), r"failed: stop_on must not be async: it returned .*, after 8"),
    ],
)
async def test_failing_stop_on_ends_the_run(stop_on: Any, text: str) -> None:
    with pytest.raises(FleetStopped, match=text) as caught:
        await fleet.collect(failing(lambda number: number == 7), map(str, range(200)), stop_on=stop_on, concurrency=1)
    assert len(caught.value.report) == 8


async def test_first_error_is_raised_after_all_begun_items() -> None:
    async def call(seconds: str) -> None:
        await anyio.sleep(float(seconds))
        raise ValueError(seconds)

    async with fleet.run(call, ["1", "2"], stop_on=wrong, concurrency=2) as run:
        found, error = await drain(run)
    assert (statuses(found), str(error)) == ({"1": "failed", "2": "failed"}, "1")
