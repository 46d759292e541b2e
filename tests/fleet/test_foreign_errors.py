"""Exceptions that steer Python or the event loop, raised by foreign code: none ends a run silently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from alexa_props import fleet
from alexa_props.concurrency import gather
from alexa_props.fleet import FleetStopped
from tests import loops
from tests.fleet.helpers import drain, echo, outcomes, statuses
from tests.helpers import cancellation, virtual_time

ROOMS = [str(number) for number in range(1000)]


@pytest.fixture(params=["asyncio", virtual_time()], ids=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def made(kind: type[BaseException] | None) -> BaseException:
    return await cancellation() if kind is None else kind("odd")


def fail_at(number: str, error: BaseException, *, always: bool = False) -> Callable[[Any], Any]:
    """Return a function of an item, or of its outcome, that raises for one of them."""

    def function(item: Any) -> str:
        key: str = getattr(item, "key", item)
        if always or key == number:
            raise error
        return "" if hasattr(item, "key") else key

    return function


def plain(error: BaseException) -> Iterator[str]:
    yield from ROOMS[:28]
    raise error


async def asynchronous(error: BaseException) -> AsyncIterator[str]:
    for room in ROOMS[:28]:
        yield room
    raise error


@pytest.mark.parametrize("where", ["items", "async items", "key", "stop_on"])
async def test_foreign_exception_ends_the_run_after_begun_items(where: str) -> None:
    for kind in (None, StopIteration, StopAsyncIteration, GeneratorExit, anyio.EndOfStream):
        await check_end_of_run(where, await made(kind))


async def check_end_of_run(where: str, error: BaseException) -> None:

    async def call(room: str) -> None:
        # The last items are in flight when the error is raised.
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        if where == "stop_on" and room == "27":
            raise ValueError(room)

    def options() -> dict[str, Any]:
        if where in ("items", "async items"):
            return {"items": plain(error) if where == "items" else asynchronous(error)}
        return {"items": ROOMS, where: fail_at("27", error)}

    async with fleet.run(call, concurrency=4, ordered=True, **options()) as run:
        found, raised = await drain(run)
    least = 28 if where != "key" else 27
    assert [outcome.key for outcome in found[:least]] == ROOMS[:least]
    assert len(found) <= least + 4
    assert isinstance(raised, Exception)
    assert error in (raised, raised.__cause__)
    assert run.stopped is not None
    assert run.in_flight == ()

    with pytest.raises(FleetStopped) as caught:
        await fleet.collect(call, concurrency=4, **options())
    assert least <= len(caught.value.report) <= least + 4
    reason = caught.value.__cause__
    assert reason is not None
    assert error in (reason, reason.__cause__)


@pytest.mark.parametrize("early", [False, True], ids=["awaited", "not awaited"])
async def test_exception_of_a_call_fails_only_its_item(early: bool) -> None:
    for kind in (None, StopIteration, StopAsyncIteration, GeneratorExit):
        await check_one_failed_item(await made(kind), early=early)


async def check_one_failed_item(error: BaseException, *, early: bool) -> None:

    def immediately(room: str) -> Any:
        if room == "7":
            raise error
        return echo(room)

    async def later(room: str) -> Any:
        await anyio.lowlevel.checkpoint()
        return await immediately(room)

    found = await outcomes(immediately if early else later, ROOMS[:50], ordered=True, concurrency=3)
    assert [outcome.key for outcome in found] == ROOMS[:50]
    (odd,) = [outcome for outcome in found if outcome.status != "done"]
    assert odd.key == "7"
    assert isinstance(odd.error, Exception)
    assert error in (odd.error, odd.error.__cause__)


async def test_exception_of_a_progress_function_does_not_end_the_run(caplog: pytest.LogCaptureFixture) -> None:
    for kind in (None, StopAsyncIteration, GeneratorExit):
        error = await made(kind)
        assert len(await outcomes(echo, ROOMS[:50], progress=fail_at("", error, always=True))) == 50
        assert [record.message.split(";")[0] for record in caplog.records] == ["showing the progress failed"]
        caplog.clear()
    assert len(await outcomes(echo, ROOMS[:50], progress=lambda state: echo(item=state))) == 50
    assert "progress must not be async" in caplog.text


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_cancellation_while_closing_the_items_is_logged(
    asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    error = await cancellation()

    def items() -> Iterator[str]:
        try:
            yield from ROOMS
        finally:
            raise error

    class Few(AsyncIterator[str]):
        def __init__(self) -> None:
            self.left = iter(ROOMS[:3])

        async def __anext__(self) -> str:
            for room in self.left:
                return room
            raise StopAsyncIteration

        async def aclose(self) -> None:
            raise error

    async with fleet.run(echo, Few() if asynchronous else items(), concurrency=2) as run:
        found = [await anext(run) for _ in range(3)]
        if not asynchronous:
            # An async iterator ends by itself: if the run is stopped, its closing may be cancelled by the run.
            run.stop()
        async for outcome in run:
            found.append(outcome)  # noqa: PERF401 - the first three were not taken in a loop
    assert [outcome.status for outcome in found[:3]] == ["done"] * 3
    assert [record.message for record in caplog.records] == ["the items of a run failed while they were closed"]


async def test_gather_raises_a_foreign_cancellation() -> None:
    error = await cancellation()

    async def fails() -> None:
        raise error

    with pytest.raises(Exception, match="was cancelled, and not by its caller") as caught:
        await gather([anyio.sleep_forever, fails])
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("anyio_backend", loops.EVERY)
class TestOnAsyncio:
    @pytest.mark.parametrize("way", ["task", "scope", "timeout"])
    async def test_run_can_be_cancelled_from_outside(self, way: str) -> None:
        begun: list[str] = []
        ended: list[object] = []

        async def call(room: str) -> None:
            begun.append(room)
            if way == "timeout" and len(begun) == 3:
                limit.reschedule(0)
            try:
                await anyio.sleep(60)
            finally:
                ended.append(room)

        async def main() -> None:
            await fleet.collect(call, iter(ROOMS), concurrency=3, key=str)

        async def leave() -> None:
            while len(begun) < 3:  # noqa: ASYNC110 - a few turns of the loop
                await asyncio.sleep(0)
            (task.cancel if way == "task" else scope.cancel)()

        limit = asyncio.timeout(None)
        if way == "timeout":
            with pytest.raises(TimeoutError):
                async with limit:
                    await main()
        elif way == "task":
            task = asyncio.create_task(main())
            await leave()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            async with anyio.create_task_group() as tasks:
                with anyio.CancelScope() as scope:
                    tasks.start_soon(leave)
                    await main()
            assert scope.cancelled_caught
        assert begun == ROOMS[:3]
        assert len(ended) == 3

    async def test_call_that_cancels_its_own_task_fails_only_its_item(self) -> None:
        async def call(room: str) -> None:
            task = asyncio.current_task()
            assert task is not None
            # The task groups and timeouts of the next item would take a remaining request for a new one.
            assert task.cancelling() == 0
            if room == "1":
                task.cancel()
                await asyncio.sleep(0)

        found = await outcomes(call, ROOMS[:4], concurrency=1)
        assert statuses(found) == {"0": "done", "1": "failed", "2": "done", "3": "done"}

    async def test_cancelling_the_tasks_of_a_run_raises(self) -> None:
        async def rooms() -> AsyncIterator[str]:
            for room in ROOMS[:3]:
                yield room
            await anyio.wait_all_tasks_blocked()
            for task in asyncio.all_tasks() - {asyncio.current_task(), *others}:
                task.cancel()
            await anyio.sleep(60)

        others = asyncio.all_tasks()
        with anyio.fail_after(10), pytest.raises(FleetStopped, match="was cancelled, and not by its caller") as caught:
            await fleet.collect(echo, rooms(), concurrency=3)
        assert statuses(caught.value.report) == dict.fromkeys(ROOMS[:3], "done")
