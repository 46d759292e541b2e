"""Scenarios in which the rate limiters of other libraries hang, leak or are slow.

The simplest forms of some are in `test_rate_limit.py`; these need more than one caller.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import RateLimit, RetryPolicy, SmartProperties, errors
from tests import loops
from tests.helpers import Amazon, Service, answer, gather, get, login, smart_properties, virtual_time

GET = "unit_settings.get_default_music_station"
ONCE = RetryPolicy(max_attempts=1, max_retry_after=0)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def paced(service: httpx.AsyncBaseTransport, **settings: Any) -> SmartProperties:
    return smart_properties(service, rate_limit=RateLimit(**settings))


def in_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Most of these fail by hanging, and time is virtual."""

    @functools.wraps(test)
    async def bounded(*args: Any, **options: Any) -> None:
        with anyio.fail_after(10_000):
            await test(*args, **options)

    return bounded


def nothing_left(client: SmartProperties) -> bool:
    return all((limits.waiting, limits.in_flight) == (0, 0) for limits in client.limits.values())


class Queue:
    """Queued calls, in order, each of which can be cancelled."""

    def __init__(self, tasks: Any, client: SmartProperties) -> None:
        self.tasks, self.client = tasks, client
        self.scopes: list[anyio.CancelScope] = []

    async def add(self, count: int) -> None:
        for _ in range(count):
            self.scopes.append(anyio.CancelScope())
            self.tasks.start_soon(self._call, self.scopes[-1], f"unit-{len(self.scopes) - 1}")
            await anyio.wait_all_tasks_blocked()

    async def _call(self, scope: anyio.CancelScope, name: str) -> None:
        with scope:
            await get(self.client, name)


# A pause of everything


@pytest.mark.parametrize("gone", [{0}, {2, 4}, {0, 1, 2, 3, 4}])
@in_time
async def test_a_pause_ends_although_some_waiters_were_cancelled(gone: set[int]) -> None:
    """hikari: one task opens the gate for all; it dies at the first cancelled waiter, and no other follows."""
    service = Service()
    client = paced(service, per_second=10)
    for _ in range(2):  # the gate works more than once
        service.script = [answer(429, Retry_After="10"), 204]
        with pytest.raises(errors.Throttled):
            await get(client.with_options(retry=ONCE))
        refused, seen = anyio.current_time(), len(service.seen)
        async with anyio.create_task_group() as tasks:
            queue = Queue(tasks, client)
            await queue.add(5)
            await anyio.sleep(4)
            for index in gone:
                queue.scopes[index].cancel()
            await anyio.wait_all_tasks_blocked()
            assert client.limits[GET].waiting == 5 - len(gone)
            await queue.add(1)
        after = service.times[seen:]
        assert len(after) == 6 - len(gone)
        assert after[0] == pytest.approx(refused + 10)
        assert after[-1] < refused + 11
        assert nothing_left(client)


@in_time
async def test_queued_calls_continue_if_the_refused_call_is_cancelled() -> None:
    """discord.py: the task that met the global 429 shuts the gate, sleeps, and opens it; cancelled, it never does."""
    service = Service(answer(429, Retry_After="10"), 204, latency=0.01)
    client = paced(service, per_second=10)
    async with anyio.create_task_group() as tasks:
        queue = Queue(tasks, client)
        await queue.add(4)
        await anyio.sleep(3)
        assert client.limits[GET].refused == 1
        queue.scopes[0].cancel()
        await anyio.sleep(1)
        await queue.add(1)
        assert len(service.seen) == 1
    assert [seen.url.path.split("/")[3] for seen in service.seen[1:]] == ["unit-1", "unit-2", "unit-3", "unit-4"]
    assert service.times[1] == pytest.approx(10.01)
    assert service.times[-1] < 11
    assert nothing_left(client)


