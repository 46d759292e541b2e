"""Calls while a run is left, and after it: none waits for a journal that is no longer written."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from alexa_props import errors, fleet
from tests.fleet.helpers import MADE, AnyJournal, create, get, outcomes, room_of, rows, run_job
from tests.helpers import Service, smart_properties


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


TIMEOUT = 5  # seconds, which pass only if the journal is broken


@pytest.mark.parametrize("leave", ["break", "cancelled", "every task cancelled"])
async def test_cleanup_calls_are_recorded_after_the_run_is_left(
    any_journal: AnyJournal, anyio_backend: str, leave: str
) -> None:
    if leave == "every task cancelled" and anyio_backend == "trio":
        pytest.skip(reason="only asyncio cancels every task when its loop shuts down")
    arrived = anyio.Event()
    refused: list[errors.JournalError] = []

    async def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return MADE
        arrived.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def call(room: str) -> None:
        try:
            await get(asp)(room)
        finally:
            with anyio.move_on_after(TIMEOUT, shield=True) as scope:
                try:
                    await create(asp)(f"clean {room}")
                except errors.JournalError as error:
                    refused.append(error)
            assert not scope.cancelled_caught

    async def leaves() -> None:
        async with fleet.run(call, ["a"], journal=any_journal, job="a job"):
            await arrived.wait()
            if leave == "cancelled":
                tasks.cancel_scope.cancel()
                await anyio.lowlevel.checkpoint()
            elif leave == "every task cancelled":
                for task in asyncio.all_tasks() - before:
                    task.cancel()
                await asyncio.sleep(0)

    before = asyncio.all_tasks() if anyio_backend == "asyncio" else set()
    service = Service(serve)
    asp = smart_properties(service)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leaves)
    created = [room_of(seen) for seen in service.seen if seen.method == "POST"]
    # It was recorded and sent, or neither.
    assert created == ([] if refused else ["clean a"])
    assert leave == "every task cancelled" or not refused
    assert rows(any_journal) == {"a": ("started", int(not refused))}
    report, _ = await run_job(any_journal, create, MADE, items=["a"])
    assert [outcome.status for outcome in report] == (["done"] if refused else ["unknown"])


async def test_unsafe_call_after_the_run_is_refused(any_journal: AnyJournal) -> None:
    ended = anyio.Event()
    refused: list[str] = []

    async def late(room: str) -> None:
        await ended.wait()
        with anyio.fail_after(TIMEOUT):
            await get(asp)(room)
            with pytest.raises(errors.JournalError) as caught:
                await create(asp)(room)
        refused.append(str(caught.value))

    async def call(room: str) -> None:
        tasks.start_soon(late, room)

    service = Service()
    asp = smart_properties(service)
    async with anyio.create_task_group() as tasks:
        assert len(await outcomes(call, ["a", "b"], journal=any_journal, job="a job")) == 2
        ended.set()
    assert [seen.method for seen in service.seen] == ["GET", "GET"]
    assert all("is closed because its run has ended" in text for text in refused)
    assert len(refused) == 2
    # Neither a permit nor a connection is held.
    assert all((scope.waiting, scope.in_flight) == (0, 0) for scope in asp.limits.values())
    with anyio.fail_after(TIMEOUT):
        await asp.aclose()
