"""Contexts and tasks of items: each has its own copy of the context, and there are as few tasks as the items need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from alexa_props import fleet
from tests.fleet.helpers import echo, outcomes, takes
from tests.helpers import virtual_time

hotel: ContextVar[str] = ContextVar("hotel", default="none")
room_now: ContextVar[str] = ContextVar("room_now", default="none")


@pytest.fixture(params=["asyncio", virtual_time()], ids=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_items_have_separate_copies_of_the_context(asynchronous: bool) -> None:
    seen: list[tuple[str, str]] = []

    async def call(room: str) -> None:
        seen.append((hotel.get(), room_now.get()))
        hotel.set(f"changed by {room}")
        for _ in range(int(room) % 3):
            await anyio.lowlevel.checkpoint()
        assert (hotel.get(), room_now.get()) == (f"changed by {room}", room)
        raise ValueError(room)

    def key(room: str) -> str:
        seen.append((hotel.get(), room_now.get()))
        room_now.set(room)
        return room

    def stop_on(outcome: fleet.Outcome[Any, Any]) -> bool:
        assert (hotel.get(), room_now.get()) == (f"changed by {outcome.key}", outcome.key)
        room_now.set("stop_on")
        return False

    def items() -> Iterator[str]:
        for number in range(30):
            # The items have their own context, too, and keep it.
            assert hotel.get() == ("Seaside" if number == 0 else "source")
            hotel.set("source")
            yield str(number)

    async def later() -> AsyncIterator[str]:
        for item in items():
            yield item

    hotel.set("Seaside")
    run = fleet.run(call, later() if asynchronous else items(), key=key, stop_on=stop_on, concurrency=3, ordered=True)
    async with run as this:
        # The context was copied when the block was entered.
        hotel.set("block")
        found = [outcome async for outcome in this]
    assert [(outcome.key, type(outcome.error)) for outcome in found] == [(str(n), ValueError) for n in range(30)]
    assert sorted(seen) == sorted(
        [("Seaside", "none"), *(("Seaside", str(n)) for n in range(30))] + [("Seaside", "none")] * 29
    )
    assert hotel.get() == "block"


async def test_tasks_and_threads_inherit_the_context_of_their_item() -> None:
    seen: dict[str, list[str]] = {}

    async def call(room: str) -> None:
        hotel.set(room)

        async def child() -> None:
            await anyio.lowlevel.checkpoint()
            seen[room].append(hotel.get())

        seen[room] = [await anyio.to_thread.run_sync(hotel.get)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child)

    await outcomes(call, ["a", "b", "c"], concurrency=2)
    assert seen == {room: [room, room] for room in "abc"}


async def test_nested_run_inherits_the_context_of_its_item() -> None:
    async def inner(room: str) -> str:
        return f"{hotel.get()}/{room}"

    async def call(name: str) -> list[Any]:
        hotel.set(name)
        return [outcome.value for outcome in await fleet.collect(inner, ["1", "2"], ordered=True)]

    found = await outcomes(call, ["a", "b"], ordered=True)
    assert [outcome.value for outcome in found] == [["a/1", "a/2"], ["b/1", "b/2"]]


async def test_generator_can_reset_its_context_variables() -> None:
    def items() -> Iterator[str]:
        token = hotel.set("source")
        try:
            yield from map(str, range(100))
        finally:
            hotel.reset(token)
            closed.append(hotel.get())

    closed: list[str] = []
    async with fleet.run(echo, items(), concurrency=3) as run:
        async for _ in run:
            break
    assert closed == ["none"]


# Workers.


async def tasks_of(call: Callable[[str], Any], items: Any, **options: Any) -> int:
    """Return the most tasks that a run has, on asyncio."""
    before, most = len(asyncio.all_tasks()), 0

    async def counting(item: str) -> None:
        nonlocal most
        most = max(most, len(asyncio.all_tasks()) - before)
        await call(item)
        most = max(most, len(asyncio.all_tasks()) - before)

    await outcomes(counting, items, **options)
    return most


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_few_items_need_few_tasks(asynchronous: bool) -> None:
    async def later() -> AsyncIterator[str]:
        for seconds in ("0.01", "0.02", "0.03"):
            yield seconds

    items = later() if asynchronous else ["0.01", "0.02", "0.03"]
    # One per item, one that finds no more items, and one that reads.
    assert await tasks_of(takes, items, concurrency=300_000) <= 5


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_items_that_never_wait_need_few_tasks() -> None:
    assert await tasks_of(echo, map(str, range(2000)), concurrency=300_000) <= 10


async def test_reading_ahead_depends_on_tasks_not_on_concurrency() -> None:
    read = taken = most = 0

    def items() -> Iterator[str]:
        nonlocal read
        for read in range(1, 5001):
            yield str(read)

    async with fleet.run(echo, items(), concurrency=300_000) as run:
        async for _ in run:
            taken += 1
            most = max(most, read - taken)
    assert (taken, most < 300) == (5000, True)


@pytest.mark.parametrize("anyio_backend", [virtual_time()])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_uses_the_given_concurrency(asynchronous: bool) -> None:
    now = peak = 0

    async def call(_: object) -> None:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        await anyio.sleep(1)
        now -= 1

    async def later() -> AsyncIterator[int]:
        for number in range(600):
            yield number

    started = anyio.current_time()
    await outcomes(call, later() if asynchronous else range(600), concurrency=200)
    assert peak == 200
    assert anyio.current_time() - started == pytest.approx(3)