@in_time
async def test_the_next_call_continues_if_all_refused_calls_are_cancelled() -> None:
    """disnake: the lock of the global limit stays locked if the request that holds it is cancelled."""
    service = Service(answer(429, Retry_After="10"), latency=0.01)
    client = paced(service, per_second=10, burst=5)
    with anyio.move_on_after(2):
        await gather(*[lambda: get(client)] * 5)
    assert client.limits[GET].refused == 5
    assert nothing_left(client)
    service.script = [204]
    await get(client)
    assert service.times[-1] == pytest.approx(10.01)


# A bucket


@in_time
async def test_five_hundred_cancelled_waiters_cost_no_permit() -> None:
    """hikari: a waiter of a bucket that is cancelled stays counted as under way; the next use hangs."""
    service = Service(204)
    client = paced(service, per_second=1, burst=3)
    await gather(*[lambda: get(client)] * 3)
    for _ in range(250):  # one by one, and below many together
        with anyio.move_on_after(0.001) as scope:
            await get(client)
        assert scope.cancelled_caught
    with anyio.move_on_after(0.25) as scope:
        await gather(*[lambda: get(client)] * 250)
    assert scope.cancelled_caught
    assert nothing_left(client)
    await gather(*[lambda: get(client)] * 3)
    assert service.times == pytest.approx([0, 0, 0, 1, 2, 3])


class Odd(Exception):
    """Of no expected kind."""


@pytest.mark.parametrize(
    "end",
    [
        httpx.ReadTimeout,
        Odd,
        500,
        429,
        answer(200, None, Content_Type="text/html"),
        lambda _: anyio.sleep(1000),
    ],
    ids=["timeout", "foreign error", "500", "429", "invalid response", "deadline"],
)
@in_time
async def test_the_queue_continues_however_a_request_ends(end: Any) -> None:
    """discord.py: a bucket whose request ended in an unexpected way was stuck silently."""
    service = Service(*[end] * 5, 204)
    client = paced(service, per_second=10).with_options(retry=ONCE, deadline=1.5)
    ends = await gather(*[lambda: get(client)] * 5)
    assert all(isinstance(end, errors.AlexaError | Odd) for end in ends)
    assert nothing_left(client)
    await gather(*[lambda: get(client)] * 5)
    assert len(service.seen) == 10


@in_time
async def test_a_refused_token_does_not_block_the_queue() -> None:
    amazon = Amazon(latency=0.1)
    give, amazon.token.script = amazon.token.script, [400]
    client = smart_properties(amazon, auth=login(), rate_limit=RateLimit(per_second=10))
    ends = await gather(*[lambda: get(client)] * 5)
    assert [type(end) for end in ends] == [errors.AuthenticationError] * 5
    assert nothing_left(client)
    amazon.token.script = give
    assert not [end for end in await gather(*[lambda: get(client)] * 5) if isinstance(end, Exception)]


@in_time
async def test_a_response_that_used_the_last_permit_returns_immediately() -> None:
    """discord.py: the successful call that empties the bucket comes back after the reset, 1.5 s late."""
    service = Service(answer(204, None, Retry_After="1.5", X_RateLimit_Remaining="0", X_RateLimit_Reset="9"))
    client = paced(service, per_second=1, burst=2)
    for begun in (0, 0, 1):  # the last one waits for its turn, and for nothing more
        await get(client)
        assert anyio.current_time() == pytest.approx(begun)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)
        await anyio.sleep(0.3)
        # Somebody waits behind it by now.
        tasks.start_soon(get, client)
    assert anyio.current_time() == pytest.approx(3)
    assert client.limits[GET].paused_until is None


# max_wait


