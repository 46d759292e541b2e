"""Many processes and one login: their store fails, forgets or jumps in time, and calls are cancelled."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import errors
from tests import loops
from tests.auth.sharing import Process, killed, processes, sent
from tests.auth.stores import Strict, failures
from tests.helpers import ORIGIN, Amazon, gather, virtual_time
from tests.shared.memory import MemoryShared


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


@pytest.mark.parametrize("fault", ["down", "hung"])
async def test_without_the_store_a_valid_token_is_used_and_no_other_is_requested(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    amazon, shared = Strict(), MemoryShared()
    one, late = processes(2, amazon, shared)
    await one.call()
    for each in (one, late):
        each.store.down, each.store.hung = ("refused" if fault == "down" else None), fault == "hung"
    # In the five minutes before it expires.
    await anyio.sleep(3400)
    begun = anyio.current_time()
    await one.call()
    assert anyio.current_time() - begun < 2.1
    assert "the current one is still valid" in caplog.text
    error = await late.error()
    assert "no token is requested without them" in str(error)
    assert 10 <= anyio.current_time() - begun < 15
    await anyio.sleep(200)
    assert "no token is requested without them" in str(await one.error())
    assert len(amazon.token.seen) == 1
    one.store.down, one.store.hung = None, False
    await one.call()
    assert sent(amazon) == ["secret-refresh", "rotated-1"]


@pytest.mark.parametrize("seconds", [5, 30])
async def test_a_token_that_could_not_be_saved_is_saved_when_the_store_is_back(seconds: float) -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    give: Any = amazon.token.script[0]

    def give_and_lose_the_store(request: httpx.Request) -> Any:
        one.store.down = "refused"
        return give(request)

    amazon.token.script[:] = [give_and_lose_the_store, give]

    async def come_back() -> None:
        await anyio.sleep(seconds)
        one.store.down = None

    call, _ = await gather(one.call, come_back)
    assert isinstance(call, errors.AuthenticationError) == (seconds > 10)
    assert failures(await gather(one.call)) == []
    assert failures(await gather(other.call)) == []
    assert "secret-refresh" not in sent(amazon)[1:]


async def test_a_store_that_fails_right_after_it_gave_the_turn_has_given_the_latest_refresh_token_too() -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    await gather(one.call, other.call)
    await anyio.sleep(3700)
    await other.call()
    await anyio.sleep(3700)
    update = one.store.update

    async def fail_afterwards(*args: Any, **options: Any) -> Any:
        result = await update(*args, **options)
        one.store.down = "away"
        return result

    one.store.update = fail_afterwards  # type: ignore[method-assign]

    async def come_back() -> None:
        await anyio.sleep(3)
        one.store.down, one.store.update = None, update  # type: ignore[method-assign]

    assert failures(await gather(one.call, come_back)) == []
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2"]


async def test_a_store_that_responds_too_late_has_stored_the_token_once() -> None:
    amazon, shared = Strict(), MemoryShared()
    one, other = processes(2, amazon, shared)
    give: Any = amazon.token.script[0]

    def give_and_slow_down(request: httpx.Request) -> Any:
        one.store.hung = one.store.stores_late = True
        return give(request)

    amazon.token.script[:] = [give_and_slow_down, give]

    async def recover() -> None:
        await anyio.sleep(3)
        one.store.hung = False

    assert failures(await gather(one.call, recover)) == []
    await other.call()
    assert len(amazon.token.seen) == 1


@pytest.mark.parametrize("loss", ["everything", "the last writes"])
async def test_a_store_that_lost_its_records_gets_them_from_any_process_that_knows_them(loss: str) -> None:
    amazon, shared = Strict(), MemoryShared()
    everyone = processes(5, amazon, shared)
    await gather(*[each.call for each in everyone])
    old = dict(shared.records)
    amazon.revoke()
    await gather(*[each.call for each in everyone])
    shared.records.clear()
    if loss == "the last writes":
        shared.records.update(old)
    amazon.revoke()
    for each in reversed(everyone):
        await each.call()
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2"]


async def test_a_login_that_is_newer_than_what_was_lost_is_not_replaced_by_it() -> None:
    amazon, shared = Strict(), MemoryShared()
    old = Process(amazon, shared)
    for _ in range(3):
        await old.call()
        amazon.revoke()
    await anyio.sleep(3700)
    shared.records.clear()
    amazon.latest = "Atzr|new"
    await Process(amazon, shared, refresh_token="Atzr|new").call()
    await old.call()
    assert sent(amazon) == ["secret-refresh", "rotated-1", "rotated-2", "new"]


@pytest.mark.parametrize("hours", [-1000, 1000])
async def test_a_clock_of_the_store_that_jumps_costs_at_most_one_request(hours: int) -> None:
    amazon, shared = Strict(), MemoryShared()
    await killed(amazon, shared, lambda _: anyio.sleep_forever())
    for round_number in (1, 2):
        one, other = processes(2, amazon, shared)
        for each in (one, other):
            each.store.clock_offset = hours * 3600.0 * round_number
        begun = anyio.current_time()
        await one.call()
        await other.call()
        assert anyio.current_time() - begun < 1
        assert len(amazon.token.seen) == 1 + round_number


@pytest.mark.parametrize("behind", [0.02, 0.5])
async def test_processes_that_differ_in_the_time_of_the_store_take_turns(behind: float) -> None:
    amazon, shared = Strict(latency=0.3), MemoryShared()
    one, other = processes(2, amazon, shared)
    other.store.clock_offset = -behind
    await gather(one.call, other.call)
    assert len(amazon.token.seen) == 1


# Cancellation


@pytest.mark.parametrize("way", ["task", "scope"])
def test_a_call_cancelled_at_any_turn_of_the_event_loop_costs_the_others_nothing(way: str) -> None:
    """On asyncio: its `Task.cancel` passes a shield."""

    async def main(loop: loops.JumpingLoop, turn: int) -> bool:
        amazon, shared = Strict(latency=0.3), MemoryShared()
        one, other = processes(2, amazon, shared)
        for each in (one, other):
            each.store.latency = 0.04
        scope = anyio.CancelScope()
        last = loop.turns + turn

        async def call() -> None:
            with scope:
                await one.call()

        task = loop.create_task(call())
        cancelled = False

        def look() -> bool:
            nonlocal cancelled
            if loop.turns < last or cancelled or task.done():
                return False
            cancelled = True
            task.cancel() if way == "task" else scope.cancel()
            return True

        loop.look = look
        await asyncio.wait([task])
        begun = loop.time()
        await other.call()
        assert loop.time() - begun < 1, f"cancelled at turn {turn}: its turn was left behind"
        await one.call()
        amazon.revoke()
        await other.call()
        refused = len(amazon.token.seen) - int(amazon.latest.removeprefix("Atzr|rotated-"))
        assert refused == 0, turn
        return cancelled

    turn = 0
    while loops.run(functools.partial(main, turn=turn)):
        turn += 1
    assert turn > 20


async def test_a_token_is_shared_although_the_call_on_a_plain_httpx_client_was_cancelled_meanwhile() -> None:
    amazon, shared = Amazon(), MemoryShared()
    one, other = (Process(amazon, shared) for _ in range(2))
    give: Any = amazon.token.script[0]

    def give_and_lose_the_store(request: httpx.Request) -> Any:
        one.store.down = "refused"
        return give(request)

    amazon.token.script[:] = [give_and_lose_the_store, give]

    async def call() -> None:
        async with httpx.AsyncClient(transport=amazon, auth=one.auth) as http:
            await http.get(ORIGIN)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(1)
        one.store.down = None
    await other.call()
    assert len(amazon.token.seen) == 1


def test_a_login_that_moves_to_another_event_loop_leaves_no_turn_behind() -> None:
    amazon, shared = Strict(), MemoryShared()
    give: Any = amazon.token.script[0]
    one = Process(amazon, shared)
    amazon.token.script[:] = [lambda _: asyncio.Event().wait(), give]
    loop = loops.JumpingLoop()
    call = loop.create_task(one.call())
    loop.run_until_complete(asyncio.sleep(0.5))
    assert len(amazon.token.seen) == 1

    async def call_again() -> None:
        async with asyncio.timeout(1):
            await one.call()

    loops.run(lambda _: call_again())
    call.cancel()
    loop.run_until_complete(asyncio.wait([call]))
    loop.close()