@pytest.mark.parametrize("own", [True, False])
@in_time
async def test_max_wait_bounds_a_pause_of_a_shared_scope(own: bool) -> None:
    """hikari: the longest wait that one could set held for buckets, and not for the global limit."""
    scope = object()
    service = Service(answer(429, Retry_After="30"), 204)
    other = paced(service, per_second=10, scope=scope)
    client = paced(service, per_second=10, scope=scope, max_wait=None if own else 5)
    with pytest.raises(errors.Throttled):
        await get(other.with_options(retry=ONCE))
    await anyio.sleep(1)
    for priority in ("interactive", "bulk"):
        view = client.with_options(priority=priority, max_wait=5 if own else None)
        begun = anyio.current_time()
        with pytest.raises(errors.RateLimitTooLong) as caught:
            await view.alerts.delete_alarms("unit-1")
        assert anyio.current_time() == begun
        assert caught.value.wait == pytest.approx(29)
        assert caught.value.max_wait == 5
    assert nothing_left(client)
    await anyio.sleep(25)
    await client.with_options(max_wait=5).alerts.delete_alarms("unit-1")
    assert service.times == pytest.approx([0, 30])


@in_time
async def test_a_pause_ends_the_wait_of_queued_calls_whose_max_wait_is_shorter() -> None:
    """hikari, again: patience is of each caller, and a pause that begins later may end it."""
    service = Service(answer(429, Retry_After="30"), 204, latency=0.05)
    client = paced(service, per_second=10)
    gave_up: list[float] = []

    async def impatient() -> None:
        with pytest.raises(errors.RateLimitTooLong):
            await get(client.with_options(max_wait=1), "impatient")
        gave_up.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        queue = Queue(tasks, client.with_options(retry=RetryPolicy(base=0)))
        for _ in range(3):
            await queue.add(1)
            tasks.start_soon(impatient)
            await anyio.wait_all_tasks_blocked()
    assert len(gave_up) == 3
    assert gave_up == pytest.approx([0.05] * 3)
    assert [seen.url.path.split("/")[3] for seen in service.seen] == ["unit-0", "unit-1", "unit-2", "unit-0"]
    assert service.times[1] == pytest.approx(30.05)
    assert nothing_left(client)


# Many waiters


async def _work(
    loop: loops.JumpingLoop, waiters: int, *, paused: bool, options: dict[str, Any]
) -> tuple[int, int, int]:
    """Timers that run while so many wait; timers and callbacks in all until they are through."""
    service = Service(answer(429, Retry_After="5") if paused else 204, 204)
    client = paced(service, per_second=100)
    if paused:
        with pytest.raises(errors.Throttled):
            await get(client.with_options(retry=ONCE))
    else:
        await get(client)
    timers, calls = len(loop.timers), loop.calls
    tasks = [asyncio.create_task(get(client.with_options(**options))) for _ in range(waiters)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert client.limits[GET].waiting == waiters
    pending = loop.pending_timers
    await asyncio.gather(*tasks)
    return pending, len(loop.timers) - timers, loop.calls - calls


@pytest.mark.parametrize("paused", [False, True])
def test_waiters_need_one_timer_together_and_one_step_each(paused: bool) -> None:
    """aiolimiter: each waiter wakes by its own timer to check whether it is its turn, so the work is quadratic."""
    few, many = (
        loops.run(lambda loop, count=count: _work(loop, count, paused=paused, options={}))  # type: ignore[misc]
        for count in (50, 500)
    )
    assert many[0] <= 2
    assert many[1] <= 500 + 10
    # Ten times the waiters, ten times the work.
    assert many[2] <= 10.5 * few[2]
    assert many[2] <= 15 * 500


@pytest.mark.parametrize("options", [{"deadline": 100}, {"max_wait": 100}])
def test_a_time_limit_costs_each_waiter_one_timer_and_no_more_steps(options: dict[str, float]) -> None:
    few, many = (
        loops.run(lambda loop, count=count: _work(loop, count, paused=False, options=options))  # type: ignore[misc]
        for count in (50, 500)
    )
    assert many[0] <= 500 + 2
    assert many[1] <= 3 * 500
    assert many[2] <= 10.5 * few[2]
